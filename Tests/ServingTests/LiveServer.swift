// A server on a free port of this machine, and a plain client that shows exactly what came over the wire.
import Foundation
import HTTPServing
import LanguageModels
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import Text

/// Runs a server for as long as `body` does, then shuts it down gracefully and waits for its end.
func withServer<Value: Sendable>(
  _ models: [ServedModel], settings: ServerSettings = ServerSettings(port: 0), puzzles: (any PuzzleSource)? = nil,
  runs: (any RunFeed)? = nil, _ body: (LiveServer) async throws -> Value
) async throws -> Value {
  var logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
  logger.logLevel = .critical
  let server = try FathomServer(models: models, settings: settings, puzzles: puzzles, runs: runs, logger: logger)
  let group = ServiceGroup(configuration: .init(services: [server.makeService()], logger: logger))
  return try await withThrowingTaskGroup(of: Void.self) { tasks in
    tasks.addTask { try await group.run() }
    do {
      let value = try await body(LiveServer(port: try await server.port, group: group, server: server))
      await group.triggerGracefulShutdown()
      try await tasks.waitForAll()
      return value
    } catch {
      await group.triggerGracefulShutdown()
      throw error
    }
  }
}

/// Runs a server with one model that writes `words`.
func withServer<Value: Sendable>(
  writing words: [String], opensThinking: Bool = true, _ body: (LiveServer) async throws -> Value
) async throws -> Value {
  try await withServer([served(FakeGenerator(words), opensThinking: opensThinking)], body)
}

func served(_ generator: any Generator, id: String = "tiny", opensThinking: Bool = true) -> ServedModel {
  ServedModel(
    id: id, tokenizer: ByteTokenizer(), template: LineTemplate(opensThinking: opensThinking), generator: generator,
    contextLength: 400, systemFingerprint: "fp_test")
}

struct LiveServer: Sendable {
  var port: Int
  var group: ServiceGroup
  var server: FathomServer

  func get(_ path: String, headers: [String: String] = [:]) async throws -> Reply {
    try await send("GET", path, headers: headers)
  }

  func post(_ path: String = "/v1/chat/completions", _ body: String, headers: [String: String] = [:]) async throws
    -> Reply
  {
    try await send("POST", path, body: Array(body.utf8), headers: headers)
  }

  func send(
    _ method: String, _ path: String, body: [UInt8] = [], headers: [String: String] = [:]
  ) async throws -> Reply {
    try await withConnection(method, path, body: body, headers: headers) { connection in
      var connection = connection
      return try await connection.rest()
    }
  }

  /// Opens a connection, sends one request, and lets `read` take what comes back. The connection ends with `read`.
  func withConnection<Value: Sendable>(
    _ method: String, _ path: String, body: [UInt8] = [], headers: [String: String] = [:],
    _ read: (Connection) async throws -> Value
  ) async throws -> Value {
    let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .connect(host: "127.0.0.1", port: port) { channel in
        channel.eventLoop.makeCompletedFuture {
          try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
        }
      }
    var head = "\(method) \(path) HTTP/1.1\r\nHost: test\r\nConnection: close\r\n"
    for (name, value) in headers { head += "\(name): \(value)\r\n" }
    if method != "GET" { head += "Content-Type: application/json\r\nContent-Length: \(body.count)\r\n" }
    let request = ByteBuffer(bytes: Array("\(head)\r\n".utf8) + body)
    return try await channel.executeThenClose { inbound, outbound in
      try await outbound.write(request)
      return try await read(Connection(inbound: inbound.makeAsyncIterator()))
    }
  }
}

/// What comes back on a connection, as it comes.
struct Connection {
  var inbound: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
  private(set) var text = ""

  init(inbound: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator) { self.inbound = inbound }

  /// Reads until `mark` has come; throws when the connection ends before.
  mutating func wait(for mark: String) async throws {
    while !text.contains(mark) {
      guard let bytes = try await inbound.next() else { throw ServerError("'\(mark)' never came, but: \(text)") }
      text += String(buffer: bytes)
    }
  }

  /// Reads to the end.
  mutating func rest() async throws -> Reply {
    while let bytes = try await inbound.next() { text += String(buffer: bytes) }
    return Reply(text)
  }
}

/// A response, taken apart.
struct Reply: Sendable {
  var status = 0
  var headers: [String: String] = [:]
  var body = ""

  init(_ text: String) {
    guard let split = text.range(of: "\r\n\r\n") else { return }
    let lines = text[..<split.lowerBound].components(separatedBy: "\r\n")
    status = lines[0].split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
    for line in lines.dropFirst() {
      guard let colon = line.firstIndex(of: ":") else { continue }
      headers[line[..<colon].lowercased()] = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
    }
    body = String(text[split.upperBound...])
    if headers["transfer-encoding"] == "chunked" { body = Self.joined(body) }
  }

  /// Takes the chunk sizes out of a chunked body.
  private static func joined(_ body: String) -> String {
    var (bytes, out) = (Array(body.utf8)[...], [UInt8]())
    while let end = bytes.firstIndex(of: UInt8(ascii: "\n")),
      let size = Int(
        String(decoding: bytes[..<end], as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines), radix: 16),
      size > 0, end + 1 + size <= bytes.endIndex
    {
      out += bytes[(end + 1)..<(end + 1 + size)]
      bytes = bytes[(end + 1 + size)...].dropFirst(2)
    }
    return String(decoding: out, as: UTF8.self)
  }

  /// The body, or the stream's events without `[DONE]`, as JSON.
  func json() throws -> JSON { try JSON(body) }
  func events() throws -> [JSON] { try data.filter { $0 != "[DONE]" }.map { try JSON($0) } }
  /// The `data:` lines of a stream.
  var data: [String] {
    body.components(separatedBy: "\n\n").filter { $0.hasPrefix("data: ") }.map { String($0.dropFirst(6)) }
  }
}

/// JSON read by Foundation, so that the server's own writer and reader are not judged by themselves.
struct JSON: Equatable, CustomStringConvertible, @unchecked Sendable {
  // Foundation's JSON objects are immutable once parsed.
  private let value: Any?
  init(_ text: String) throws {
    value = try JSONSerialization.jsonObject(with: Data(text.utf8), options: [.fragmentsAllowed])
  }
  private init(_ value: Any?) { self.value = value }
  subscript(name: String) -> JSON { JSON((value as? [String: Any])?[name]) }
  subscript(index: Int) -> JSON { JSON((value as? [Any]).flatMap { $0.indices.contains(index) ? $0[index] : nil }) }
  var string: String? { value as? String }
  var int: Int? { value as? Int }
  var items: [JSON] { (value as? [Any] ?? []).map { JSON($0) } }
  var keys: Set<String> { Set((value as? [String: Any] ?? [:]).keys) }
  var isNull: Bool { value is NSNull }
  /// With names in order, so that equal values have equal descriptions.
  var description: String {
    guard let value else { return "nothing" }
    let options: JSONSerialization.WritingOptions = [.sortedKeys, .fragmentsAllowed]
    return (try? JSONSerialization.data(withJSONObject: value, options: options))
      .map { String(decoding: $0, as: UTF8.self) } ?? "\(value)"
  }
  static func == (a: JSON, b: JSON) -> Bool { a.description == b.description }
}
