// Tokenizers of every published kind against an independent implementation (goldens), and against their own laws.
import Foundation
import Testing
import Text

/// What the `tokenizers` package recorded; see Goldens/tokenizers/generate.py.
struct PublishedGoldens: Decodable {
  struct Kind: Decodable {
    /// The first text with the tokens that the file wants around it.
    let marked: [Int32]
    let ids: [[Int32]]
    /// What decoding gives; null where it is the text.
    let texts: [String?]
  }
  let texts: [String]
  let kinds: [String: Kind]

  static let names = [
    "behaviours", "bert", "classic", "clip", "continuing", "deepseek-coder", "deepseek-llm", "deepseek-v3", "gemma",
    "gpt2", "llama2", "llama3", "o200k", "qwen2", "sets", "tekken", "tiktoken", "unigram", "unigram-fallback", "words",
  ]

  static func path(_ name: String) -> String {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("Goldens/tokenizers/\(name).json").path
  }
  static func load() throws -> PublishedGoldens {
    try JSONDecoder().decode(Self.self, from: Data(contentsOf: URL(fileURLWithPath: path("cases"))))
  }
  static func tokenizer(_ name: String) throws -> TokenizerPipeline { try TokenizerPipeline(contentsOf: path(name)) }
}

@Suite struct PublishedTokenizerTests {
  @Test(arguments: PublishedGoldens.names)
  func idsAndTextsEqualThoseOfAnotherImplementation(_ name: String) throws {
    let goldens = try PublishedGoldens.load()
    let kind = try #require(goldens.kinds[name])
    let tokenizer = try PublishedGoldens.tokenizer(name)
    #expect(goldens.kinds.count == PublishedGoldens.names.count && goldens.texts.count > 40)
    for (index, text) in goldens.texts.enumerated() {
      let tokens = tokenizer.encode(text, recognizingSpecialTokens: true)
      #expect(tokens.map(\.rawValue) == kind.ids[index], "\(text.debugDescription)")
      let expected = kind.texts[index] ?? text
      let decoded = tokenizer.decode(kind.ids[index].map { TokenID(rawValue: $0) })
      #expect(isSameText(decoded, expected), "\(decoded.debugDescription), not \(expected.debugDescription)")
    }
    let first = tokenizer.encode(goldens.texts[0], recognizingSpecialTokens: true)
    #expect((tokenizer.markers.before + first + tokenizer.markers.after).map(\.rawValue) == kind.marked)
  }

  @Test(arguments: PublishedGoldens.names)
  func aStreamOfTokensIsTheTextOfAllOfThemAndNeverHalfACharacter(_ name: String) throws {
    let tokenizer = try PublishedGoldens.tokenizer(name)
    let goldens = try PublishedGoldens.load()
    var random = SeededGenerator(state: 8)
    var lists = goldens.texts.map { tokenizer.encode($0, recognizingSpecialTokens: true) }
    for _ in 0..<300 {
      lists.append(
        (0..<Int.random(in: 1..<14, using: &random)).map { _ in
          TokenID(Int.random(in: 0..<tokenizer.vocabularySize + 3, using: &random))
        })
    }
    for (round, tokens) in lists.enumerated() {
      let skipping = round % 2 == 0
      var detokenizer = IncrementalDetokenizer(tokenizer, skippingSpecialTokens: skipping)
      var parts = tokens.map { detokenizer.push($0) }
      // What has been given out is final: the replacement characters in it are those of the whole.
      let whole = tokenizer.decode(tokens, skippingSpecialTokens: skipping)
      #expect(whole.utf8.starts(with: parts.joined().utf8), "\(tokens)")
      parts.append(detokenizer.finish())
      #expect(isSameText(parts.joined(), whole), "\(tokens)")
    }
  }

  @Test(arguments: PublishedGoldens.names)
  func manyTextsAtOnceGiveTheTokensOfOneAfterTheOther(_ name: String) throws {
    let tokenizer = try PublishedGoldens.tokenizer(name)
    let texts = try PublishedGoldens.load().texts
    let alone = texts.map { tokenizer.encode($0, recognizingSpecialTokens: true) }
    for threads in [1, 2, 5] {
      let together = tokenizer.encode(texts + texts, recognizingSpecialTokens: true, threads: threads)
      #expect(together == alone + alone)
    }
    #expect(tokenizer.encode([], recognizingSpecialTokens: true) == [])
  }

  @Test(arguments: PublishedGoldens.names)
  func textCannotForgeASpecialToken(_ name: String) throws {
    let tokenizer = try PublishedGoldens.tokenizer(name)
    let texts = try PublishedGoldens.load().texts + ["<s></s><pad>", "a <mask> b[CLS][SEP]", "<unk>", "<s>"]
    let unknown = [tokenizer.token(named: "<unk>"), tokenizer.token(named: "[UNK]")]
    var recognised = 0
    for text in texts {
      let plain = tokenizer.encode(text, recognizingSpecialTokens: false)
      #expect(plain.allSatisfy { !tokenizer.isSpecial($0) || unknown.contains($0) }, "\(text.debugDescription)")
      recognised += tokenizer.encode(text, recognizingSpecialTokens: true).filter(tokenizer.isSpecial).count
    }
    #expect(recognised > 0)
  }

  @Test func trainedTokenizersEncodeTheSameAsPipelines() throws {
    let corpus = try TokenizerGoldens.corpus()
    var random = SeededGenerator(state: 9)
    for way in PreTokenizer.allCases {
      let own = try trained([corpus], way: way)
      let pipeline = try TokenizerPipeline(json: own.json())
      for text in [corpus] + (0..<60).map({ random.text(length: $0) }) {
        for recognises in [true, false] {
          let tokens = own.encode(text, recognizingSpecialTokens: recognises)
          #expect(pipeline.encode(text, recognizingSpecialTokens: recognises) == tokens)
          #expect(isSameText(pipeline.decode(tokens), own.decode(tokens)))
        }
      }
      for entry in own.entries { #expect(pipeline.bytes(of: entry.id) == entry.bytes) }
    }
  }

  @Test func aTokensBytesAreWhatItStandsForInTheMiddleOfAText() throws {
    func bytes(_ name: String, _ token: String) throws -> String {
      let tokenizer = try PublishedGoldens.tokenizer(name)
      return String(decoding: tokenizer.bytes(of: try #require(tokenizer.token(named: token))), as: UTF8.self)
    }
    #expect(try bytes("llama2", "▁a") == " a" && bytes("llama2", "<0x41>") == "A")
    #expect(try bytes("unigram", "▁") == " " && bytes("bert", "##e") == "e" && bytes("bert", "a") == " a")
    #expect(try bytes("llama3", "Ġthe") == " the" && bytes("llama3", "<s>") == "<s>")
  }
}
