// From `model` of a tokenizer.json to a model, with the vocabulary checked: ids, contents, merges.
import JSON

/// The vocabulary of a model as the file writes it.
struct FileVocabulary {
  /// By id; nil where there is none.
  private(set) var spellings: [[UInt8]?] = []
  private(set) var ids = ByteStringMap()
  private let limit: Int
  /// Longer tokens are not words; searching a text for them would take its length times theirs.
  private static let longestToken = 4096

  /// `mostTokens` bounds the ids: so many, and the holes that a vocabulary may have.
  init(mostTokens: Int) { limit = mostTokens + Vocabulary.mostHoles }

  /// Adds a token. Throws when its id is out of range or taken, or its spelling is taken.
  mutating func add(_ spelling: [UInt8], id: Int, at path: String) throws {
    try checkLength(of: spelling, at: path)
    guard id >= 0, id < min(limit, Int(Int32.max)) else {
      throw TokenizerError("'\(path)' gives \(quoted(spelling)) the id \(id); ids here must be from 0 to \(limit - 1)")
    }
    if id >= spellings.count { spellings += [[UInt8]?](repeating: nil, count: id + 1 - spellings.count) }
    if let other = spellings[id] {
      throw TokenizerError("'\(path)' gives \(quoted(other)) and \(quoted(spelling)) the id \(id); ids must differ")
    }
    guard ids.insert(spelling, id: Int32(id)) else {
      throw TokenizerError("'\(path)' has \(quoted(spelling)) twice, at last as id \(id); tokens must differ")
    }
    spellings[id] = spelling
  }

  /// Adds a token whose spelling may be taken; it is then found by its id only.
  mutating func addRepeatable(_ spelling: [UInt8], at path: String) throws {
    try checkLength(of: spelling, at: path)
    _ = ids.insert(spelling, id: Int32(spellings.count))
    spellings.append(spelling)
  }

  private func checkLength(of spelling: [UInt8], at path: String) throws {
    guard spelling.count <= Self.longestToken else {
      throw TokenizerError(
        "'\(path)' has a token of \(spelling.count) bytes, \(quoted(spelling)); at most \(Self.longestToken) fit"
      )
    }
  }

  /// Tokens of the 256 bytes, spelled `<0x0A>`; -1 where there is none.
  func byteFallback() -> [Int32] {
    (0...255).map { (byte: Int) in
      let digits = String(byte, radix: 16, uppercase: true)
      return ids[Array("<0x\(digits.count == 1 ? "0" : "")\(digits)>".utf8)] ?? -1
    }
  }

  /// The ordinary tokens but for `hidden` ones, by the bytes that they stand for.
  func byContent(_ contents: ([UInt8]) -> [UInt8]?, hidden: Set<Int32>) -> ByteStringMap {
    var map = ByteStringMap()
    for (id, spelling) in spellings.enumerated() where !hidden.contains(Int32(id)) {
      if let spelling, let content = contents(spelling) { _ = map.insert(content, id: Int32(id)) }
    }
    return map
  }
}

/// Reads `model`.
struct ModelReading {
  private let place: JSONPlace
  /// Special tokens, which text must not be able to spell.
  private let hidden: Set<Int32>
  private let vocabulary: FileVocabulary
  private let type: String

  static let known = "BPE, Unigram, WordPiece and WordLevel"

  /// The type of the model; files from before types had names are known by their keys.
  static func type(of place: JSONPlace) throws -> String {
    if let type = try place["type"].optionalString() {
      guard ["BPE", "Unigram", "WordPiece", "WordLevel"].contains(type) else {
        throw place["type"].error("is '\(type.prefix(60))'; known are \(known)")
      }
      return type
    }
    if !place["merges"].isMissing { return "BPE" }
    if case .array? = place["vocab"].value { return "Unigram" }
    return place["max_input_chars_per_word"].isMissing ? "WordLevel" : "WordPiece"
  }

