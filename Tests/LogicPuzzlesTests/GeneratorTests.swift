// Puzzles by number: one solution, the same for ever, and never on both sides of the split.
import Datasets
import LogicPuzzles
import Rewards
import Testing

private func depth(_ statement: Statement) -> Int {
  switch statement {
  case .tellingTruth, .lying: 1
  case .not(let part): 1 + depth(part)
  case .and(let parts), .or(let parts): 1 + (parts.map(depth).max() ?? 0)
  case .implies(let a, let b), .iff(let a, let b): 1 + max(depth(a), depth(b))
  }
}

private func form(_ statement: Statement) -> String {
  switch statement {
  case .tellingTruth, .lying: "leaf"
  case .not: "not"
  case .and: "and"
  case .or: "or"
  case .implies: "implies"
  case .iff: "iff"
  }
}

@Suite struct GeneratorTests {
  @Test(arguments: Puzzle.sizes, Difficulty.allCases)
  func everyPuzzleHasExactlyTheSolutionItComesWith(_ people: Int, _ difficulty: Difficulty) throws {
    let generator = try PuzzleGenerator(seed: 3, difficulty: difficulty)
    for number in 0..<60 as Range<UInt64> {
      for split in [Split.train, .evaluation] {
        let solved = try generator.puzzle(number, people: people, split: split)
        #expect(solved.puzzle.names.count == people)
        #expect(PuzzleSolver.solutionsByTrying(solved.puzzle) == [solved.solution])
        #expect(PuzzleKey(solved.puzzle).split == split)
      }
    }
  }

  @Test func aPuzzleIsAFunctionOfItsNumber() throws {
    for difficulty in Difficulty.allCases {
      let generator = try PuzzleGenerator(seed: 1, difficulty: difficulty)
      let forwards = try (0..<100 as Range<UInt64>).map { try generator.puzzle($0, people: 4, split: .train) }
      let again = try PuzzleGenerator(seed: 1, difficulty: difficulty)
      let backwards = try (0..<100 as Range<UInt64>).reversed().map { try again.puzzle($0, people: 4, split: .train) }
      #expect(forwards == backwards.reversed())
      #expect(Set(forwards).count > 95)
      let other = try PuzzleGenerator(seed: 2, difficulty: difficulty)
      #expect(try forwards != (0..<100).map { try other.puzzle($0, people: 4, split: .train) })
    }
  }

  @Test func simplePuzzlesUseTheFourStatementsAboutOthers() throws {
    let generator = try PuzzleGenerator()
    var counts: [String: Int] = [:]
    for number in 0..<500 as Range<UInt64> {
      let puzzle = try generator.puzzle(number, people: 3, split: .train).puzzle
      for (speaker, statement) in puzzle.statements.enumerated() {
        let person = try #require(statement.people.first)
        #expect(person != speaker)
        let four = [
          "knight": Statement.tellingTruth(person), "knave": .lying(person), "kind": .sameKind(person, as: speaker),
          "not kind": .not(.sameKind(person, as: speaker)),
        ]
        let name = try #require(four.first { $0.value == statement }?.key)
        counts[name, default: 0] += 1
      }
    }
    #expect(counts.count == 4 && counts.values.allSatisfy { $0 > 200 }, "\(counts)")
  }

  @Test func logicPuzzlesUseTheSixFormsAtDepthTwoAndNobodyDeniesHimself() throws {
    let generator = try PuzzleGenerator(difficulty: .logic)
    var counts: [String: Int] = [:]
    for number in 0..<300 as Range<UInt64> {
      let puzzle = try generator.puzzle(number, people: 5, split: .train).puzzle
      for (speaker, statement) in puzzle.statements.enumerated() {
        #expect(depth(statement) <= 2)
        #expect(statement != .lying(speaker))
        switch statement {
        case .and(let parts), .or(let parts): #expect(parts.count == 2 && parts[0] != parts[1])
        case .implies(let a, let b), .iff(let a, let b): #expect(a != b)
        case .tellingTruth, .lying, .not: break
        }
        counts[form(statement), default: 0] += 1
      }
    }
    // Each is drawn one time in six; having one solution favours some, but none is rare.
    #expect(counts.count == 6 && counts.values.allSatisfy { $0 > 75 }, "\(counts)")
  }

