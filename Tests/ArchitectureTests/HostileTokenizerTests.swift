// Damaged and hostile tokenizer files: one sentence each, and never a trap, whatever the damage.
import Foundation
import Testing
import Text

@Suite struct HostileTokenizerTests {
  private func file(_ name: String) throws -> [String: Any] {
    let data = try Data(contentsOf: URL(fileURLWithPath: PublishedGoldens.path(name)))
    return try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
  }

  private func damaged(_ name: String, _ change: (inout [String: Any]) -> Void) throws -> Data {
    var object = try file(name)
    change(&object)
    return try JSONSerialization.data(withJSONObject: object)
  }

  private func inModel(_ change: @escaping (inout [String: Any]) -> Void) -> (inout [String: Any]) -> Void {
    { object in
      var model = object["model"] as? [String: Any] ?? [:]
      change(&model)
      object["model"] = model
    }
  }

  private func added(_ token: [String: Any]) -> (inout [String: Any]) -> Void {
    { $0["added_tokens"] = (($0["added_tokens"] as? [[String: Any]]) ?? []) + [token] }
  }

  /// Each step doubles the letter a.
  private func doubling(_ count: Int) -> [Any] {
    (0..<count).map { _ in ["type": "Replace", "pattern": ["String": "a"], "content": "aa"] as [String: Any] }
  }

