// Requests over HTTP, to a server that runs in the worker: the same socket, routes and engine as in an app.
import Foundation
import HTTPServing
import Inference
import LanguageModels
import Logging
import Text

struct RequestParser: FuzzParser {
  let name = "request"
  let goldens: Goldens
  let parts: FuzzParts
  private let server = LateServer()

  init(goldens: Goldens, parts: FuzzParts) { (self.goldens, self.parts) = (goldens, parts) }

  func seeds() throws -> [FuzzInput] {
    (Self.chats + Self.attacks).map { FuzzInput("body.json", $0) }
      + Self.texts.map { FuzzInput([.init("body.json", $0), .init("head.http", Self.head("/v1/completions"))]) }
      + [
        "GET /v1/models HTTP/1.1\r\nHost: x\r\n", "GET /health HTTP/1.1\r\nHost: x\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\n",
        "DELETE /v1/chat/completions HTTP/1.1\r\nHost: x\r\n", "OPTIONS * HTTP/1.1\r\nHost: x\r\n",
        "GET / HTTP/0.9\r\n",
        "GET /%00%ff/../..//x?a=%zz HTTP/1.1\r\nHost: x\r\n", "GET /v1/models/tiny HTTP/1.1\r\nHost: x\r\n",
      ].map { FuzzInput([.init("body.json", "{}"), .init("head.http", $0)]) }
  }

  private static func head(_ path: String) -> String {
    "POST \(path) HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
  }

  private static let chats = [
    #"{"model": "tiny", "messages": [{"role": "system", "content": "a"}, {"role": "user", "content": "Hello"}], "max_tokens": 4, "temperature": 0.7, "top_p": 0.9, "top_k": 5, "seed": 3, "stop": ["x", "y"], "n": 2}"#,
    #"{"messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}], "stream": true, "stream_options": {"include_usage": true}, "max_completion_tokens": 3}"#,
    #"{"messages": [{"role": "assistant", "content": null, "tool_calls": [{"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}]}, {"role": "tool", "tool_call_id": "a", "content": "1"}, {"role": "user", "content": "go", "name": "x"}], "max_tokens": 2, "tools": [], "tool_choice": "none", "response_format": {"type": "text"}, "logprobs": false, "presence_penalty": 0, "frequency_penalty": 0, "logit_bias": {}, "ignore_eos": true, "thinking": {"type": "enabled"}}"#,
  ]
  private static let texts = [
    #"{"prompt": "Hello", "max_tokens": 3, "echo": false, "suffix": "", "best_of": 1}"#,
    #"{"prompt": ["a", "b"], "max_tokens": 2, "stream": true}"#,
    #"{"prompt": [0, 1, 63], "max_tokens": 2, "min_p": 0}"#,
    #"{"prompt": [[1, 2], [3]], "max_tokens": 2, "repetition_penalty": 1}"#, #"{"prompt": [64]}"#, #"{"prompt": [-1]}"#,
    #"{"prompt": [2147483648]}"#, #"{"prompt": []}"#, #"{"prompt": [[]]}"#, #"{"prompt": ""}"#,
  ]
  private static let attacks = [
    "", "[]", "null", "{}", #"{"messages": []}"#, #"{"messages": [{}]}"#, #"{"messages": [{"role": "x\ny\u0000"}]}"#,
    String(repeating: "[", count: 500_000), #"{"messages": "# + String(repeating: #"[{"a":"#, count: 100_000),
    #"{"messages": [{"role": "user", "content": "x"}], "max_tokens": 9223372036854775807}"#,
    #"{"messages": [{"role": "user", "content": "x"}], "max_tokens": 9223372036854775808}"#,
    #"{"messages": [{"role": "user", "content": "x"}], "max_tokens": 1e300, "top_k": 1e18, "seed": -1e18}"#,
    #"{"messages": [{"role": "user", "content": "x"}], "temperature": 1e-320, "max_tokens": 3}"#,
    #"{"messages": [{"role": "user", "content": "x"}], "top_p": 1e-320, "max_tokens": 3}"#,
    #"{"messages": [{"role": "user", "content": "\#(String(repeating: "x", count: 100_000))"}]}"#,
    #"{"messages": [\#(Array(repeating: #"{"role": "user", "content": ""}"#, count: 20_000).joined(separator: ","))]}"#,
    #"{"model": "\#(String(repeating: "\\n", count: 5000))", "messages": [{"role": "user", "content": "x"}]}"#,
    #"{"messages": [{"role": "user", "content": "\ud800"}]}"#, #"{"a": 1, "a": 2, "messages": 5}"#,
  ]

  func attempt(_ input: FuzzInput, in directory: String) async throws -> String {
    let port = try await server.port(goldens, parts)
    let given = input["head.http"]
    let head = given.isEmpty ? Array(Self.head("/v1/chat/completions").utf8) : given
    let length = Array("Connection: close\r\nContent-Length: \(input["body.json"].count)\r\n\r\n".utf8)
    // A head that was damaged may ask for anything; only a sound one has a right to an answer.
    let isSound = given.isEmpty || given == Array(Self.head("/v1/completions").utf8)
    let reply = try await LoopbackClient.exchange(port, head + length + input["body.json"], isSound: isSound)
    guard let status = reply.status else {
      if isSound { throw Violation("the server closed the connection without an answer") }
      return "no answer to a damaged head"
    }
    guard status < 500 || !isSound || [501, 505].contains(status) else {
      throw Violation("the server answered with \(status)")
    }
    guard status >= 400, isSound else { return "status \(status)" }
    throw try RefusedRequest(reply.body)
  }
}

/// The sentence of an error response.
struct RefusedRequest: Error, CustomStringConvertible {
  let description: String

  init(_ body: [UInt8]) throws {
    struct Answer: Decodable {
      struct Problem: Decodable { let message: String }
      let error: Problem
    }
    guard let answer = try? JSONDecoder().decode(Answer.self, from: Data(body)) else {
      throw Violation("an error response is no JSON with error.message")
    }
    description = answer.error.message
  }
}

/// A server that is made when it is first asked for, and ends with the process.
actor LateServer {
  private var started: Task<Int, any Error>?

  func port(_ goldens: Goldens, _ parts: FuzzParts) async throws -> Int {
    let task = started ?? Task { try await Self.start(goldens, parts) }
    started = task
    return try await task.value
  }

  private static func start(_ goldens: Goldens, _ parts: FuzzParts) async throws -> Int {
    let directory = try TemporaryDirectory("server")
    try goldens.model("v3").write(to: directory.path)
    let model = ModelDirectory(directory.path)
    let tokenizer = try model.tokenizer()
    let weights = try model.model(parts.registry, on: parts.device)
    var engine = EngineSettings()
    (engine.slots, engine.capacity) = (8, 128)
    let template = try JinjaTemplate(
      String(decoding: goldens.bytes("templates/deepseek-v3.1.jinja"), as: UTF8.self),
      specialTokens: ["bos_token": "<s>"])
    let served = ServedModel(
      id: "tiny", tokenizer: tokenizer, template: template,
      generator: InferenceEngine(weights, tokenizer: tokenizer, settings: engine), contextLength: 128,
      systemFingerprint: "fuzz")
    let logger = Logger(label: "fuzz", factory: { _ in SwiftLogNoOpLogHandler() })
    let server = try FathomServer(models: [served], settings: ServerSettings(port: 0), logger: logger)
    Task { try await server.run() }
    return try await server.port
  }
}