  /// Reads `vocab`, of which `added` more tokens may follow.
  static func vocabulary(of place: JSONPlace, type: String, added: Int) throws -> FileVocabulary {
    if type == "Unigram" {
      let values = try place["vocab"].values()
      var vocabulary = FileVocabulary(mostTokens: values.count + added)
      for (index, value) in values.enumerated() {
        guard case .array(let pair) = value, pair.count == 2, case .string(let spelling) = pair[0] else {
          throw place["vocab"].error("has at [\(index)] \(value.kind); expected a token with its score")
        }
        try vocabulary.addRepeatable(Array(spelling.utf8), at: "model.vocab")
      }
      return vocabulary
    }
    let members = try place["vocab"].members()
    var vocabulary = FileVocabulary(mostTokens: members.count + added)
    for member in members {
      guard case .integer(let id) = member.value else {
        throw place["vocab"].error("gives \(quoted(member.name.utf8)) \(member.value.kind); expected a whole number")
      }
      try vocabulary.add(Array(member.name.utf8), id: id, at: "model.vocab")
    }
    return vocabulary
  }

  init(_ place: JSONPlace, type: String, vocabulary: FileVocabulary, hidden: Set<Int32>) {
    (self.place, self.type, self.vocabulary, self.hidden) = (place, type, vocabulary, hidden)
  }

  /// The model. With `overBytes` pieces keep their bytes instead of being spelled in the byte-level alphabet; the
  /// answer says whether the model could do so.
  func model(overBytes: Bool) throws -> (model: SubwordModel, isOverBytes: Bool) {
    switch type {
    case "BPE": return try bytePair(overBytes: overBytes)
    case "Unigram": return (try unigram(), false)
    case "WordPiece":
      try place.requireKeys("vocab", "unk_token", "continuing_subword_prefix", "max_input_chars_per_word")
      let most = place["max_input_chars_per_word"]
      let model = WordPieceModel(
        vocabulary: vocabulary.byContent({ $0 }, hidden: hidden), unknown: try required("unk_token"),
        continuingPrefix: try place["continuing_subword_prefix"].bytes(),
        mostCharacters: most.isMissing ? 100 : try most.count(upTo: 4096))
      return (.wordPiece(model), false)
    default:
      try place.requireKeys("vocab", "unk_token")
      let words = vocabulary.byContent({ $0 }, hidden: hidden)
      return (.wordLevel(WordLevelModel(vocabulary: words, unknown: try required("unk_token"))), false)
    }
  }

  private func required(_ key: String) throws -> Int32 {
    let name = try place[key].bytes()
    guard let id = vocabulary.ids[name] else {
      throw place[key].error("is \(quoted(name)), which is not in 'model.vocab'; name a token that is")
    }
    return id
  }

  private func unigram() throws -> SubwordModel {
    try place.requireKeys("vocab", "unk_id", "byte_fallback", "alpha", "nbest_size")
    for key in ["alpha", "nbest_size"] where !place[key].isMissing {
      throw place[key].error("is set; sampling is not built, expected null")
    }
    let tokens = try place["vocab"].values().enumerated().map { index, value -> (bytes: [UInt8], score: Double) in
      guard case .array(let pair) = value, pair.count == 2, case .string(let spelling) = pair[0] else {
        throw place["vocab"].error("has at [\(index)] no token with its score")
      }
      return (Array(spelling.utf8), try JSONPlace(pair[1], at: "model.vocab[\(index)][1]").double())
    }
    guard !tokens.isEmpty else { throw place["vocab"].error("is empty; expected tokens with their scores") }
    let unknown = try place["unk_id"].count(upTo: tokens.count - 1)
    return .unigram(
      UnigramModel(
        tokens: tokens, unknown: Int32(unknown), hidden: hidden,
        byteFallback: try place["byte_fallback"].bool(default: false) ? vocabulary.byteFallback() : nil))
  }
}

// MARK: - Byte-pair encoding

