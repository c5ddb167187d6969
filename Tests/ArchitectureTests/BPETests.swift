// Byte-level BPE against an independent implementation (goldens) and against its own laws.
import Foundation
import Testing
import Text

/// What the `tokenizers` package recorded; see Goldens/tokenizer/generate.py.
struct TokenizerGoldens: Decodable {
  struct Characters: Decodable {
    let count: Int
    let checksum: String
  }
  let strings: [String]
  let ids: [String: [[Int32]]]
  let idsWithoutSpecial: [String: [[Int32]]]
  let pieces: [String: [[String]]]
  let allCharacters: [String: Characters]

  static func path(_ name: String) -> String {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("Goldens/tokenizer/\(name)").path
  }
  static func load() throws -> TokenizerGoldens {
    try JSONDecoder().decode(Self.self, from: Data(contentsOf: URL(fileURLWithPath: path("cases.json"))))
  }
  static func corpus() throws -> String {
    String(decoding: try Data(contentsOf: URL(fileURLWithPath: path("corpus.txt"))), as: UTF8.self)
  }
  /// The ways that have goldens.
  static let ways = [PreTokenizer.whitespace, .gpt2, .deepSeekV3]
}

/// Strings compare by canonical equivalence; laws here are about bytes.
func isSameText(_ a: String, _ b: String) -> Bool { a.utf8.elementsEqual(b.utf8) }

/// SplitMix64.
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
    return z ^ z >> 31
  }

  mutating func text(length: Int) -> String {
    var text = String.UnicodeScalarView()
    let ranges: [ClosedRange<UInt32>] = [0...0x7F, 0x80...0x7FF, 0x3000...0x9FFF, 0x1F300...0x1FAFF, 0...0x10FFFF]
    for _ in 0..<length {
      let range = ranges[Int.random(in: 0..<ranges.count, using: &self)]
      text.append(Unicode.Scalar(UInt32.random(in: range, using: &self)) ?? " ")
    }
    return String(text)
  }
}

func trained(
  _ corpus: [String], size: Int = 400, way: PreTokenizer = .deepSeekV3,
  specialTokens: [String] = ["<|bos|>", "<|eos|>"]
) throws -> BytePairEncoding {
  var trainer = BPETrainer(vocabularySize: size)
  trainer.specialTokens = specialTokens
  trainer.preTokenizer = way
  return try trainer.train(on: corpus)
}

@Suite struct PreTokenizerTests {
  @Test(arguments: TokenizerGoldens.ways)
  func piecesEqualThoseOfARegexEngine(_ way: PreTokenizer) throws {
    let goldens = try TokenizerGoldens.load()
    let expected = try #require(goldens.pieces[way.rawValue])
    #expect(expected.count == goldens.strings.count && expected.count > 150)
    for (text, pieces) in zip(goldens.strings, expected) {
      let found = way.pieces(of: text)
      #expect(found.map { Array($0.utf8) } == pieces.map { Array($0.utf8) }, "\(text.debugDescription): \(found)")
    }
  }

  @Test(arguments: TokenizerGoldens.ways)
  func everyCharacterOfUnicodeIsCutAsARegexEngineCutsIt(_ way: PreTokenizer) throws {
    let expected = try #require(try TokenizerGoldens.load().allCharacters[way.rawValue])
    var text = ""
    for value in Array(UInt32(0)..<0x32400) + Array(0xE0000..<0xE0200) {
      if let scalar = Unicode.Scalar(value) { text += "\(scalar)a \(scalar)1" }
    }
    let pieces = way.pieces(of: text)
    let checksum = pieces.reduce(UInt64(0)) { ($0 ^ UInt64($1.utf8.count)) &* 0x100_0000_01B3 &+ 1 }
    #expect(pieces.count == expected.count)
    #expect(String(checksum) == expected.checksum)
  }

  @Test(arguments: PreTokenizer.allCases)
  func piecesJoinedAreTheText(_ way: PreTokenizer) {
    var random = SeededGenerator(state: 1)
    for length in 0..<200 {
      let text = random.text(length: length)
      let pieces = way.pieces(of: text)
      #expect(isSameText(pieces.joined(), text))
      #expect(pieces.allSatisfy { !$0.isEmpty })
    }
  }