  private func cases() throws -> [(Data, String)] {
    let nested = String(repeating: "[", count: 100_000)
    let step = { (type: String) in ["type": type] as [String: Any] }
    return [
      (Data("{".utf8), "not JSON"), (Data([0x7B, 0x22, 0xFF, 0x22, 0x3A, 1]), "not UTF-8"), (Data("[]".utf8), "object"),
      (Data(nested.utf8), "nested deeper"), (Data("{\"a\":\"\\ud800\"}".utf8), "half a character"),
      (Data("{} x".utf8), "expected the end"), (Data("{\"model\": 1e999}".utf8), "not JSON"),
      (Data("{}".utf8), "'model"), (try damaged("llama3") { $0["version"] = "2.0" }, "'version' is '2.0'"),
      (try damaged("llama3", inModel { $0["type"] = "Tree" }), "'model.type' is 'Tree'; known are BPE"),
      (try damaged("llama3", inModel { $0["dropout"] = 0.1 }), "'model.dropout'"),
      (try damaged("llama3", inModel { $0["magic"] = 1 }), "the key 'magic'"),
      (try damaged("llama3", inModel { $0["vocab"] = ["a": -1] }), "the id -1"),
      (try damaged("llama3", inModel { $0["vocab"] = ["a": 1 << 40] }), "the id 1099511627776"),
      (try damaged("llama3", inModel { $0["vocab"] = ["a": 1, "b": 1] }), "the id 1; ids must differ"),
      (try damaged("llama3", inModel { $0["vocab"] = ["a": "b"] }), "a string; expected a whole number"),
      (Data(#"{"model":{"type":"BPE","vocab":{"a":0,"a":1},"merges":[]}}"#.utf8), "'a' twice"),
      (try damaged("llama3", inModel { $0["merges"] = ["a"] }), "1 parts"),
      (try damaged("llama3", inModel { $0["merges"] = [["a", "b", "c"]] }), "not two texts"),
      (try damaged("llama3", inModel { $0["merges"] = [["nope", "a"]] }), "'nope'"),
      (try damaged("llama3", inModel { $0["unk_token"] = "nope" }), "'model.unk_token'"),
      (try damaged("llama3", added(["id": 5, "content": "<new>"])), "the id 5; ids must differ"),
      (try damaged("llama3", added(["id": 900_000_000, "content": "<new>"])), "the id 900000000"),
      (try damaged("llama3", added(["id": 400, "content": "<s>"])), "listed twice"),
      (try damaged("llama3", added(["id": 400, "content": ""])), "empty"),
      (try damaged("llama3") { $0["normalizer"] = step("Magic") }, "'normalizer.type' is 'Magic'; known are"),
      (
        try damaged("llama3") { $0["normalizer"] = ["type": "Sequence", "normalizers": doubling(40)] },
        "times as long; at most 256"
      ),
      (
        try damaged("llama3") {
          $0["normalizer"] = ["type": "Sequence", "normalizers": [Any](repeating: step("NFC"), count: 101)]
        }, "has 101 steps"
      ),
      (try damaged("llama3") { $0["normalizer"] = step("a\nb\u{1B}[2J") }, "is 'a b [2J'"),
      (try damaged("llama3") { $0["pre_tokenizer"] = step("UnicodeScripts") }, "'pre_tokenizer.type'"),
      (try damaged("llama3") { $0["decoder"] = step("CTC") }, "'decoder.type' is 'CTC'; known are"),
      (try damaged("llama3") { $0["post_processor"] = step("Magic") }, "'post_processor.type'"),
      (
        try damaged("llama3") { $0["pre_tokenizer"] = ["type": "ByteLevel", "add_prefix_space": 1] }, "add_prefix_space"
      ),
      (
        try damaged("llama3") {
          $0["pre_tokenizer"] = ["type": "Split", "pattern": ["Regex": "(a|a)*(a|a)*b"], "behavior": "Removed"]
        }, "too many steps"
      ),
      (try damaged("llama3") { $0["pre_tokenizer"] = ["type": "FixedLength", "length": 0] }, "is 0"),
      (try damaged("unigram", inModel { $0["unk_id"] = 100_000 }), "'model.unk_id'"),
      (try damaged("unigram", inModel { $0["unk_id"] = nil }), "'model.unk_id'"),
      (try damaged("unigram", inModel { $0["vocab"] = [["a"]] }), "score"),
      (try damaged("unigram") { $0["normalizer"] = ["type": "Precompiled", "precompiled_charsmap": "AAAA"] }, "map"),
      (
        try damaged("unigram") { $0["normalizer"] = ["type": "Precompiled", "precompiled_charsmap": "/////w=="] },
        "damaged"
      ),
      (try damaged("bert", inModel { $0["unk_token"] = "nope" }), "'model.unk_token'"),
    ]
  }

  @Test func aHostileFileIsOneSentence() throws {
    for (json, words) in try cases() {
      let error = #expect(throws: TokenizerError.self, "\(words)") {
        try TokenizerPipeline(json: json, named: "x.json")
      }
      let found = error?.description ?? ""
      #expect(found.contains(words) && found.hasPrefix("x.json: ") && !found.contains("\n"), "\(words): \(found)")
      #expect(found.utf8.count < 1000)
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func whateverIsDamagedNothingTraps() throws {
    var random = SeededGenerator(state: 12)
    let texts = try PublishedGoldens.load().texts.prefix(3)
    let splices = ["null", "-1", "99999999999", "[]", "{}", "\"\"", "true", "\"<s>\"", "1e400", "\"Ġ\"", "\"\\u0000\""]
    var (read, refused) = (0, 0)
    for name in ["llama3", "bert", "unigram", "llama2", "sets", "words"] {
      let original = try Array(Data(contentsOf: URL(fileURLWithPath: PublishedGoldens.path(name))))
      // The vocabulary is most of a file, so half of the damage is done outside it.
      let model = original.firstRange(of: Array("\"model\"".utf8))?.lowerBound ?? original.count
      for round in 0..<24 {
        var bytes = original
        for _ in 0..<Int.random(in: 1...2, using: &random) {
          let place = Int.random(in: 0..<(round % 2 == 0 ? model : original.count), using: &random)
          switch Int.random(in: 0..<6, using: &random) {
          case 0: bytes[min(place, bytes.count - 1)] = UInt8.random(in: 0...255, using: &random)
          case 1: bytes.remove(at: min(place, bytes.count - 1))
          case 2:
            bytes.insert(contentsOf: Array(splices.randomElement(using: &random)!.utf8), at: min(place, bytes.count))
          case 3, 4:
            // A digit becomes another one: ids, counts, scores and parts of names.
            let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
            guard let digit = bytes[min(place, bytes.count - 1)...].firstIndex(where: { digits.contains($0) }) else {
              continue
            }
            bytes[digit] = UInt8.random(in: digits, using: &random)
          default:
            // A value is exchanged for another one.
            guard let colon = bytes[min(place, bytes.count - 1)...].firstIndex(of: UInt8(ascii: ":")),
              let end = bytes[colon...].firstIndex(where: { $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: "}") })
            else { continue }
            bytes.replaceSubrange(colon + 1..<end, with: Array(splices.randomElement(using: &random)!.utf8))
          }
        }
        do {
          let tokenizer = try TokenizerPipeline(json: Data(bytes))
          for text in texts { _ = tokenizer.decode(tokenizer.encode(text, recognizingSpecialTokens: true)) }
          read += 1
        } catch let error as TokenizerError {
          #expect(!error.description.contains("\n"))
          refused += 1
        }
      }
    }
    #expect(read > 5 && refused > 20, "\(read) read, \(refused) refused")
  }
}
