// Byte-level byte-pair encoding: every text has tokens, and its tokens give back exactly its bytes.
// An immutable value; training makes one, files hold one, and any number of tasks may encode with one.
import Jinja

/// A byte-level BPE tokenizer: vocabulary, merges in order, and the way text is cut before merging.
public struct BytePairEncoding: Tokenizer {
  /// Two neighbouring tokens that become one.
  public struct Merge: Sendable, Hashable {
    public var left: TokenID
    public var right: TokenID
    public init(_ left: TokenID, _ right: TokenID) { (self.left, self.right) = (left, right) }
  }

  /// How text is cut into pieces before merging.
  public let preTokenizer: PreTokenizer
  /// The merges in order of rank.
  public let merges: [Merge]
  public let beginningOfSequence: TokenID?
  public let endOfSequence: TokenID?

  let vocabulary: Vocabulary
  let addedTokens: AddedTokenMatcher
  private let model: BytePairModel

  /// Checks and joins the parts. Throws `TokenizerError` when ids or contents repeat, a byte has no token, a merge
  /// joins or makes a token that does not exist, or a named marker is not in the vocabulary.
  public init(
    entries: [VocabularyEntry], merges: [Merge], preTokenizer: PreTokenizer,
    beginningOfSequence: String? = nil, endOfSequence: String? = nil
  ) throws {
    let vocabulary = try Vocabulary(entries)
    (self.vocabulary, self.merges, self.preTokenizer) = (vocabulary, merges, preTokenizer)
    let byteTokens = try (0...255).map { (byte: UInt8) in
      guard let token = vocabulary.mergeable([byte]) else {
        let spelling = ByteAlphabet.spelling(of: [byte])
        throw TokenizerError(
          "the vocabulary has no token for byte \(byte), spelled '\(spelling)'; all 256 bytes need one")
      }
      return token
    }
    model = BytePairModel(byteTokens: byteTokens, merges: MergeTable(try Self.resolve(merges, in: vocabulary)))
    addedTokens = AddedTokenMatcher(vocabulary.entries.lazy.compactMap { $0 }.filter { $0.kind != .ordinary })
    self.beginningOfSequence = try Self.marker(beginningOfSequence, "beginning", in: vocabulary)
    self.endOfSequence = try Self.marker(endOfSequence, "end", in: vocabulary)
  }

  /// All tokens in order of id.
  public var entries: [VocabularyEntry] { vocabulary.entries.compactMap { $0 } }

  public var vocabularySize: Int { vocabulary.entries.count }

  public func bytes(of token: TokenID) -> [UInt8] { vocabulary[token]?.bytes ?? [] }

  public func isSpecial(_ token: TokenID) -> Bool { vocabulary[token]?.kind == .special }

  public func token(named text: String) -> TokenID? { vocabulary.named(Array(text.utf8)).map { TokenID(rawValue: $0) } }

  public func encode(_ text: String, recognizingSpecialTokens: Bool) -> [TokenID] {
    var encoder = PieceEncoder(.bytePair(model))
    var text = text
    return text.withUTF8 { bytes in
      encoder.prepare(for: bytes.count)
      var position = 0
      while recognizingSpecialTokens, let match = addedTokens.firstMatch(in: bytes, from: position) {
        encoder.encode(position..<match.range.lowerBound, of: bytes, cut: preTokenizer)
        encoder.append(match.token)
        position = match.range.upperBound
      }
      encoder.encode(position..<bytes.count, of: bytes, cut: preTokenizer)
      return encoder.takeTokens()
    }
  }

  /// The text is encoded as one, so that words reach across parts; only special tokens do not.
  public func encode(_ text: RenderedText) -> [TokenID] {
    var encoder = PieceEncoder(.bytePair(model))
    var whole = text.text
    return whole.withUTF8 { bytes in
      encoder.prepare(for: bytes.count)
      var (position, start) = (0, 0)
      for part in text.parts {
        let end = start + part.text.utf8.count
        let upToHere = UnsafeBufferPointer(rebasing: bytes[..<end])
        while !part.isForeign, let match = addedTokens.firstMatch(in: upToHere, from: max(start, position)) {
          encoder.encode(position..<match.range.lowerBound, of: bytes, cut: preTokenizer)
          encoder.append(match.token)
          position = match.range.upperBound
        }
        start = end
      }
      encoder.encode(position..<bytes.count, of: bytes, cut: preTokenizer)
      return encoder.takeTokens()
    }
  }

  private static func resolve(
    _ merges: [Merge], in vocabulary: Vocabulary
  ) throws -> [(left: Int32, right: Int32, result: Int32)] {
    guard merges.count < 1 << 27 else {
      throw TokenizerError("there are \(merges.count) merges; there may be at most \(1 << 27)")
    }
    return try merges.enumerated().map { rank, merge in
      guard let left = vocabulary[merge.left], let right = vocabulary[merge.right] else {
        throw TokenizerError(
          "merge \(rank) joins the ids \(merge.left) and \(merge.right); both must be in the vocabulary")
      }
      guard let result = vocabulary.mergeable(left.bytes + right.bytes) else {
        throw TokenizerError(
          "merge \(rank) makes \(quoted(left.bytes + right.bytes)), which is not in the vocabulary; "
            + "add it or drop the merge")
      }
      return (merge.left.rawValue, merge.right.rawValue, result)
    }
  }

  private static func marker(_ name: String?, _ role: String, in vocabulary: Vocabulary) throws -> TokenID? {
    guard let name else { return nil }
    guard let token = vocabulary.named(Array(name.utf8)) else {
      throw TokenizerError("the \(role)-of-sequence token '\(name)' is not in the vocabulary; name one that is")
    }
    return TokenID(rawValue: token)
  }
}
