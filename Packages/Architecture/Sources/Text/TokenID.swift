// The number of a token in a vocabulary.
// A type of its own, so that a token cannot be confused with a position, a length or a count.

/// One entry of a vocabulary, by its row in the embedding table.
public struct TokenID: Sendable, Hashable, Comparable, Codable, RawRepresentable, CustomStringConvertible {
  public let rawValue: Int32
  public init(rawValue: Int32) { self.rawValue = rawValue }
  /// Traps when `value` does not fit 32 bits; ids from outside are checked before.
  public init(_ value: Int) { rawValue = Int32(value) }
  public static func < (a: TokenID, b: TokenID) -> Bool { a.rawValue < b.rawValue }
  public var description: String { String(rawValue) }
}
