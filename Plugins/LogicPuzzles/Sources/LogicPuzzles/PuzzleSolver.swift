// Finds every assignment that fits a puzzle, in two ways that share nothing but the grammar.

/// Solves puzzles.
public enum PuzzleSolver {
  /// All assignments under which everybody's statement fits their kind, in the order of trying.
  public static func solutions(of puzzle: Puzzle) -> [Assignment] {
    let people = puzzle.names.count
    let knights = (0..<people).map { TruthTable(knight: $0, of: people) }
    return solutions(of: puzzle.statements, knights: knights)
  }

  static func solutions(of statements: [Statement], knights: [TruthTable]) -> [Assignment] {
    var fitting = TruthTable.everything.words
    for (person, statement) in statements.enumerated() {
      // Fits: the statement is true exactly where its speaker is a knight.
      fitting &= ~(TruthTable(statement, knights: knights).words ^ knights[person].words)
    }
    let people = statements.count
    return TruthTable(words: fitting).numbers(below: 1 << people).map { Assignment(number: $0, people: people) }
  }

  /// The same by trying every assignment and reading every statement: slow, and obviously right.
  public static func solutionsByTrying(_ puzzle: Puzzle) -> [Assignment] {
    let people = puzzle.names.count
    return (0..<1 << people).map { Assignment(number: $0, people: people) }.filter { assignment in
      (0..<people).allSatisfy { puzzle.statementFits(of: $0, in: assignment) }
    }
  }
}
