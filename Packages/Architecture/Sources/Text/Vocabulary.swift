// What every token id stands for: bytes of text, or a marker that is written by name.
// The checks that make a set of entries a vocabulary are here, so that nothing behind it has to ask again.

/// One token of a vocabulary.
public struct VocabularyEntry: Sendable, Hashable {
  /// How a token comes about.
  public enum Kind: Sendable, Hashable {
    /// Made of bytes by merging.
    case ordinary
    /// Recognised whole by its written form, but shown to readers like text, for example `<think>`.
    case added
    /// Recognised whole by its written form, and a marker rather than text, for example the end of a sequence.
    case special
  }
  public var id: TokenID
  /// The text or the written form, in UTF-8; an ordinary token may be a part of a character.
  public var bytes: [UInt8]
  public var kind: Kind
  public init(id: TokenID, bytes: [UInt8], kind: Kind) { (self.id, self.bytes, self.kind) = (id, bytes, kind) }
}

/// Entries by id and by content. Ids may have holes, for which there are no bytes.
struct Vocabulary: Sendable {
  /// Ids may leave this many holes below the largest; more is a damaged file, not a vocabulary.
  static let mostHoles = 65_536

  private(set) var entries: [VocabularyEntry?] = []
  private var ordinary = ByteStringTable()
  private var idsOfOrdinary: [Int32] = []
  private var idsOfAdded: [[UInt8]: Int32] = [:]

  init(_ list: [VocabularyEntry]) throws {
    let largest = list.map { Int($0.id.rawValue) }.max() ?? -1
    guard largest < list.count + Self.mostHoles else {
      throw TokenizerError(
        "the vocabulary has \(list.count) tokens but an id \(largest); ids must leave at most \(Self.mostHoles) holes")
    }
    entries = Array(repeating: nil, count: largest + 1)
    for entry in list { try insert(entry) }
    for entry in list where entry.kind != .ordinary { try refuseAmbiguousSpelling(of: entry) }
  }

  /// A file has one name space: an added token must not be written like an ordinary one is spelled.
  private func refuseAmbiguousSpelling(of entry: VocabularyEntry) throws {
    let text = String(decoding: entry.bytes, as: UTF8.self)
    guard let bytes = ByteAlphabet.bytes(of: text), let number = ordinary.number(of: bytes) else { return }
    throw TokenizerError(
      "added token '\(text)' is written like the ordinary token \(idsOfOrdinary[number]); choose another text for it")
  }

  private mutating func insert(_ entry: VocabularyEntry) throws {
    let shown = quoted(entry.bytes)
    guard entry.id.rawValue >= 0 else { throw TokenizerError("token \(shown) has the id \(entry.id); ids begin at 0") }
    guard !entry.bytes.isEmpty else { throw TokenizerError("token \(entry.id) is empty; a token needs a text") }
    if let other = entries[Int(entry.id.rawValue)] {
      throw TokenizerError("tokens \(quoted(other.bytes)) and \(shown) share the id \(entry.id); ids must differ")
    }
    entries[Int(entry.id.rawValue)] = entry
    let isNew: Bool
    switch entry.kind {
    case .ordinary:
      isNew = ordinary.insert(entry.bytes) == idsOfOrdinary.count
      idsOfOrdinary.append(entry.id.rawValue)
    case .added, .special:
      isNew = idsOfAdded.updateValue(entry.id.rawValue, forKey: entry.bytes) == nil
    }
    guard isNew else {
      throw TokenizerError("token \(shown) occurs twice, at last as id \(entry.id); tokens must differ")
    }
  }

  /// The entry of an id, if there is one.
  subscript(id: TokenID) -> VocabularyEntry? {
    entries.indices.contains(Int(id.rawValue)) ? entries[Int(id.rawValue)] : nil
  }

  /// The ordinary token made of exactly these bytes or, failing that, the added one written so.
  func mergeable(_ bytes: [UInt8]) -> Int32? {
    ordinary.number(of: bytes).map { idsOfOrdinary[$0] } ?? idsOfAdded[bytes]
  }

  /// The added token written so or, failing that, the ordinary one.
  func named(_ bytes: [UInt8]) -> Int32? { idsOfAdded[bytes] ?? mergeable(bytes) }
}

/// Bytes as they read in an error message.
func quoted(_ bytes: some Collection<UInt8>) -> String { "'\(String(decoding: bytes.prefix(80), as: UTF8.self))'" }