  @Test func theKeyForgetsOrderAndNothingElse() throws {
    let a = try Puzzle(names: ["Ann", "Bob"], statements: [.or([.lying(1), .tellingTruth(0)]), .sameKind(0, as: 1)])
    let b = try Puzzle(
      names: ["Bob", "Ann"],
      statements: [.iff(.tellingTruth(0), .tellingTruth(1)), .or([.tellingTruth(1), .lying(0)])])
    #expect(PuzzleKey(a) == PuzzleKey(b) && PuzzleKey(a).hash == PuzzleKey(b).hash)
    for other in [
      try Puzzle(names: ["Ann", "Cat"], statements: a.statements),
      try Puzzle(names: ["Bob", "Ann"], statements: a.statements),
      try Puzzle(names: ["Ann", "Bob"], statements: [a.statements[0], .tellingTruth(0)]),
      try Puzzle(names: ["Ann", "Bob"], statements: [.and([.lying(1), .tellingTruth(0)]), a.statements[1]]),
    ] { #expect(PuzzleKey(a) != PuzzleKey(other)) }
    let ifThen = try Puzzle(names: ["Ann", "Bob"], statements: [.implies(.lying(1), .lying(0)), .lying(0)])
    let thenIf = try Puzzle(names: ["Ann", "Bob"], statements: [.implies(.lying(0), .lying(1)), .lying(0)])
    #expect(PuzzleKey(ifThen) != PuzzleKey(thenIf))
  }

  /// All simple puzzles of two people, made here by counting: 12 of the 16 pairs of statements have one solution.
  @Test(arguments: [6, 12, 24]) func bothSidesHaveEnoughPuzzlesForTwo(_ names: Int) throws {
    func statements(about person: Int, by speaker: Int) -> [Statement] {
      [.tellingTruth(person), .lying(person), .sameKind(person, as: speaker), .not(.sameKind(person, as: speaker))]
    }
    var keys: [Split: Set<PuzzleKey>] = [:]
    for a in 0..<names {
      for b in 0..<names where a != b {
        for first in statements(about: 1, by: 0) {
          for second in statements(about: 0, by: 1) {
            let pair = [PuzzleNames.common[a], PuzzleNames.common[b]]
            let puzzle = try Puzzle(names: pair, statements: [first, second])
            guard PuzzleSolver.solutions(of: puzzle).count == 1 else { continue }
            let key = PuzzleKey(puzzle)
            keys[key.split, default: []].insert(key)
          }
        }
      }
    }
    let total = names * (names - 1) / 2 * 12
    let (train, evaluation) = (keys[.train]?.count ?? 0, keys[.evaluation]?.count ?? 0)
    #expect(train + evaluation == total, "\(names) names: \(train) + \(evaluation)")
    // A fair coin strays further than five standard deviations once in two million.
    let spread = 2.5 * Double(total).squareRoot()
    #expect(abs(Double(train) - Double(total) / 2) < spread, "\(names) names: \(train) train, \(evaluation) evaluation")
    let problems = try PuzzleProblems(settings(names: names, people: [2]))
    let drawn = try Set((0..<400).map { try problems.problem($0, split: .evaluation).id })
    #expect(drawn.count == min(400, evaluation), "\(names) names: \(drawn.count) of \(evaluation)")
  }

  private func settings(names: Int, people: [Int]) -> PuzzleProblems.Settings {
    var settings = PuzzleProblems.Settings()
    (settings.names, settings.people) = (names, people)
    return settings
  }

  @Test func theImpossibleIsRefusedInASentence() throws {
    let generator = try PuzzleGenerator(names: ["Ann", "Bob", "Cat"])
    for people in [Int.min, 0, 1, 4, 9, .max] {
      #expect(throws: PuzzleError.self) { try generator.puzzle(0, people: people, split: .train) }
    }
    #expect(throws: PuzzleError.self) { try PuzzleGenerator(names: ["Ann", "Ann"]) }
  }
}
