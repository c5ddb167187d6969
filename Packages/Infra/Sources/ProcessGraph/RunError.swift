// What can go wrong between a run and its directory. Each case is one sentence that says what to do.
import Recipes
import Sentences

/// A run that cannot start or continue.
public enum RunError: Error, Equatable, CustomStringConvertible {
  /// The directory holds the work of other settings.
  case settingsChanged(stage: String, directory: String, differences: [ConfigDifference])
  /// The directory holds the same settings applied to another input.
  case inputChanged(stage: String, directory: String, before: String, after: String)
  /// The run's recipe.yaml differs from the recipe it should be resumed with.
  case recipeChanged(file: String, differences: [ConfigDifference])
  /// A record in the run directory that is not what a run writes.
  case damaged(file: String, reason: String)
  /// A finished stage whose result is gone.
  case missingResult(stage: String, record: String, directory: String)
  /// A node whose name cannot be a directory's.
  case badNodeName(String)
  /// The file system said no.
  case file(String)

  public var description: String { sentenceLine(sentence) }

  private var sentence: String {
    switch self {
    case .settingsChanged(let stage, let directory, let differences):
      "stage '\(stage)' was started in \(directory) with other settings (\(Self.list(differences))); "
        + "undo the change, delete that directory to run the stage again, or choose a new run directory"
    case .inputChanged(let stage, let directory, let before, let after):
      "stage '\(stage)' was started in \(directory) from another input (\(before), now \(after)); "
        + "delete that directory to run the stage again, or choose a new run directory"
    case .recipeChanged(let file, let differences):
      "\(file) was written by a run of another recipe (\(Self.list(differences))); "
        + "undo the change to resume it, or choose a new run directory"
    case .damaged(let file, let reason):
      "\(file) is not what a run writes (\(reason)); delete it to run its stage again"
    case .missingResult(let stage, let record, let directory):
      "stage '\(stage)' is recorded as finished in \(record), but its result \(directory) is gone; "
        + "put it back, or delete the record to run the stage again"
    case .badNodeName(let name):
      "'\(name)' cannot name a stage's directory; use letters, digits, '-' and '_'"
    case .file(let sentence): sentence
    }
  }

  /// The first few differences: enough to recognise the change, short enough for one line.
  private static func list(_ differences: [ConfigDifference]) -> String {
    let shown = differences.prefix(6).map(\.description)
    let hidden = differences.count - shown.count
    return (shown + (hidden > 0 ? ["and \(hidden) more"] : [])).joined(separator: "; ")
  }
}
