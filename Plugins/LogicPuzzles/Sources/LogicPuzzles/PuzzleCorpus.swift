// The texts a base model learns from: puzzles with worked solutions, most of them broken off too early and answered
// wrongly. The base imitates the mixture; reinforcement learning then finds that checking to the end pays.
import Datasets
import Recipes
import Tensors

/// How often a number of people comes up.
public struct PeopleShare: Configuration, Hashable {
  /// 2 to 8.
  public var people = 3
  /// Relative to the other shares.
  public var weight = 1.0
  public init() {}
  public init(_ people: Int, weight: Double) { (self.people, self.weight) = (people, weight) }
  public func validate() throws {
    guard Puzzle.sizes.contains(people) else {
      throw ConfigError(path: "people", problem: "expected 2 to 8, found \(people)")
    }
    guard weight.isFinite, weight >= 0 else {
      throw ConfigError(path: "weight", problem: "expected a number of 0 or more, found \(weight)")
    }
  }
}

/// Worked solutions of puzzles of the training side, without end.
public struct PuzzleCorpus: DocumentSource {
  /// What a recipe may say about the texts.
  public struct Settings: Configuration, Hashable {
    /// Names to draw from, the first of the list of common ones. Problems for the same model need the same number.
    public var names = 12
    public var difficulty = Difficulty.simple
    /// How often each number of people comes up.
    public var people = [PeopleShare(2, weight: 0.3), PeopleShare(3, weight: 0.7)]
    /// The share of texts that are worked to the end; the others are written by a lazy writer.
    public var fullShare = 0.25
    /// How likely the lazy writer stops before any check.
    public var lazyProbability = 0.6
    /// The share of texts that are look-up drills instead of puzzles.
    public var drillShare = 0.0
    /// Of the rest, the share that says a puzzle's sentences again instead of solving it.
    public var recallShare = 0.0
    /// Longer texts, counted in words between spaces, are drawn again; nil takes all.
    public var longestText: Int?
    /// Of the texts and their puzzles; a recipe's top seed does not reach it.
    public var seed = 0
    public init() {}

    public func validate() throws {
      try PuzzleProblems.checkNames(names, people: people.map(\.people))
      guard people.contains(where: { $0.weight > 0 }) else {
        throw ConfigError(path: "people", problem: "expected at least one weight above 0, found none")
      }
      for (name, value) in [
        ("fullShare", fullShare), ("lazyProbability", lazyProbability), ("drillShare", drillShare),
        ("recallShare", recallShare),
      ] where !(0...1).contains(value) {
        throw ConfigError(path: name, problem: "expected a number from 0 to 1, found \(value)")
      }
    }
  }

  public let name = LogicPuzzles.partName
  public let count: Int? = nil
  public let endOfDocument = "<eos>"
  public let specialTokens = ["<eos>", "<think>", "</think>", "<answer>", "</answer>"]
  public let promptTemplate: String? = PuzzleText.promptTemplate
  private let settings: Settings
  private let generator: PuzzleGenerator

  /// Throws `ConfigError` for settings that make no sense.
  public init(_ settings: Settings = Settings()) throws {
    try settings.validate()
    self.settings = settings
    generator = try PuzzleGenerator(
      seed: settings.seed, difficulty: settings.difficulty, names: Array(PuzzleNames.common.prefix(settings.names)))
  }

  public func document(_ index: Int) throws -> String {
    var stream = RandomStream(
      seed: UInt64(bitPattern: Int64(settings.seed)), path: Self.corpusPath, UInt64(bitPattern: Int64(index)))
    for _ in 0..<Self.patience {
      let text = try draw(using: &stream)
      guard let longest = settings.longestText, Self.wordCount(text) > longest else { return text }
    }
    throw PuzzleError(
      "document \(index) has more than \(settings.longestText ?? 0) words in each of \(Self.patience) draws; "
        + "allow longer texts or fewer people")
  }

  private func draw(using stream: inout RandomStream) throws -> String {
    let people = drawPeople(using: &stream)
    if stream.chance(settings.drillShare) {
      return LookUpDrill.text(names: generator.names, people: people, using: &stream)
    }
    let solved = try generator.puzzle(stream.next(), people: people, split: .train)
    if stream.chance(settings.recallShare) {
      return RecallDrill.text(solved.puzzle, using: &stream)
    }
    let writer = TraceWriter(solved.puzzle)
    let isFull = stream.chance(settings.fullShare)
    return writer.document(
      isFull
        ? writer.completeTrace() : writer.trace(stoppingBeforeCheckWith: settings.lazyProbability, using: &stream))
  }

  private func drawPeople(using stream: inout RandomStream) -> Int {
    let shares = settings.people.filter { $0.weight > 0 }
    // Measured against the largest weight, so that no sum overflows.
    let largest = shares.map(\.weight).max() ?? 1
    var place = Double(stream.next() >> 11) * 0x1p-53 * shares.reduce(0) { $0 + $1.weight / largest }
    for share in shares {
      place -= share.weight / largest
      if place < 0 { return share.people }
    }
    return shares[shares.count - 1].people
  }

  private static func wordCount(_ text: String) -> Int {
    text.utf8.split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\n") }.count
  }

  /// Keeps the corpus' random numbers apart from the generator's.
  private static let corpusPath: UInt64 = 0xC0
  private static let patience = 200
}
