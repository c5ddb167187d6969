// What can go wrong before settings have paths: files that cannot be read and text that is not YAML.
import Sentences

/// A recipe that could not be read or written.
public enum RecipeError: Error, Equatable, CustomStringConvertible {
  /// Text that is not YAML, or YAML that settings cannot use. Lines and columns count from 1.
  case syntax(source: String, line: Int, column: Int, problem: String)
  case unreadable(path: String, reason: String)
  case unwritable(reason: String)

  public var description: String { sentenceLine(sentence) }

  private var sentence: String {
    switch self {
    case .syntax(let source, let line, let column, let problem): "\(source):\(line):\(column): \(problem)"
    case .unreadable(let path, let reason): "\(path): cannot be read as a recipe: \(reason)"
    case .unwritable(let reason): "settings cannot be written as YAML: \(reason)"
    }
  }
}
