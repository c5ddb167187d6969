// What can be wrong with a template or its rendering, in one sentence with the place in the template.
import Sentences

/// A place in a template's source; lines and columns count from 1.
struct Position: Sendable, Hashable {
  var line: Int
  var column: Int
}

/// A template that cannot be read or rendered: where, what was found, and what would have worked.
public struct TemplateError: Error, CustomStringConvertible, Equatable {
  /// Who is to blame.
  public enum Kind: Sendable, Equatable {
    /// The source is not a template.
    case syntax
    /// The template did something with a value that the value does not allow.
    case evaluation
    /// The template did more work, or wrote more, than it may.
    case limit
    /// The template itself refused, by `raise_exception`.
    case raised
  }
  public let kind: Kind
  /// The sentence without the place.
  public let message: String
  /// The line in the template's source, from 1.
  public internal(set) var line: Int?
  /// The column in that line, from 1, in code points.
  public internal(set) var column: Int?

  init(_ message: String, kind: Kind = .evaluation, at position: Position? = nil) {
    (self.kind, self.message) = (kind, message)
    (line, column) = (position?.line, position?.column)
  }

  public var description: String {
    guard let line, let column else { return sentenceLine(message) }
    return sentenceLine("line \(line), column \(column): \(message)")
  }

  /// The same error with a place, where it has none yet.
  func at(_ position: Position) -> TemplateError {
    line == nil ? TemplateError(message, kind: kind, at: position) : self
  }
}
