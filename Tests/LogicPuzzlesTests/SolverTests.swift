// The solver against trying everything, against a reader of the English words, and against puzzles solved by hand.
import Datasets
import LogicPuzzles
import Tensors
import Testing

/// A random statement of any depth, wider than the generator's grammar.
private func statement(of people: Int, depth: Int, _ stream: inout RandomStream) -> Statement {
  func part() -> Statement { statement(of: people, depth: depth - 1, &stream) }
  func person() -> Int { Int(stream.next() % UInt64(people)) }
  func parts() -> [Statement] { (0..<1 + Int(stream.next() % 3)).map { _ in part() } }
  switch depth == 0 ? stream.next() % 2 : stream.next() % 7 {
  case 0: return .tellingTruth(person())
  case 1: return .lying(person())
  case 2: return .not(part())
  case 3: return .and(parts())
  case 4: return .or(parts())
  case 5: return .implies(part(), part())
  default: return .iff(part(), part())
  }
}

private func kinds(_ puzzle: Puzzle) -> [[Bool]] { PuzzleSolver.solutions(of: puzzle).map(\.isKnight) }

@Suite struct SolverTests {
  @Test(arguments: Puzzle.sizes) func truthTablesAgreeWithTryingEverything(_ people: Int) throws {
    var stream = RandomStream(seed: 7, path: UInt64(people))
    var counts: [Int: Int] = [:]
    for _ in 0..<300 {
      let statements = (0..<people).map { _ in statement(of: people, depth: 3, &stream) }
      let puzzle = try Puzzle(names: Array(PuzzleNames.common.prefix(people)), statements: statements)
      let solutions = PuzzleSolver.solutions(of: puzzle)
      #expect(solutions == PuzzleSolver.solutionsByTrying(puzzle), "\(puzzle)")
      counts[min(2, solutions.count), default: 0] += 1
    }
    #expect(counts.count == 3, "puzzles with none, one and more solutions all occur: \(counts)")
  }

  @Test func assignmentsCountUpWithTheLastPersonFirst() {
    for people in Puzzle.sizes {
      for number in 0..<1 << people { #expect(Assignment(number: number, people: people).number == number) }
    }
    #expect(
      (0..<4).map { Assignment(number: $0, people: 2).isKnight } == [
        [true, true], [true, false], [false, true], [false, false],
      ])
  }

  @Test func theExampleOfTheKnightsAndKnavesData() throws {
    // Zoey: "Oliver is not a knight". Oliver: "Oliver is a knight if and only if Zoey is a knave".
    let puzzle = try Puzzle(
      names: ["Zoey", "Oliver"], statements: [.not(.tellingTruth(1)), .iff(.tellingTruth(1), .lying(0))])
    #expect(kinds(puzzle) == [[false, true]])
  }

  @Test func puzzlesOfSmullyan() throws {
    let two = ["Ann", "Bob"]
    // True whatever Ann is, so whoever says it is a knight.
    let anything = Statement.or([.tellingTruth(0), .lying(0)])
    // "At least one of us is a knave." Bob: "Ann is a knave."
    let oneOfUs = Statement.or([.lying(0), .lying(1)])
    #expect(kinds(try Puzzle(names: two, statements: [oneOfUs, .lying(0)])) == [[true, false]])
    // "We are both knaves."
    #expect(kinds(try Puzzle(names: two, statements: [.and([.lying(0), .lying(1)]), anything])) == [[false, true]])
    // "If I am a knight, so is Bob."
    #expect(
      kinds(try Puzzle(names: two, statements: [.implies(.tellingTruth(0), .tellingTruth(1)), anything])) == [
        [true, true]
      ])
    // "All of us are knaves." "Exactly one of us is a knight."
    let all = Statement.and([.lying(0), .lying(1), .lying(2)])
    let one = Statement.or([
      .and([.tellingTruth(0), .lying(1), .lying(2)]), .and([.lying(0), .tellingTruth(1), .lying(2)]),
      .and([.lying(0), .lying(1), .tellingTruth(2)]),
    ])
    // Cid says "Ann is a knight", which is false of a knave as it must be.
    #expect(
      kinds(try Puzzle(names: ["Ann", "Bob", "Cid"], statements: [all, one, .tellingTruth(0)])) == [
        [false, true, false]
      ])
  }

  @Test func liarsHaveNoSolutionAndBoastersTwo() throws {
    #expect(kinds(try Puzzle(names: ["Ann", "Bob"], statements: [.lying(0), .tellingTruth(1)])).isEmpty)
    #expect(
      kinds(try Puzzle(names: ["Ann", "Bob"], statements: [.tellingTruth(0), .tellingTruth(0)])) == [
        [true, true], [false, false],
      ])
  }

  @Test(arguments: [
    (["Ann"], [Statement.tellingTruth(0)]), (["Ann", "Ann"], [.lying(1), .lying(0)]),
    (["Ann", "knave"], [.lying(1), .lying(0)]), (["Ann", "B b"], [.lying(1), .lying(0)]),
    (["Ann", ""], [.lying(1), .lying(0)]), (["Ann", "Bob"], [.lying(1)]),
    (["Ann", "Bob"], [.lying(2), .lying(0)]), (["Ann", "Bob"], [.not(.and([.lying(-1)])), .lying(0)]),
  ])
  func puzzlesThatMakeNoSenseAreRefused(_ names: [String], _ statements: [Statement]) {
    #expect(throws: PuzzleError.self) { try Puzzle(names: names, statements: statements) }
  }
}
