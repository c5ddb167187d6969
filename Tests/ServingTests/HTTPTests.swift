// The contract of the API as a client sees it over a socket: shapes, headers, counts, options.
import Foundation
import HTTPServing
import LanguageModels
import Testing
import Text

@Suite struct HTTPTests {
  static let hello = #"{"messages": [{"role": "user", "content": "hi"}]}"#
  static let words = ["let ", "me ", "see", "</think>", "4", "2"]

  static func chat(_ extra: String) -> String {
    #"{"messages": [{"role": "user", "content": "hi"}], \#(extra)}"#
  }

  @Test func aWholeAnswerHasEveryKeyOfTheContract() async throws {
    let reply = try await withServer(writing: Self.words) { try await $0.post("/v1/chat/completions", Self.hello) }
    #expect(reply.status == 200)
    #expect(reply.headers["content-type"] == "application/json; charset=utf-8")
    let json = try reply.json()
    #expect(json.keys == ["id", "object", "created", "model", "system_fingerprint", "choices", "usage"])
    #expect(json["id"].string?.hasPrefix("chatcmpl-") == true)
    #expect(json["object"].string == "chat.completion")
    #expect(json["model"].string == "tiny")
    #expect(json["system_fingerprint"].string == "fp_test")
    let choice = json["choices"][0]
    #expect(choice.keys == ["index", "message", "logprobs", "finish_reason"])
    #expect(choice["logprobs"].isNull)
    #expect(choice["finish_reason"].string == "stop")
    #expect(choice["message"].keys == ["role", "content", "reasoning_content", "refusal"])
    #expect(choice["message"]["role"].string == "assistant")
    #expect(choice["message"]["content"].string == "42")
    #expect(choice["message"]["reasoning_content"].string == "let me see")
  }

  @Test func usageCountsPromptAnswerAndThinking() async throws {
    let reply = try await withServer(writing: Self.words) { try await $0.post("/v1/chat/completions", Self.hello) }
    let usage = try reply.json()["usage"]
    #expect(usage["prompt_tokens"].int == "user:hi\n".utf8.count)
    #expect(usage["completion_tokens"].int == Self.words.count)
    #expect(usage["total_tokens"].int == "user:hi\n".utf8.count + Self.words.count)
    #expect(usage["prompt_cache_hit_tokens"].int == 0)
    #expect(usage["prompt_cache_miss_tokens"].int == "user:hi\n".utf8.count)
    #expect(usage["prompt_tokens_details"]["cached_tokens"].int == 0)
    // "let ", "me ", "see" and the end mark are thinking; "4" and "2" are the answer.
    #expect(usage["completion_tokens_details"]["reasoning_tokens"].int == 4)
  }

  @Test func keysComeInAFixedOrder() async throws {
    let body = try await withServer(writing: Self.words) { try await $0.post("/v1/chat/completions", Self.hello).body }
    let order = [
      "\"id\":", "\"object\":", "\"created\":", "\"model\":", "\"system_fingerprint\":", "\"choices\":", "\"index\":",
      "\"message\":", "\"role\":", "\"content\":", "\"reasoning_content\":", "\"refusal\":", "\"logprobs\":",
      "\"finish_reason\":", "\"usage\":", "\"prompt_tokens\":", "\"completion_tokens\":", "\"total_tokens\":",
    ]
    let places = order.map { body.range(of: $0)?.lowerBound }
    #expect(!places.contains(nil), "\(body)")
    #expect(places.compactMap { $0 } == places.compactMap { $0 }.sorted(), "\(body)")
  }

