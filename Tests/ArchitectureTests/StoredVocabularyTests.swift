// Vocabularies as arrays: the same tokens as the file they come from, and as the definition of their model.
import Foundation
import Testing
import Text

private struct File: Decodable {
  struct Model: Decodable {
    let vocab: [String: Int]
    let merges: [[String]]
  }
  struct Added: Decodable {
    let id: Int
    let content: String
    let special: Bool
  }
  let model: Model
  let added: [Added]
  enum CodingKeys: String, CodingKey {
    case model
    case added = "added_tokens"
  }
}

@Suite struct StoredVocabularyTests {
  private func stored(_ golden: String, _ preTokenizer: String) throws -> StoredVocabulary {
    let data = try Data(contentsOf: URL(fileURLWithPath: PublishedGoldens.path(golden)))
    let file = try JSONDecoder().decode(File.self, from: data)
    var tokens = [String](repeating: "", count: file.model.vocab.count + file.added.count)
    var types = [Int32](repeating: 1, count: tokens.count)
    for (token, id) in file.model.vocab { tokens[id] = token }
    for token in file.added { (tokens[token.id], types[token.id]) = (token.content, token.special ? 3 : 4) }
    while tokens.last == "" { tokens.removeLast() }
    var stored = StoredVocabulary(model: "gpt2", preTokenizer: preTokenizer, tokens: tokens)
    stored.types = Array(types.prefix(tokens.count))
    stored.merges = file.model.merges.map { "\($0[0]) \($0[1])" }
    return stored
  }

  @Test(arguments: [
    ("deepseek-v3", "deepseek-v3"), ("deepseek-coder", "deepseek-coder"), ("llama3", "llama-bpe"), ("o200k", "gpt-4o"),
    ("tekken", "tekken"), ("deepseek-llm", "deepseek-llm"),
  ])
  func arraysGiveTheTokensOfTheirFile(_ golden: String, _ name: String) throws {
    let (file, own) = (try PublishedGoldens.tokenizer(golden), try TokenizerPipeline(try stored(golden, name)))
    // Model files do not say which added tokens swallow whitespace or stand alone, so those are left out here.
    let texts = try PublishedGoldens.load().texts
    var compared = 0
    for text in texts + ["骑士 says 12345 <s>it's</s>\n\n  FOO barBaz"] {
      guard !["<mask>", "<right>", "<alone>", "Naïve"].contains(where: { text.contains($0) }) else { continue }
      let tokens = file.encode(text, recognizingSpecialTokens: false)
      // Runs of digits are one piece in model files of this name, and one piece a digit in the published file.
      if golden == "deepseek-llm", text.unicodeScalars.contains(where: { $0.properties.numericType != nil }) {
        continue
      }
      #expect(own.encode(text, recognizingSpecialTokens: false) == tokens, "\(text.debugDescription)")
      #expect(isSameText(own.decode(tokens), file.decode(tokens)))
      compared += 1
    }
    #expect(compared > 5)
    #expect(own.vocabularySize == file.vocabularySize)
  }

  /// Merge, again and again, the neighbours that make the token of the best score, the leftmost among equals.
  private func tokens(_ text: String, _ stored: StoredVocabulary) -> [Int32] {
    var ids: [[UInt8]: Int] = [:]
    for (id, token) in stored.tokens.enumerated() where stored.types[id] == 1 { ids[Array(token.utf8)] = id }
    var parts = ("▁" + text.replacing(" ", with: "▁")).unicodeScalars.map { Array(String($0).utf8) }
    while true {
      let pairs = parts.indices.dropLast().compactMap { place in
        ids[parts[place] + parts[place + 1]].flatMap { id in
          ids[parts[place]] == nil || ids[parts[place + 1]] == nil ? nil : (place, stored.scores[id])
        }
      }
      guard let best = pairs.max(by: { ($0.1, -$0.0) < ($1.1, -$1.0) }) else { break }
      parts.replaceSubrange(best.0...best.0 + 1, with: [parts[best.0] + parts[best.0 + 1]])
    }
    return parts.flatMap { part in ids[part].map { [Int32($0)] } ?? part.map { Int32($0) + 3 } }
  }

  @Test func sentencePieceMergesByScore() throws {
    let words = [
      "▁the", "▁th", "th", "he", "the", "▁t", "er", "here", "re", "▁", "t", "h", "e", "r", "aa", "a", "aaa", "中",
    ]
    var stored = StoredVocabulary(
      model: "llama",
      tokens: ["<unk>", "<s>", "</s>"] + (0..<256).map { "<0x\(String(format: "%02X", $0))>" } + words)
    stored.types = [2, 3, 3] + [Int32](repeating: 6, count: 256) + [Int32](repeating: 1, count: words.count)
    stored.scores = [Float](repeating: 0, count: 259) + words.indices.map { -Float($0 / 2) }
    (stored.beginning, stored.end, stored.unknown, stored.addsBeginning) = (1, 2, 0, true)
    let tokenizer = try TokenizerPipeline(stored)
    var random = SeededGenerator(state: 11)
    for length in 0..<200 {
      let text = String((0..<length % 40 + 1).map { _ in "there aé中👍".randomElement(using: &random) ?? "a" })
      let found = tokenizer.encode(text, recognizingSpecialTokens: true)
      #expect(found.map(\.rawValue) == tokens(text, stored), "\(text)")
      #expect(isSameText(tokenizer.decode(found), text))
    }
    #expect(tokenizer.markers.before == [TokenID(1)] && tokenizer.markers.after.isEmpty)
    #expect(tokenizer.encode("<s>", recognizingSpecialTokens: true) == [TokenID(1)])
    #expect(!tokenizer.encode("<s>", recognizingSpecialTokens: false).contains(TokenID(1)))
  }

  @Test func badArraysAreRefusedInASentence() throws {
    func changed(_ change: (inout StoredVocabulary) -> Void) throws -> StoredVocabulary {
      var copy = try stored("llama3", "llama-bpe")
      change(&copy)
      return copy
    }
    let cases: [(StoredVocabulary, String)] = [
      (try changed { $0.model = "rwkv" }, "'rwkv'"), (try changed { $0.preTokenizer = "klingon" }, "'klingon'"),
      (try changed { $0.types = [1] }, "token types"), (try changed { $0.types[3] = 9 }, "the type 9"),
      (try changed { $0.merges[1] = "a b c" }, "merge 1 has 3 parts"), (try changed { $0.merges[2] = "zz yy" }, "'zz'"),
      (try changed { $0.end = -1 }, "the end-of-sequence token is -1"), (try changed { $0.tokens = [] }, "0 tokens"),
      (try changed { $0.model = "llama" }, "scores"),
      (try changed { $0.tokens[5] = String(repeating: "x", count: 5000) }, "token 5 has 5000 bytes"),
    ]
    for (stored, words) in cases {
      let error = #expect(throws: TokenizerError.self, "\(words)") { try TokenizerPipeline(stored) }
      #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
    }
  }
}
