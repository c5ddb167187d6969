// Why a text is not the JSON that was asked for. Readers put their own sentence around it: which file, what would do.

/// A mistake in a text, with the place.
public struct JSONError: Error, Equatable, CustomStringConvertible {
  /// What sort of mistake, for readers that say it in words of their own.
  public enum Kind: Sendable, Equatable {
    /// There is nothing but white space.
    case empty
    /// The text does not follow the grammar.
    case syntax
    /// A string is not UTF-8.
    case encoding
    /// Lists and objects are nested deeper than `JSONLimits.depth`.
    case depth
    /// There are more values than `JSONLimits.values`.
    case count
  }
  public let kind: Kind
  /// What is wrong, to stand behind a colon, for example `expected ':', found '}'`.
  public let problem: String
  /// How many bytes lie before the mistake, a byte-order mark included.
  public let byte: Int

  public var description: String { "\(problem) at byte \(byte) of the JSON" }
}
