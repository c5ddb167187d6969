// Draws puzzles with exactly one solution. Number n of a generator is a function of (seed, people, split, n):
// nothing is remembered, so any puzzle can be had at any time, by anyone, in any order.
import Datasets
import Recipes
import Tensors

/// How hard the statements are.
public enum Difficulty: String, Sendable, Hashable, Codable, CaseIterable {
  /// "X is a knight", "X is a knave", "X is my kind" or "X is not my kind", about another person.
  case simple
  /// Logic-RL's sampler at depth 2 and width 2: leaves, not, and, or, implies, iff.
  case logic
}

/// An endless source of puzzles by number.
public struct PuzzleGenerator: Sendable {
  public let seed: Int
  public let difficulty: Difficulty
  /// The names people can have.
  public let names: [String]

  /// Throws `PuzzleError` for names that puzzles cannot use.
  public init(seed: Int = 0, difficulty: Difficulty = .simple, names: [String] = Array(PuzzleNames.common.prefix(12)))
    throws
  {
    try PuzzleNames.check(names)
    (self.seed, self.difficulty, self.names) = (seed, difficulty, names)
  }

  /// Puzzle `number` of a split, with its solution. Throws `PuzzleError` when there are too few names for the people,
  /// or so few that no puzzle falls on this side.
  public func puzzle(_ number: UInt64, people: Int, split: Split) throws -> SolvedPuzzle {
    guard Puzzle.sizes.contains(people) else {
      throw PuzzleError("a puzzle with \(people) people was asked for; 2 to 8 are possible")
    }
    guard names.count >= people else {
      throw PuzzleError("a puzzle with \(people) people needs as many names; there are \(names.count)")
    }
    let side: UInt64 = split == .train ? 0 : 1
    let grade: UInt64 = difficulty == .simple ? 0 : 1
    var stream = RandomStream(seed: UInt64(bitPattern: Int64(seed)), path: side, grade, UInt64(people), number)
    let knights = (0..<people).map { TruthTable(knight: $0, of: people) }
    for _ in 0..<Self.patience {
      let statements = (0..<people).map { draw(by: $0, of: people, using: &stream) }
      let solutions = PuzzleSolver.solutions(of: statements, knights: knights)
      guard solutions.count == 1 else { continue }
      let puzzle = try Puzzle(names: stream.sample(people, of: names), statements: statements)
      if PuzzleKey(puzzle).split == split { return SolvedPuzzle(puzzle: puzzle, solution: solutions[0]) }
    }
    throw PuzzleError(
      "no \(split.rawValue) puzzle with \(people) of \(names.count) names in \(Self.patience) draws; give it more names"
    )
  }

  /// More than enough: of random statements at least one set in ten has one solution.
  private static let patience = 20_000

  private func draw(by speaker: Int, of people: Int, using stream: inout RandomStream) -> Statement {
    switch difficulty {
    case .simple: Self.simple(by: speaker, of: people, using: &stream)
    case .logic: Self.logic(by: speaker, of: people, depth: 2, using: &stream)
    }
  }

  private static func simple(by speaker: Int, of people: Int, using stream: inout RandomStream) -> Statement {
    let other = stream.below(people - 1)
    let person = other < speaker ? other : other + 1
    return switch stream.below(4) {
    case 0: .tellingTruth(person)
    case 1: .lying(person)
    case 2: .sameKind(person, as: speaker)
    default: .not(.sameKind(person, as: speaker))
    }
  }

  private static func logic(by speaker: Int, of people: Int, depth: Int, using stream: inout RandomStream) -> Statement
  {
    let die = stream.below(6)
    func part() -> Statement { logic(by: speaker, of: people, depth: depth - 1, using: &stream) }
    func differentParts() -> (Statement, Statement) {
      let first = part()
      while true {
        let second = part()
        if second != first { return (first, second) }
      }
    }
    if depth == 1 || die == 0 { return leaf(by: speaker, of: people, using: &stream) }
    if die == 1 { return .not(part()) }
    let (a, b) = differentParts()
    return switch die {
    case 2: .and([a, b])
    case 3: .or([a, b])
    case 4: .implies(a, b)
    default: .iff(a, b)
    }
  }

  /// Nobody says "I am a knave": neither kind can.
  private static func leaf(by speaker: Int, of people: Int, using stream: inout RandomStream) -> Statement {
    while true {
      let saysKnight = stream.below(2) == 0
      let person = stream.below(people)
      if saysKnight { return .tellingTruth(person) }
      if person != speaker { return .lying(person) }
    }
  }
}
