// A puzzle: people with names, each of whom says one thing. Knights tell the truth, knaves lie.

/// What everybody is called and says. Statement i is said by person i.
public struct Puzzle: Sendable, Hashable, Codable {
  /// How many people a puzzle can be about.
  public static let sizes = 2...8

  /// Of person 0, 1, …; all different.
  public let names: [String]
  public let statements: [Statement]

  /// Throws `PuzzleError` unless there are 2 to 8 people with different usable names, who speak of each other only.
  public init(names: [String], statements: [Statement]) throws {
    guard Self.sizes.contains(names.count), names.count == statements.count else {
      throw PuzzleError(
        "a puzzle has \(names.count) people and \(statements.count) statements; 2 to 8 people with one each are right")
    }
    try PuzzleNames.check(names)
    for (name, statement) in zip(names, statements) {
      if let stranger = statement.people.first(where: { !names.indices.contains($0) }) {
        throw PuzzleError("\(name) speaks of person \(stranger); the people are 0 to \(names.count - 1)")
      }
    }
    (self.names, self.statements) = (names, statements)
  }

  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    try self.init(
      names: try fields.decode([String].self, forKey: .names),
      statements: try fields.decode([Statement].self, forKey: .statements))
  }

  /// Whether `person` may have said this, if everybody is as assumed: knights say what is so, knaves what is not.
  public func statementFits(of person: Int, in assignment: Assignment) -> Bool {
    statements[person].holds(in: assignment) == assignment.isKnight[person]
  }
}

/// A puzzle together with the one assignment that fits.
public struct SolvedPuzzle: Sendable, Hashable, Codable {
  public let puzzle: Puzzle
  public let solution: Assignment
}

/// Why a puzzle cannot be made or read, in one sentence.
public struct PuzzleError: Error, Equatable, CustomStringConvertible {
  public let description: String
  public init(_ description: String) { self.description = description }
}
