// What makes two puzzles the same, and on which side of the split a puzzle is.
// The side is a function of the puzzle alone, so training and evaluation cannot share one, however they are drawn.
import Datasets

/// The identity of a puzzle: who says what, whatever the order of the people and of what "and", "or", "iff" join.
public struct PuzzleKey: Sendable, Hashable {
  /// One line per person, sorted.
  public let text: String

  public init(_ puzzle: Puzzle) {
    let lines = zip(puzzle.names, puzzle.statements).map { "\($0): \(Self.text($1, puzzle.names))" }
    text = lines.sorted().joined(separator: "\n")
  }

  /// A hash that is the same on every machine, today and tomorrow: FNV-1a, then the finaliser of SplitMix64.
  public var hash: UInt64 {
    var z = text.utf8.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x0100_0000_01B3 }
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// Half of all puzzles are for training, half for evaluation: with two people there are few, and both need enough.
  public var split: Split { hash & 1 == 0 ? .train : .evaluation }

  private static func text(_ statement: Statement, _ names: [String]) -> String {
    func joined(_ parts: [Statement]) -> String { parts.map { text($0, names) }.sorted().joined(separator: ", ") }
    return switch statement {
    case .tellingTruth(let person): "knight(\(names[person]))"
    case .lying(let person): "knave(\(names[person]))"
    case .not(let part): "not(\(text(part, names)))"
    case .and(let parts): "and(\(joined(parts)))"
    case .or(let parts): "or(\(joined(parts)))"
    case .implies(let a, let b): "implies(\(text(a, names)), \(text(b, names)))"
    case .iff(let a, let b): "iff(\(joined([a, b])))"
    }
  }
}
