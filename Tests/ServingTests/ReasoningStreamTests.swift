// Streams: what they are made of, that thinking and answer never mix, and that cutting them up changes nothing.
import HTTPServing
import LanguageModels
import Testing
import Text

@Suite struct ReasoningStreamTests {
  static let streamed = HTTPTests.chat(#""stream": true"#)
  static let counted = HTTPTests.chat(#""stream": true, "stream_options": {"include_usage": true}"#)

  @Test func aStreamOpensFlowsEndsAndIsDone() async throws {
    let reply = try await withServer(writing: ["let", " me", "</think>", "4", "2"]) {
      try await $0.post("/v1/chat/completions", Self.streamed)
    }
    #expect(reply.status == 200)
    #expect(reply.headers["content-type"] == "text/event-stream; charset=utf-8")
    #expect(reply.headers["cache-control"] == "no-cache")
    #expect(reply.headers["x-accel-buffering"] == "no")
    #expect(reply.data.last == "[DONE]")
    #expect(reply.body.hasSuffix("data: [DONE]\n\n"))
    let chunks = try reply.events()
    for chunk in chunks {
      #expect(chunk.keys == ["id", "object", "created", "model", "system_fingerprint", "choices", "usage"])
      #expect(chunk["object"].string == "chat.completion.chunk")
      #expect(chunk["usage"].isNull)
      #expect(chunk["choices"].items.count == 1)
      #expect(chunk["choices"][0].keys == ["index", "delta", "logprobs", "finish_reason"])
    }
    for name in ["id", "created", "model", "system_fingerprint"] {
      #expect(Set(chunks.map { $0[name].description }).count == 1, "\(name) is the same in every chunk")
    }
    let opening = try #require(chunks.first)["choices"][0]["delta"]
    #expect(opening["role"].string == "assistant")
    #expect(opening["content"].isNull)
    let ending = try #require(chunks.last)["choices"][0]
    #expect(ending["delta"].keys.isEmpty)
    #expect(ending["finish_reason"].string == "stop")
    #expect(chunks.dropLast().allSatisfy { $0["choices"][0]["finish_reason"].isNull })
  }

  @Test func usageComesLastAndOnlyWhenAsked() async throws {
    let words = ["let", " me", "</think>", "4", "2"]
    let (whole, stream) = try await withServer(writing: words) { server in
      (
        try await server.post("/v1/chat/completions", HTTPTests.hello),
        try await server.post("/v1/chat/completions", Self.counted)
      )
    }
    let last = try #require(try stream.events().last)
    #expect(last["choices"].items.isEmpty)
    #expect(last["usage"] == (try whole.json()["usage"]))
    #expect(try stream.events().dropLast().allSatisfy { $0["usage"].isNull })
  }

  /// The law: however the text is cut into tokens, no chunk has both, and the chunks put together are the whole answer.
  @Test(arguments: [true, false]) func thinkingAndAnswerNeverShareAChunk(opensThinking: Bool) async throws {
    let text = (opensThinking ? "" : "<think>") + "ab <b>c</thin d</think>é <answer> \"42\"\n</think> </answer> tail"
    let characters = text.map(String.init)
    let cuts: [[String]] =
      [[text], characters, [String(characters[0]), "", text.dropFirst().description]]
      + (2...7).map { size in
        stride(from: 0, to: characters.count, by: size).map {
          characters[$0..<min($0 + size, characters.count)].joined()
        }
      }
    var answers: Set<[String]> = []
    for words in cuts {
      let (whole, stream) = try await withServer(writing: words, opensThinking: opensThinking) { server in
        (
          try await server.post("/v1/chat/completions", HTTPTests.hello),
          try await server.post("/v1/chat/completions", Self.streamed)
        )
      }
      let deltas = try stream.events().map { $0["choices"][0]["delta"] }
      for delta in deltas {
        let (thought, said) = (delta["reasoning_content"].string ?? "", delta["content"].string ?? "")
        #expect(thought.isEmpty || said.isEmpty, "\(delta)")
        if !thought.isEmpty { #expect(delta["content"].isNull) }
        if !said.isEmpty { #expect(delta["reasoning_content"].isNull) }
      }
      let firstAnswer = deltas.firstIndex { $0["content"].string?.isEmpty == false } ?? deltas.count
      #expect(!deltas[firstAnswer...].contains { $0["reasoning_content"].string?.isEmpty == false })
      let thought = deltas.compactMap { $0["reasoning_content"].string }.joined()
      let said = deltas.compactMap { $0["content"].string }.joined()
      let message = try whole.json()["choices"][0]["message"]
      #expect(message["reasoning_content"].string == thought)
      #expect(message["content"].string == said)
      answers.insert([thought, said])
    }
    #expect(answers.count == 1, "the answer depends on how it was cut: \(answers)")
    let answer = try #require(answers.first)
    #expect(answer[0].contains("ab <b>c</thin d"))
    #expect(answer[1].contains("\"42\""))
    #expect(cuts.count == 9)
  }

  @Test func thinkingThatNeverEndsLeavesAnEmptyAnswer() async throws {
    let reply = try await withServer(writing: ["a", "b", "c"]) {
      try await $0.post("/v1/chat/completions", HTTPTests.chat(#""max_tokens": 2"#))
    }
    let choice = try reply.json()["choices"][0]
    #expect(choice["finish_reason"].string == "length")
    #expect(choice["message"]["content"].string == "")
    #expect(choice["message"]["reasoning_content"].string == "ab")
    #expect(try reply.json()["usage"]["completion_tokens_details"]["reasoning_tokens"].int == 2)
  }

  @Test func aModelThatDoesNotThinkHasNoReasoning() async throws {
    let reply = try await withServer(writing: ["4", "2"], opensThinking: false) {
      try await $0.post("/v1/chat/completions", HTTPTests.hello)
    }
    let json = try reply.json()
    #expect(json["choices"][0]["message"]["reasoning_content"].isNull)
    #expect(json["choices"][0]["message"]["content"].string == "42")
    #expect(json["usage"]["completion_tokens_details"]["reasoning_tokens"].int == 0)
  }

  @Test func severalStreamsEachOpenAndEndOnce() async throws {
    let reply = try await withServer(writing: ["a", "</think>", "b"]) {
      try await $0.post(
        "/v1/chat/completions", HTTPTests.chat(#""n": 4, "stream": true, "stream_options": {"include_usage": true}"#))
    }
    let chunks = try reply.events()
    for index in 0..<4 {
      let own = chunks.map { $0["choices"][0] }.filter { $0["index"].int == index }
      #expect(own.filter { $0["delta"]["role"].string == "assistant" }.count == 1)
      #expect(own.filter { $0["finish_reason"].string == "stop" }.count == 1)
      #expect(own.compactMap { $0["delta"]["content"].string }.joined() == "b")
      #expect(own.compactMap { $0["delta"]["reasoning_content"].string }.joined() == "a")
    }
    #expect(chunks.filter { !$0["usage"].isNull }.map { $0["usage"]["completion_tokens"].int } == [12])
  }

  @Test func textStreamsCarryTextChunks() async throws {
    let reply = try await withServer(writing: ["a", "b"]) {
      try await $0.post("/v1/completions", #"{"prompt": "x", "stream": true}"#)
    }
    let choices = try reply.events().map { $0["choices"][0] }
    #expect(choices.map { $0["text"].string } == ["a", "b", ""])
    #expect(choices.last?["finish_reason"].string == "stop")
    #expect(reply.data.last == "[DONE]")
  }

  @Test func anErrorAfterTheHeadersIsAnEvent() async throws {
    struct Broken: Error {}
    let generator = FakeGenerator(["a"], failure: Broken())
    let reply = try await withServer([served(generator)]) { try await $0.post("/v1/chat/completions", Self.streamed) }
    #expect(reply.status == 200)
    let last = try #require(try reply.events().last)
    #expect(last["error"]["type"].string == "server_error")
    #expect(last["error"].keys == ["message", "type", "param", "code"])
    #expect(reply.data.last == "[DONE]")
  }

  @Test func linesAndQuotesInTheTextStayInsideOneEvent() async throws {
    let text = "a\n\ndata: [DONE]\n\n\"\\\u{2028}\r\t\u{1}é👍"
    let reply = try await withServer(writing: [text], opensThinking: false) {
      try await $0.post("/v1/chat/completions", Self.streamed)
    }
    let said = try reply.events().compactMap { $0["choices"][0]["delta"]["content"].string }.joined()
    #expect(Array(said.unicodeScalars) == Array(text.unicodeScalars))
  }
}