extension ModelReading {
  private func bytePair(overBytes: Bool) throws -> (model: SubwordModel, isOverBytes: Bool) {
    try place.requireKeys(
      "vocab", "merges", "dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix", "fuse_unk",
      "byte_fallback", "ignore_merges")
    if !place["dropout"].isMissing, try place["dropout"].double() != 0 {
      throw place["dropout"].error("is set; encoding here is the same every time, expected null or 0")
    }
    let falls = try place["byte_fallback"].bool(default: false)
    let prefix = place["continuing_subword_prefix"].isMissing ? [] : try place["continuing_subword_prefix"].bytes()
    let suffix = place["end_of_word_suffix"].isMissing ? [] : try place["end_of_word_suffix"].bytes()
    let bytesOf: ([UInt8]) -> [UInt8]? = { ByteAlphabet.bytes(of: $0) }
    let everyByte = (0...255).allSatisfy { vocabulary.ids[ByteAlphabet.spelling(of: UInt8($0))] != nil }
    let isOverBytes = overBytes && (!falls || everyByte) && bytesOf(prefix) != nil && bytesOf(suffix) != nil
    let content: ([UInt8]) -> [UInt8]? = isOverBytes ? bytesOf : { $0 }
    let unknown = place["unk_token"].isMissing ? nil : try required("unk_token")
    let model = BytePairModel(
      units: isOverBytes ? .bytes : .characters, vocabulary: vocabulary.byContent(content, hidden: hidden),
      merges: MergeTable(try merges(prefixLength: prefix.count)), unknown: unknown,
      fusesUnknown: try place["fuse_unk"].bool(default: false),
      byteFallback: falls ? vocabulary.byteFallback() : nil,
      ignoresMerges: try place["ignore_merges"].bool(default: false), continuingPrefix: content(prefix) ?? [],
      endSuffix: content(suffix) ?? [])
    return (.bytePair(model), isOverBytes)
  }

  private func merges(prefixLength: Int) throws -> [(left: Int32, right: Int32, result: Int32)] {
    let values = try place["merges"].values()
    guard values.count < 1 << 27 else { throw place["merges"].error("has \(values.count) entries; at most 2^27 fit") }
    var merges: [(left: Int32, right: Int32, result: Int32)] = []
    merges.reserveCapacity(values.count)
    for (rank, value) in values.enumerated() {
      guard let (left, right) = try pair(value, rank) else { continue }
      guard right.count >= prefixLength else {
        throw place["merges"].error("has at [\(rank)] a second part without the prefix of continuing parts")
      }
      merges.append(
        (
          try id(left, rank, "joins"), try id(right, rank, "joins"),
          try id(left + right.dropFirst(prefixLength), rank, "makes")
        ))
    }
    return merges
  }

  /// `"left right"` or `["left", "right"]`; nil for the comment that old files begin with.
  private func pair(_ value: JSONValue, _ rank: Int) throws -> (left: [UInt8], right: [UInt8])? {
    switch value {
    case .string(let line):
      let parts = Array(line.utf8).split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
      if parts.count == 2 { return (Array(parts[0]), Array(parts[1])) }
      if line.utf8.starts(with: "#version".utf8) { return nil }
      throw place["merges"].error("has at [\(rank)] \(parts.count) parts; a merge joins exactly two tokens")
    case .array(let parts):
      guard parts.count == 2, case .string(let left) = parts[0], case .string(let right) = parts[1] else {
        throw place["merges"].error("has at [\(rank)] a list that is not two texts; a merge joins exactly two tokens")
      }
      return (Array(left.utf8), Array(right.utf8))
    case .null, .bool, .integer, .number, .object:
      throw place["merges"].error("has at [\(rank)] \(value.kind); expected two tokens")
    }
  }

  private func id(_ spelling: [UInt8], _ rank: Int, _ role: String) throws -> Int32 {
    guard let id = vocabulary.ids[spelling] else {
      throw place["merges"].error("\(role) at [\(rank)] \(quoted(spelling)), which is not in 'model.vocab'")
    }
    return id
  }
}
