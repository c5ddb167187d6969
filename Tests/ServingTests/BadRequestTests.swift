// A client's mistake gets a 4xx and a sentence that names the field, what was found and what would have worked.
import Foundation
import HTTPServing
import LanguageModels
import Logging
import Testing
import Text

/// A mistake, and what must be said about it.
struct Mistake: Sendable, CustomTestStringConvertible {
  var body: String
  var param: String?
  var sentence: String
  var status = 400
  var code: String?
  var path = "/v1/chat/completions"
  var testDescription: String { "\(path) \(body.prefix(70))" }

  /// A mistake beside a good list of messages.
  static func field(_ json: String, _ param: String, _ sentence: String, code: String? = nil) -> Mistake {
    Mistake(body: HTTPTests.chat(json), param: param, sentence: sentence, code: code)
  }
}

@Suite struct BadRequestTests {
  static let wrongBodies: [Mistake] = [
    .init(body: "", sentence: "the body is empty; it must be a JSON object"),
    .init(body: "hello", sentence: "it must be a JSON object in UTF-8"),
    .init(body: "{\"messages\": [}", sentence: "it must be a JSON object in UTF-8"),
    .init(body: "[1, 2]", sentence: "the body is a list of 2; it must be a JSON object"),
    .init(body: "\"text\"", sentence: "the body is the text \"text\"; it must be a JSON object"),
    .init(body: String(repeating: "[", count: 100_000), sentence: "nested more than 64 levels deep"),
    .init(body: String(repeating: "{\"a\":", count: 100_000), sentence: "nested more than 64 levels deep"),
    .init(body: "[" + String(repeating: "1,", count: 400_000) + "1]", sentence: "more than 300000 values"),
    .init(body: #""a\nb\u0000\u001b[2J""#, sentence: "the body is the text \"a b  [2J\"; it must be a JSON object"),
    .init(body: "{}", param: "messages", sentence: "messages is missing; it must be a list such as"),
    .init(body: #"{"messages": []}"#, param: "messages", sentence: "messages is an empty list; it must be"),
    .init(body: #"{"messages": "hi"}"#, param: "messages", sentence: "messages is the text \"hi\"; it must be a list"),
    .init(body: #"{"messages": [7]}"#, param: "messages[0]", sentence: "messages[0] is 7; it must be an object"),
    .init(
      body: #"{"messages": [{"content": "x"}]}"#, param: "messages[0].role", sentence: "messages[0].role is missing"),
    .init(
      body: #"{"messages": [{"role": "user", "content": "x"}, {"role": "robot", "content": "x"}]}"#,
      param: "messages[1].role",
      sentence: "messages[1].role is the text \"robot\"; it must be one of system, developer, user, assistant and tool"),
    .init(
      body: #"{"messages": [{"role": "user", "content": 5}]}"#, param: "messages[0].content",
      sentence: "messages[0].content is 5; it must be a text, null or a list of text parts"),
    .init(
      body: #"{"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]}"#,
      param: "messages[0].content[0].type", sentence: "only text parts are supported", code: "unsupported_parameter"),
    .init(
      body: #"{"messages": [{"role": "tool", "content": "x"}]}"#, param: "messages",
      sentence: "this template has no tool turns"),
  ]

  static let wrongFields: [Mistake] = [
    .field(#""temperature": "hot""#, "temperature", "temperature is the text \"hot\"; it must be a number from 0 to 2"),
    .field(#""temperature": 2.5"#, "temperature", "temperature is 2.5; it must be a number from 0 to 2"),
    .field(#""temperature": -1"#, "temperature", "temperature is -1; it must be a number from 0 to 2"),
    .field(#""top_p": 0"#, "top_p", "top_p is 0; it must be a number above 0 and at most 1"),
    .field(#""top_k": -2"#, "top_k", "top_k is -2; it must be a whole number of at least -1"),
    .field(#""n": 1e1"#, "n", "n is 10.0; it must be a whole number from 1 to 8"),
    .field(#""top_k": 1.5"#, "top_k", "top_k is 1.5; it must be a whole number"),
    .field(#""max_tokens": 0"#, "max_tokens", "max_tokens is 0; it must be a whole number of at least 1"),
    .field(#""max_completion_tokens": true"#, "max_completion_tokens", "is true; it must be a whole number"),
    .field(
      #""max_tokens": 9223372036854775807"#, "max_tokens", "so at most 392 would have worked",
      code: "context_length_exceeded"),
    .field(#""seed": 1e300"#, "seed", "it must be a whole number"),
    .field(#""seed": {}"#, "seed", "seed is an object; it must be a whole number"),
    .field(#""stop": """#, "stop", "it must be a text that is not empty"),
    .field(#""stop": ["a", 3]"#, "stop[1]", "stop[1] is 3; it must be a text"),
    .field(
      #""stop": [\#(Array(repeating: "\"a\"", count: 17).joined(separator: ","))]"#, "stop",
      "stop is a list of 17; it must be a text or a list of at most 16 texts"),
    .field(#""n": 9"#, "n", "n is 9; it must be a whole number from 1 to 8"),
    .field(#""stream": "yes""#, "stream", "stream is the text \"yes\"; it must be true or false"),
    .field(#""stream_options": {"include_usage": 1}"#, "stream_options.include_usage", "it must be true or false"),
    .field(#""tools": [{}]"#, "tools", "tools is not supported here", code: "unsupported_parameter"),
    .field(#""tool_choice": "required""#, "tool_choice", "is not supported here", code: "unsupported_parameter"),
    .field(
      #""response_format": {"type": "json_schema"}"#, "response_format.type", "which is not supported here",
      code: "unsupported_parameter"),
    .field(#""logprobs": true"#, "logprobs", "logprobs is not supported here", code: "unsupported_parameter"),
    .field(#""presence_penalty": 1"#, "presence_penalty", "set it to 0", code: "unsupported_parameter"),
    .field(#""presence_penalty": 3"#, "presence_penalty", "it must be a number from -2 to 2"),
    .field(#""model": 3"#, "model", "model is 3; it must be the name of a model"),
    .init(
      body: HTTPTests.chat(#""model": "gpt-9""#), param: "model",
      sentence: "model is \"gpt-9\", which is not served here; this server has tiny", status: 404,
      code: "model_not_found"),
    .init(
      body: #"{"messages": [{"role": "user", "content": "\#(String(repeating: "x", count: 500))"}]}"#,
      param: "messages",
      sentence: "prompt and answer must fit in 400 tokens together", code: "context_length_exceeded"),
    .init(body: "{}", param: "prompt", sentence: "prompt is missing", path: "/v1/completions"),
    .init(body: #"{"prompt": ""}"#, param: "prompt", sentence: "a text that is not empty", path: "/v1/completions"),
    .init(
      body: #"{"prompt": "\#(String(repeating: "x", count: 400))"}"#, param: "prompt",
      sentence: "the prompt has 400 tokens", code: "context_length_exceeded", path: "/v1/completions"),
    .init(body: #"{"prompt": [256]}"#, param: "prompt[0]", sentence: "from 0 to 255", path: "/v1/completions"),
    .init(body: #"{"prompt": [["a"]]}"#, param: "prompt[0][0]", sentence: "from 0 to 255", path: "/v1/completions"),
  ]

  @Test func everyMistakeIsNamed() async throws {
    let mistakes = Self.wrongBodies + Self.wrongFields
    let generator = FakeGenerator(["a"])
    try await withServer([served(generator)]) { server in
      for mistake in mistakes {
        let reply = try await server.post(mistake.path, mistake.body)
        let said = "\(mistake.testDescription): \(reply.status) \(reply.body)"
        #expect(reply.status == mistake.status, "\(said)")
        let error = try reply.json()["error"]
        #expect(error.keys == ["message", "type", "param", "code"], "\(said)")
        #expect(error["message"].string?.contains(mistake.sentence) == true, "\(said)")
        #expect(error["param"].string == mistake.param, "\(said)")
        if let code = mistake.code { #expect(error["code"].string == code, "\(said)") }
        #expect(
          error["type"].string == (mistake.status == 404 ? "not_found_error" : "invalid_request_error"), "\(said)")
      }
    }
    #expect(mistakes.count > 40)
    #expect(generator.requests.isEmpty, "nothing was generated for a refused request")
  }

  @Test func mistakesInAStreamedRequestKeepTheirStatus() async throws {
    let reply = try await withServer(writing: ["a"]) {
      try await $0.post("/v1/chat/completions", HTTPTests.chat(#""stream": true, "temperature": 3"#))
    }
    #expect(reply.status == 400)
    #expect(reply.headers["content-type"] == "application/json; charset=utf-8")
  }

  @Test func aGeneratorsRefusalIsTheClientsMistake() async throws {
    let generator = FakeGenerator([], failure: GenerationError("the prompt is longer than the cache"))
    let reply = try await withServer([served(generator)]) { try await $0.post("/v1/chat/completions", HTTPTests.hello) }
    #expect(reply.status == 400)
    #expect(try reply.json()["error"]["message"].string == "the prompt is longer than the cache")
  }

  @Test func whatIsNotTheClientsMistakeIs500AndKeepsItsSecrets() async throws {
    struct Leak: Error, CustomStringConvertible { var description: String { "password in /etc/secret" } }
    let generator = FakeGenerator(["a"], failure: Leak())
    let reply = try await withServer([served(generator)]) { try await $0.post("/v1/chat/completions", HTTPTests.hello) }
    #expect(reply.status == 500)
    #expect(try reply.json()["error"]["type"].string == "server_error")
    #expect(!reply.body.contains("secret"))
  }

  @Test func bodiesOverFourMegabytesAre413() async throws {
    try await withServer(writing: ["a"]) { server in
      let text = String(repeating: "x", count: 4 << 20)
      let reply = try await server.post("/v1/chat/completions", #"{"messages": "\#(text)"}"#)
      #expect(reply.status == 413)
      #expect(try reply.json()["error"]["code"].string == "body_too_large")
      let next = try await server.post("/v1/chat/completions", HTTPTests.hello)
      #expect(next.status == 200)
    }
  }

  @Test func bytesThatAreNoUTF8Are400() async throws {
    try await withServer(writing: ["a"]) { server in
      for bytes: [UInt8] in [
        [0xFF, 0xFE, 0x7B, 0x00, 0x7D, 0x00], Array("{\"a\": \"".utf8) + [0xC3, 0x28] + Array("\"}".utf8),
      ] {
        let reply = try await server.send("POST", "/v1/chat/completions", body: bytes)
        #expect(reply.status == 400, "\(bytes)")
      }
    }
  }

  @Test func unknownPlacesAre404AndWrongMethods405InJSON() async throws {
    try await withServer(writing: ["a"]) { server in
      let nowhere = try await server.get("/v1/nowhere")
      #expect(nowhere.status == 404)
      #expect(try nowhere.json()["error"]["message"].string == "there is nothing at /v1/nowhere")
      let unknown = try await server.get("/v1/models/gpt-9")
      #expect(unknown.status == 404)
      #expect(try unknown.json()["error"]["code"].string == "model_not_found")
      let wrong = try await server.get("/v1/chat/completions")
      #expect(wrong.status == 405)
      #expect(wrong.headers["allow"] == "POST")
      #expect(try wrong.json()["error"]["message"].string == "GET is not possible on /v1/chat/completions; use POST")
      let deleted = try await server.send("DELETE", "/v1/models")
      #expect(deleted.status == 405)
    }
  }

  @Test func settingsThatCannotWorkAreRefused() {
    let model = served(FakeGenerator(["a"]))
    for settings in [ServerSettings(host: ""), ServerSettings(port: 70000), ServerSettings(apiKeys: [""])] {
      #expect(throws: ServerError.self) { try settings.validate() }
    }
    #expect(throws: ServerError("two models are called 'tiny'; each needs a name of its own")) {
      try FathomServer(models: [model, model], logger: .init(label: "test"))
    }
  }
}
