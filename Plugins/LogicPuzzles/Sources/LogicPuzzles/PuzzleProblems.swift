// The same puzzles as questions: those of the training side to be rewarded for, those of the other side to be
// measured by.
import Datasets
import Recipes
import Rewards

/// Puzzles as problems.
public struct PuzzleProblems: ProblemSource {
  /// What a recipe may say about the problems.
  public struct Settings: Configuration, Hashable {
    /// The sizes, taken in turn.
    public var people = [2, 3]
    /// Names to draw from, the first of the list of common ones; the same number as in the corpus of the model.
    public var names = 12
    public var difficulty = Difficulty.simple
    /// Of the prompt and of the question; the reference answer is always compact.
    public var wording = Wording.compact
    /// The first evaluation problems, this many, are all different puzzles as far as there are enough.
    public var distinctEvaluations = 400
    /// Of the puzzles; a recipe's top seed does not reach it.
    public var seed = 0
    public init() {}

    public func validate() throws {
      guard !people.isEmpty else {
        throw ConfigError(path: "people", problem: "expected at least one size, found none")
      }
      for (index, size) in people.enumerated() where !Puzzle.sizes.contains(size) {
        throw ConfigError(path: "people[\(index)]", problem: "expected 2 to 8, found \(size)")
      }
      try PuzzleProblems.checkNames(names, people: people)
      guard (0...100_000).contains(distinctEvaluations) else {
        throw ConfigError(path: "distinctEvaluations", problem: "expected 0 to 100000, found \(distinctEvaluations)")
      }
    }
  }

  public let name = LogicPuzzles.partName
  private let settings: Settings
  private let generator: PuzzleGenerator
  private let evaluations: [SolvedPuzzle]

  /// Throws `ConfigError` for settings that make no sense. Draws the distinct evaluation puzzles at once.
  public init(_ settings: Settings = Settings()) throws {
    try settings.validate()
    self.settings = settings
    generator = try PuzzleGenerator(
      seed: settings.seed, difficulty: settings.difficulty, names: Array(PuzzleNames.common.prefix(settings.names)))
    evaluations = try Self.distinctPuzzles(of: generator, settings)
  }

  public func problem(_ index: Int, split: Split) throws -> Problem {
    guard index >= 0 else { throw PuzzleError("problem \(index) was asked for; numbers begin at 0") }
    if split == .evaluation, index < evaluations.count { return problem(evaluations[index]) }
    let people = settings.people[index % settings.people.count]
    return problem(try generator.puzzle(UInt64(index), people: people, split: split))
  }

  private func problem(_ solved: SolvedPuzzle) -> Problem {
    let (puzzle, solution) = (solved.puzzle, solved.solution)
    let digits = String(PuzzleKey(puzzle).hash, radix: 16)
    return Problem(
      id: "\(name)-\(String(repeating: "0", count: 16 - digits.count))\(digits)",
      prompt: PuzzleText.prompt(puzzle, settings.wording), question: PuzzleText.question(puzzle, settings.wording),
      answer: PuzzleText.answer(solution, names: puzzle.names), verifier: LogicPuzzles.partName,
      facts: [
        "people": "\(puzzle.names.count)", "difficulty": settings.difficulty.rawValue,
        "tries": "\(solution.number + 1)",
      ])
  }

  /// Puzzles of the evaluation side, sizes in turn, each new while new ones are to be found.
  private static func distinctPuzzles(of generator: PuzzleGenerator, _ settings: Settings) throws -> [SolvedPuzzle] {
    var seen: Set<PuzzleKey> = []
    var exhausted: Set<Int> = []
    return try (0..<settings.distinctEvaluations).map { index in
      let people = settings.people[index % settings.people.count]
      let draws: UInt64 = exhausted.contains(people) ? 1 : 2_000
      for draw in 0..<draws {
        let solved = try generator.puzzle(UInt64(index) | draw << 32, people: people, split: .evaluation)
        if seen.insert(PuzzleKey(solved.puzzle)).inserted { return solved }
      }
      exhausted.insert(people)
      return try generator.puzzle(UInt64(index), people: people, split: .evaluation)
    }
  }

  /// Whether there are that many names, and enough for the largest puzzle.
  static func checkNames(_ names: Int, people: [Int]) throws {
    let range = max(4, people.max() ?? 0)...PuzzleNames.common.count
    guard range.contains(names) else {
      throw ConfigError(
        path: "names", problem: "expected \(range.lowerBound) to \(range.upperBound) for these people, found \(names)")
    }
  }
}