  @Test func optionsReachTheGenerator() async throws {
    let generator = FakeGenerator(["a", "b", "c"])
    let body = Self.chat(
      #""temperature": 0.25, "top_p": 0.5, "top_k": 7, "seed": -1, "stop": ["x", "yz"], "max_tokens": 9, "#
        + #""max_completion_tokens": 2, "surprise": {"ignored": true}"#)
    let reply = try await withServer([served(generator, opensThinking: false)]) {
      try await $0.post("/v1/chat/completions", body)
    }
    #expect(reply.status == 200, "\(reply.body)")
    let options = try #require(generator.requests.first).options
    #expect(options.temperature == 0.25)
    #expect(options.topP == 0.5)
    #expect(options.topK == 7)
    #expect(options.seed == UInt64.max)
    #expect(options.stop == ["x", "yz"])
    #expect(options.maxTokens == 2, "max_completion_tokens wins")
    #expect(try reply.json()["choices"][0]["finish_reason"].string == "length")
    #expect(try reply.json()["choices"][0]["message"]["content"].string == "ab")
  }

  @Test func callsAndReasoningReachTheTemplate() async throws {
    let generator = FakeGenerator(["ok"])
    var model = served(generator)
    model.template = try JinjaTemplate("{% for m in messages %}{{ m | tojson }}\n{% endfor %}")
    let call = #"{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{\"b\": 1, \"a\": 2}"}}"#
    let body = """
      {"messages": [{"role": "user", "content": "w?"},
        {"role": "assistant", "content": null, "reasoning_content": "r", "tool_calls": [\(call)]},
        {"role": "tool", "tool_call_id": "c1", "content": "3"}]}
      """
    let reply = try await withServer([model]) { try await $0.post("/v1/chat/completions", body) }
    #expect(reply.status == 200, "\(reply.body)")
    let prompt = try #require(generator.requests.first).prompt
    let lines = ByteTokenizer().decode(prompt.tokens).split(separator: "\n")
    let written = #"{"id": "c1", "type": "function", "function": {"name": "f", "arguments": {"b": 1, "a": 2}}}"#
    #expect(lines.count == 3 && lines[0] == #"{"role": "user", "content": "w?"}"#)
    #expect(
      lines[1] == #"{"thinking": "r", "role": "assistant", "reasoning_content": "r", "tool_calls": [\#(written)], "#
        + #""content": null}"#)
    #expect(lines[2] == #"{"role": "tool", "content": "3", "tool_call_id": "c1"}"#)
  }

  @Test func rolesAndTextPartsAreRead() async throws {
    let generator = FakeGenerator(["ok"])
    let body = """
      {"messages": [{"role": "developer", "content": "be brief"},
        {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
        {"role": "assistant", "content": null}, {"role": "user", "content": "c"}], "tools": [], "logprobs": false}
      """
    let reply = try await withServer([served(generator)]) { try await $0.post("/chat/completions", body) }
    #expect(reply.status == 200, "\(reply.body)")
    let prompt = try #require(generator.requests.first).prompt
    #expect(ByteTokenizer().decode(prompt.tokens) == "system:be brief\nuser:ab\nassistant:\nuser:c\n")
  }

  @Test func everyRequestWithoutASeedDrawsItsOwn() async throws {
    let generator = FakeGenerator(["ok"])
    try await withServer([served(generator)]) { server in
      for _ in 0..<2 { _ = try await server.post("/v1/chat/completions", Self.hello) }
    }
    #expect(Set(generator.requests.map(\.options.seed)).count == 2)
  }

  @Test func severalAnswersAreKeptApartByTheirNumber() async throws {
    let generator = FakeGenerator(["ok"])
    let reply = try await withServer([served(generator, opensThinking: false)]) {
      try await $0.post("/v1/chat/completions", Self.chat(#""n": 3, "seed": 5"#))
    }
    #expect(try reply.json()["choices"].items.map { $0["index"].int } == [0, 1, 2])
    #expect(generator.requests.map(\.prompt.request) == [0, 1, 2])
    #expect(Set(generator.requests.map(\.options.seed)) == [5])
    #expect(try reply.json()["usage"]["completion_tokens"].int == 3)
  }

  @Test func textCompletionsContinueTextAsItIs() async throws {
    let generator = FakeGenerator(["<think>", "x"])
    let reply = try await withServer([served(generator)]) {
      try await $0.post("/v1/completions", #"{"model": "tiny", "prompt": ["ab", [65, 66]]}"#)
    }
    let json = try reply.json()
    #expect(json["object"].string == "text_completion")
    #expect(json["choices"].items.map { $0["text"].string } == ["<think>x", "<think>x"])
    #expect(generator.requests.map { ByteTokenizer().decode($0.prompt.tokens) } == ["ab", "AB"])
    #expect(json["usage"]["prompt_tokens"].int == 4)
  }

  @Test func modelsAreListed() async throws {
    let models = [served(FakeGenerator(["a"]), id: "one"), served(FakeGenerator(["b"]), id: "team/two")]
    try await withServer(models) { server in
      let list = try await server.get("/v1/models").json()
      #expect(list["object"].string == "list")
      #expect(list["data"].items.map { $0["id"].string } == ["one", "team/two"])
      #expect(list["data"][0]["object"].string == "model")
      #expect(list["data"][0]["max_model_len"].int == 400)
      #expect(try await server.get("/models").json() == list)
      for path in ["/v1/models/team/two", "/models/team%2Ftwo"] {
        #expect(try await server.get(path).json()["id"].string == "team/two", "\(path)")
      }
      let answer = try await server.post("/v1/chat/completions", Self.chat(#""model": "team/two""#)).json()
      #expect(answer["choices"][0]["message"]["reasoning_content"].string == "b")
    }
  }

  @Test func healthAndPagesAnswer() async throws {
    try await withServer(writing: ["a"]) { server in
      let health = try await server.get("/health")
      #expect(health.status == 200)
      #expect(try health.json()["status"].string == "ok")
      for path in ["/", "/run"] {
        let page = try await server.get(path)
        #expect(page.status == 200)
        #expect(page.headers["content-type"] == "text/html; charset=utf-8")
        #expect(page.headers["content-security-policy"]?.hasPrefix("default-src 'none'") == true)
        #expect(page.body.hasPrefix("<!doctype html>") && page.body.hasSuffix("</html>\n"))
      }
    }
  }

  @Test func requestIDsAreEchoedOrMade() async throws {
    try await withServer(writing: ["a"]) { server in
      let echoed = try await server.get("/health", headers: ["X-Request-ID": "abc-1"])
      #expect(echoed.headers["x-request-id"] == "abc-1")
      let (first, second) = (try await server.get("/health"), try await server.get("/nowhere"))
      #expect(first.headers["x-request-id"]?.hasPrefix("req-") == true)
      #expect(second.headers["x-request-id"]?.hasPrefix("req-") == true)
      #expect(first.headers["x-request-id"] != second.headers["x-request-id"])
      let forged = try await server.get("/health", headers: ["X-Request-ID": String(repeating: "a", count: 500)])
      #expect(forged.headers["x-request-id"]?.hasPrefix("req-") == true)
    }
  }

  @Test func keysAreAskedForWhereThereAreKeys() async throws {
    let settings = ServerSettings(port: 0, apiKeys: ["secret", "other"])
    try await withServer([served(FakeGenerator(["a"]))], settings: settings) { server in
      for headers in [[:], ["Authorization": "Bearer wrong1"], ["Authorization": "Basic secret"]] {
        let reply = try await server.post("/v1/chat/completions", Self.hello, headers: headers)
        #expect(reply.status == 401, "\(headers)")
        #expect(reply.headers["www-authenticate"] == "Bearer")
        #expect(try reply.json()["error"]["code"].string == "invalid_api_key")
      }
      let open = try await server.get("/health")
      #expect(open.status == 200)
      let listed = try await server.get("/v1/models", headers: ["Authorization": "Bearer other"])
      #expect(listed.status == 200)
    }
  }

  @Test func otherOriginsAreLetInOnlyWhenAllowed() async throws {
    for isAllowed in [false, true] {
      let settings = ServerSettings(port: 0, allowsCrossOrigin: isAllowed)
      try await withServer([served(FakeGenerator(["a"]))], settings: settings) { server in
        let reply = try await server.get("/v1/models", headers: ["Origin": "https://example.org"])
        #expect(reply.headers["access-control-allow-origin"] == (isAllowed ? "*" : nil))
        let refused = try await server.get("/nowhere", headers: ["Origin": "https://example.org"])
        #expect(refused.status == 404)
        #expect(refused.headers["access-control-allow-origin"] == (isAllowed ? "*" : nil))
      }
    }
  }
}