  @Test func patternsNameTheirWay() {
    for way in PreTokenizer.allCases { #expect(PreTokenizer(patterns: way.patterns) == way) }
    #expect(PreTokenizer(patterns: [#"\p{L}+"#]) == nil)
  }
}

@Suite struct BPETests {
  @Test(arguments: TokenizerGoldens.ways)
  func idsEqualThoseOfAnotherImplementation(_ way: PreTokenizer) throws {
    let goldens = try TokenizerGoldens.load()
    let tokenizer = try BytePairEncoding(contentsOf: TokenizerGoldens.path("\(way.rawValue).json"))
    let (ids, plain) = (
      try #require(goldens.ids[way.rawValue]), try #require(goldens.idsWithoutSpecial[way.rawValue])
    )
    #expect(ids != plain, "the goldens must contain special tokens")
    for (index, text) in goldens.strings.enumerated() {
      let found = tokenizer.encode(text, recognizingSpecialTokens: true).map(\.rawValue)
      #expect(found == ids[index], "\(text.debugDescription)")
      let foundPlain = tokenizer.encode(text, recognizingSpecialTokens: false).map(\.rawValue)
      #expect(foundPlain == plain[index], "\(text.debugDescription)")
    }
  }

  @Test(arguments: TokenizerGoldens.ways)
  func trainingLearnsTheMergesOfAnotherImplementationTiesIncluded(_ way: PreTokenizer) throws {
    let golden = try BytePairEncoding(contentsOf: TokenizerGoldens.path("\(way.rawValue).json"))
    let own = try trained([try TokenizerGoldens.corpus()], size: 700, way: way)
    #expect(own.merges.count == 442)
    #expect(own.merges == golden.merges)
    #expect(own.entries == golden.entries.filter { $0.kind != .added })
  }

  @Test(arguments: PreTokenizer.allCases)
  func decodingWhatWasEncodedGivesTheText(_ way: PreTokenizer) throws {
    let tokenizer = try trained([try TokenizerGoldens.corpus()], way: way)
    var random = SeededGenerator(state: 2)
    var texts = try TokenizerGoldens.load().strings + ["👩‍👩‍👧‍👦🇩🇪", "骑士总是说真话", "e\u{301}\u{0}\u{10FFFF}"]
    for length in 0..<200 {
      texts.append(random.text(length: length))
      let bytes = (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) }
      texts.append(String(decoding: bytes, as: UTF8.self))
    }
    for text in texts {
      for recognizes in [false, true] {
        let tokens = tokenizer.encode(text, recognizingSpecialTokens: recognizes)
        #expect(isSameText(tokenizer.decode(tokens), text))
      }
    }
  }

  @Test func aTextEncodesLikeItsPiecesOneByOne() throws {
    let corpus = try TokenizerGoldens.corpus()
    let tokenizer = try trained([corpus])
    let whole = tokenizer.encode(corpus, recognizingSpecialTokens: false)
    let parts = tokenizer.preTokenizer.pieces(of: corpus).flatMap {
      tokenizer.encode($0, recognizingSpecialTokens: false)
    }
    #expect(whole == parts)
  }

