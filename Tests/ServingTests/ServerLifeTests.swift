// What happens when one side goes away or has to wait: cancellation, graceful shutdown, silence.
import LanguageModels
import Logging
import ServiceLifecycle
import Testing
import Text

@testable import HTTPServing

@Suite(.timeLimit(.minutes(10))) struct ServerLifeTests {
  @Test(arguments: [ReasoningStreamTests.streamed, HTTPTests.hello])
  func aClientThatGoesAwayCancelsItsGeneration(body: String) async throws {
    let (gate, isStreamed) = (Gate(), body == ReasoningStreamTests.streamed)
    let generator = FakeGenerator(["a", "b"], gate: gate)
    try await withServer([served(generator)]) { server in
      try await server.withConnection("POST", "/v1/chat/completions", body: Array(body.utf8)) { connection in
        var connection = connection
        // A whole answer shows nothing before it is complete: there the request itself is what has to arrive.
        if isStreamed {
          try await connection.wait(for: "\"reasoning_content\":\"a\"")
        } else {
          while generator.requests.isEmpty { await Task.yield() }
        }
      }
      await generator.abandoned.wait()
    }
    #expect(generator.requests.count == 1)
  }

  @Test func aGracefulShutdownCompletesTheStreamInFlight() async throws {
    let gate = Gate()
    let generator = FakeGenerator(["a", "</think>", "b", "c"], gate: gate)
    let (reply, refused) = try await withServer([served(generator)]) { server in
      let body = Array(ReasoningStreamTests.streamed.utf8)
      return try await server.withConnection("POST", "/v1/chat/completions", body: body) { connection in
        var connection = connection
        try await connection.wait(for: "\"content\":\"b\"")
        await server.group.triggerGracefulShutdown()
        // The listening socket is gone before the stream is let go on.
        var refused = false
        while !refused {
          do { _ = try await server.get("/health") } catch { refused = true }
        }
        gate.open()
        return (try await connection.rest(), refused)
      }
    }
    #expect(refused)
    #expect(reply.data.last == "[DONE]")
    let said = try reply.events().compactMap { $0["choices"][0]["delta"]["content"].string }.joined()
    #expect(said == "bc")
    #expect(try reply.events().last?["choices"][0]["finish_reason"].string == "stop")
  }

  @Test func aDrainingServerSendsNewRequestsElsewhere() async throws {
    let generator = FakeGenerator(["a"])
    try await withServer([served(generator)]) { server in
      server.server.routes.drain.begin()
      for reply in [try await server.get("/health"), try await server.post("/v1/chat/completions", HTTPTests.hello)] {
        #expect(reply.status == 503)
        #expect(reply.headers["retry-after"] == "5")
        #expect(try reply.json()["error"]["type"].string == "service_unavailable")
      }
    }
    #expect(generator.requests.isEmpty)
  }

  @Test func silenceIsFilledWithComments() async throws {
    let gate = Gate()
    var settings = ServerSettings(port: 0)
    settings.keepAliveSeconds = 0.02
    let generator = FakeGenerator(["</think>only"], gate: gate)
    let reply = try await withServer([served(generator)], settings: settings) { server in
      let body = Array(ReasoningStreamTests.streamed.utf8)
      return try await server.withConnection("POST", "/v1/chat/completions", body: body) { connection in
        var connection = connection
        try await connection.wait(for: ": keep-alive\n\n")
        gate.open()
        return try await connection.rest()
      }
    }
    #expect(reply.data.last == "[DONE]")
    #expect(try reply.events().compactMap { $0["choices"][0]["delta"]["content"].string }.joined() == "only")
  }

  @Test func aPortInUseIsReportedToWhoeverWaitsForIt() async throws {
    try await withServer([served(FakeGenerator(["a"]))]) { first in
      let second = try FathomServer(
        models: [], settings: ServerSettings(port: first.port),
        logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
      async let waiting = Self.outcome { try await second.port }
      let started = await Self.outcome { try await second.makeService().run() }
      let port = await waiting
      for error in [started, port] {
        #expect(error?.description.contains("the server cannot listen on 127.0.0.1:\(first.port)") == true)
      }
    }
  }

  private static func outcome<Value>(_ work: () async throws -> Value) async -> ServerError? {
    do {
      _ = try await work()
      return nil
    } catch {
      return error as? ServerError
    }
  }
}
