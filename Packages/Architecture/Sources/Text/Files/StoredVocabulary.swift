// A vocabulary as plain arrays, which is how GGUF files hold one, and the tokenizer that it stands for.
// What such files leave unsaid, the patterns above all, hangs from two names: the model's and the pre-tokenizer's.

/// The `tokenizer.ggml.*` entries of a model file. Everything is checked when a tokenizer is made of it.
public struct StoredVocabulary: Sendable {
  /// `model`: `gpt2` (byte-level BPE) or `llama` (SentencePiece BPE).
  public var model: String
  /// `pre`: the name of the way to cut text, for `gpt2`.
  public var preTokenizer: String?
  /// `tokens`, by id.
  public var tokens: [String]
  /// `scores`, by id, for `llama`: of two possible merges the one that makes the better token comes first.
  public var scores: [Float] = []
  /// `token_type`, by id: 1 normal, 2 unknown, 3 control, 4 user-defined, 5 unused, 6 a byte. Empty: all normal.
  public var types: [Int32] = []
  /// `merges`, for `gpt2`: two spellings with a space between them, in order of rank.
  public var merges: [String] = []
  /// `bos_token_id`, `eos_token_id` and `unknown_token_id`.
  public var beginning: Int?
  public var end: Int?
  public var unknown: Int?
  /// `add_bos_token` and `add_eos_token`: whether the marker belongs around a text.
  public var addsBeginning = false
  public var addsEnd = false
  /// `add_space_prefix`, for `llama`.
  public var addsSpacePrefix = true

  public init(model: String, preTokenizer: String? = nil, tokens: [String]) {
    (self.model, self.preTokenizer, self.tokens) = (model, preTokenizer, tokens)
  }
}

extension TokenizerPipeline {
  /// The tokenizer that the arrays stand for. Throws `TokenizerError`.
  public init(_ stored: StoredVocabulary) throws { self.init(try StoredVocabularyReading(stored).parts()) }
}

/// Checks the arrays and puts the parts together.
struct StoredVocabularyReading {
  private static let longestToken = 4096
  private enum Kind: Int32 { case normal = 1, unknown, control, userDefined, unused, byte }

  private let stored: StoredVocabulary
  private let spellings: [[UInt8]]
  private let kinds: [Kind]
  private var names = ByteStringMap()

  init(_ stored: StoredVocabulary) throws {
    self.stored = stored
    spellings = stored.tokens.map { Array($0.utf8) }
    guard !spellings.isEmpty, spellings.count < 1 << 24 else {
      throw TokenizerError("the vocabulary has \(spellings.count) tokens; expected 1 to \(1 << 24 - 1)")
    }
    guard stored.types.isEmpty || stored.types.count == spellings.count else {
      throw TokenizerError(
        "there are \(stored.types.count) token types for \(spellings.count) tokens; one each is needed")
    }
    kinds = try spellings.indices.map { id in
      let type = stored.types.isEmpty ? 1 : stored.types[id]
      guard let kind = Kind(rawValue: type) else {
        throw TokenizerError("token \(id) has the type \(type); known are 1 to 6")
      }
      return kind
    }
    for (id, spelling) in spellings.enumerated() {
      guard spelling.count <= Self.longestToken else {
        throw TokenizerError("token \(id) has \(spelling.count) bytes; at most \(Self.longestToken) are allowed")
      }
      _ = names.insert(spelling, id: Int32(id))
    }
  }

  /// Everything that makes the tokenizer.
  func parts() throws -> TokenizerParts {
    var parts: TokenizerParts
    switch stored.model {
    case "gpt2": parts = try byteLevel()
    case "llama": parts = try sentencePiece()
    default:
      throw TokenizerError("the vocabulary's model is '\(stored.model.prefix(60))'; known are gpt2 and llama")
    }
    parts.beginning = try marker(stored.beginning, "beginning")
    parts.end = try marker(stored.end, "end")
    parts.markers.before = stored.addsBeginning ? parts.beginning.map { [$0] } ?? [] : []
    parts.markers.after = stored.addsEnd ? parts.end.map { [$0] } ?? [] : []
    parts.idsByName = names
    for (id, kind) in kinds.enumerated() where kind == .control || kind == .userDefined {
      guard !spellings[id].isEmpty else { continue }
      let token = AddedToken(id: TokenID(id), content: stored.tokens[id], isSpecial: kind == .control)
      parts.added.append((token, spellings[id]))
    }
    return parts
  }

  private var special: Set<Int32> {
    Set(kinds.indices.filter { kinds[$0] == .control || kinds[$0] == .unknown }.map { Int32($0) })
  }