  /// The heap of long pieces and the scan of short ones must agree with the definition: lowest rank, then leftmost.
  @Test(arguments: [10, 63, 64, 65, 66, 200])
  func longAndShortPiecesMergeByTheDefinition(_ length: Int) throws {
    let tokenizer = try trained(
      ["abab baba aabb abba bbaa abcabc cab cabbage aaaa bbbb aaaaaaaa"], size: 290, way: .wholeText, specialTokens: [])
    var ranks: [BytePairEncoding.Merge: Int] = [:]
    for (rank, merge) in tokenizer.merges.enumerated() { ranks[merge] = rank }
    var random = SeededGenerator(state: UInt64(length))
    for _ in 0..<5 {
      let text = String((0..<length).map { _ in "aabbc ".randomElement(using: &random) ?? "a" })
      var expected = text.utf8.compactMap { tokenizer.token(named: String(UnicodeScalar($0))) }
      while let best = zip(expected, expected.dropFirst()).enumerated().compactMap({ place, pair in
        ranks[BytePairEncoding.Merge(pair.0, pair.1)].map { (rank: $0, place: place) }
      }).min(by: { ($0.rank, $0.place) < ($1.rank, $1.place) }) {
        let bytes = expected[best.place...best.place + 1].flatMap { tokenizer.bytes(of: $0) }
        let merged = try #require(tokenizer.token(named: String(decoding: bytes, as: UTF8.self)))
        expected.replaceSubrange(best.place...best.place + 1, with: [merged])
      }
      #expect(tokenizer.encode(text, recognizingSpecialTokens: false) == expected)
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func aWordOfAMillionBytesIsEncoded() throws {
    let tokenizer = try trained([try TokenizerGoldens.corpus(), String(repeating: "a", count: 5000)])
    var random = SeededGenerator(state: 3)
    let letters = Array("etaoinshrdlu")
    let mixed = String((0..<1_000_000).map { _ in letters[Int.random(in: 0..<12, using: &random)] })
    for (word, most) in [
      (String(repeating: "a", count: 1_000_000), 500_000), (mixed, 999_999),
      (String(repeating: "<|bo", count: 250_000), 1_000_000),
    ] {
      let tokens = tokenizer.encode(word, recognizingSpecialTokens: true)
      #expect(tokens.count <= most && tokens.count > 0)
      #expect(isSameText(tokenizer.decode(tokens), word))
    }
  }

  @Test func specialTokensAreForgedOnlyWhereRecognised() throws {
    let tokenizer = try BytePairEncoding(contentsOf: TokenizerGoldens.path("gpt2.json"))
    let text = "a<|eos|><think>b"
    let recognised = tokenizer.encode(text, recognizingSpecialTokens: true)
    let (eos, think) = (
      try #require(tokenizer.token(named: "<|eos|>")), try #require(tokenizer.token(named: "<think>"))
    )
    #expect(recognised.contains(eos) && recognised.contains(think))
    let plain = tokenizer.encode(text, recognizingSpecialTokens: false)
    #expect(!plain.contains(eos) && !plain.contains(think))
    #expect(tokenizer.isSpecial(eos) && !tokenizer.isSpecial(think))
    #expect(tokenizer.decode(recognised, skippingSpecialTokens: true) == "a<think>b")
    #expect(tokenizer.decode(plain, skippingSpecialTokens: true) == text)
  }

  @Test func theLongestSpecialTokenWins() throws {
    let tokenizer = try trained(["x"], size: 260, specialTokens: ["<a", "<a>", "<a><b>", "你"])
    let names = tokenizer.encode("<a><a><b><ae\u{301}你<", recognizingSpecialTokens: true).map {
      String(decoding: tokenizer.bytes(of: $0), as: UTF8.self)
    }
    #expect(Array(names.prefix(3)) == ["<a>", "<a><b>", "<a"])
    #expect(names.last == "<" && isSameText(names[names.count - 2], "你"))
  }

  @Test func unknownIdsHaveNoBytes() throws {
    let tokenizer = try trained(["x"], size: 258)
    for id in [Int32.min, -1, 258, Int32.max] {
      #expect(tokenizer.bytes(of: TokenID(rawValue: id)).isEmpty && !tokenizer.isSpecial(TokenID(rawValue: id)))
    }
    #expect(tokenizer.vocabularySize == 258)
  }

  @Test func trainingRespectsItsLimits() throws {
    var trainer = BPETrainer(vocabularySize: 5000)
    trainer.specialTokens = ["<s>"]
    trainer.minimumFrequency = 3
    let tokenizer = try trainer.train(on: ["ab ab ab cd cd <s>ab<s>"])
    #expect(
      tokenizer.merges.map { tokenizer.bytes(of: $0.left) + tokenizer.bytes(of: $0.right) }.contains(Array("ab".utf8)))
    #expect(tokenizer.token(named: "cd") == nil, "two occurrences are below the minimum")
    #expect(tokenizer.vocabularySize < 262)
    #expect(throws: TokenizerError.self) { try BPETrainer(vocabularySize: 255).train(on: ["a"]) }
    for specialTokens in [["a"], ["<s>", "<s>"], [""]] {
      #expect(throws: TokenizerError.self) { try trained(["a"], specialTokens: specialTokens) }
    }
    #expect(try BPETrainer(vocabularySize: 300).train(on: []).merges.isEmpty)
  }
}