  private func marker(_ id: Int?, _ role: String) throws -> TokenID? {
    guard let id else { return nil }
    guard spellings.indices.contains(id) else {
      throw TokenizerError(
        "the \(role)-of-sequence token is \(id); ids of this vocabulary are 0 to \(spellings.count - 1)")
    }
    return TokenID(id)
  }

  private func decoding(_ steps: [DecoderStep]) -> TokenDecoding {
    TokenDecoding(spellings: spellings.map { $0.isEmpty ? nil : $0 }, special: special, steps: steps)
  }

  // MARK: - Byte-level BPE

  private func byteLevel() throws -> TokenizerParts {
    let way = try StoredCut.named(stored.preTokenizer)
    var contents = ByteStringMap()
    for (id, spelling) in spellings.enumerated() where kinds[id] == .normal || kinds[id] == .unused {
      if let bytes = ByteAlphabet.bytes(of: spelling) { _ = contents.insert(bytes, id: Int32(id)) }
    }
    let merges = try stored.merges.enumerated().map { rank, line -> (left: Int32, right: Int32, result: Int32) in
      let parts = line.utf8.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
      guard parts.count == 2 else {
        throw TokenizerError("merge \(rank) has \(parts.count) parts; a merge joins exactly two tokens")
      }
      func id(_ spelling: [UInt8]) throws -> Int32 {
        guard let id = names[spelling] else {
          throw TokenizerError("merge \(rank) needs \(quoted(spelling)), which is not in the vocabulary")
        }
        return id
      }
      return (try id(Array(parts[0])), try id(Array(parts[1])), try id(Array(parts[0]) + parts[1]))
    }
    let model = BytePairModel(
      units: .bytes, vocabulary: contents, merges: MergeTable(merges), ignoresMerges: way.ignoresMerges)
    var parts = TokenizerParts(model: .bytePair(model), decoding: decoding([.byteLevel]))
    parts.cuts = way.steps
    return parts
  }

  // MARK: - SentencePiece BPE

  private static let space: [UInt8] = [0xE2, 0x96, 0x81]  // U+2581

  private func sentencePiece() throws -> TokenizerParts {
    guard stored.scores.count == spellings.count, stored.scores.allSatisfy(\.isFinite) else {
      throw TokenizerError(
        "there are \(stored.scores.count) scores for \(spellings.count) tokens; one finite score each is needed")
    }
    var contents = ByteStringMap()
    for (id, spelling) in spellings.enumerated() where kinds[id] != .control && kinds[id] != .unknown {
      if kinds[id] != .byte, !spelling.isEmpty { _ = contents.insert(spelling, id: Int32(id)) }
    }
    var bytes = [Int32](repeating: -1, count: 256)
    for (id, spelling) in spellings.enumerated() where kinds[id] == .byte {
      if let byte = byte(ofFallback: spelling) { bytes[Int(byte)] = Int32(id) }
    }
    let unknown = stored.unknown ?? kinds.firstIndex(of: .unknown)
    let model = BytePairModel(
      units: .characters, vocabulary: contents, merges: MergeTable(ranked: merges(contents)),
      unknown: try marker(unknown, "unknown")?.rawValue, byteFallback: bytes)
    let steps: [DecoderStep] = [.replaceLiteral(Self.space, with: [UInt8(ascii: " ")]), .byteFallback, .fuse]
    let strip: [DecoderStep] = stored.addsSpacePrefix ? [.strip([UInt8(ascii: " ")], start: 1, stop: 0)] : []
    var parts = TokenizerParts(model: .bytePair(model), decoding: decoding(steps + strip))
    parts.normalizers = stored.addsSpacePrefix ? [.prepend(Self.space)] : []
    parts.normalizers.append(.replaceLiteral([UInt8(ascii: " ")], with: Self.space))
    return parts
  }

  /// Every way to make a token of two others, ranked by the score of what it makes.
  private func merges(_ contents: ByteStringMap) -> [(left: Int32, right: Int32, outcome: MergeTable.Outcome)] {
    var ranks: [Float: Int32] = [:]
    for score in Set(stored.scores).sorted(by: >) { ranks[score] = Int32(ranks.count) }
    var merges: [(left: Int32, right: Int32, outcome: MergeTable.Outcome)] = []
    for spelling in spellings {
      guard spelling.count > 1, let whole = contents[spelling] else { continue }
      let outcome = MergeTable.Outcome(rank: ranks[stored.scores[Int(whole)]] ?? MergeTable.never - 1, result: whole)
      for cut in 1..<spelling.count where spelling[cut] & 0xC0 != 0x80 {
        if let left = contents[Array(spelling[..<cut])], let right = contents[Array(spelling[cut...])] {
          merges.append((left, right, outcome))
        }
      }
    }
    return merges
  }
}
