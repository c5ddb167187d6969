// Writes worked solutions: assignments are tried in a fixed order, every statement is checked against the one at hand,
// and the first that does not fit sends the writer to the next. Each fact is named before it is used, so that every
// word is either a copy of an earlier one or follows from the few before it.
import Tensors

/// A worked solution, right or not.
public struct Trace: Sendable, Hashable {
  /// What goes between `<think>` and `</think>`, with a space before each word.
  public let thinking: String
  /// The assignment it ends with.
  public let answer: Assignment
  /// True when every statement was found to fit; then the answer is right. False when the writer gave up before.
  public let isComplete: Bool
}

/// Writes traces of a puzzle.
public struct TraceWriter: Sendable {
  public let puzzle: Puzzle

  public init(_ puzzle: Puzzle) { self.puzzle = puzzle }

  /// The solution worked to its end.
  public func completeTrace() -> Trace {
    var unused = RandomStream(seed: 0)
    return trace(stoppingBeforeCheckWith: 0, using: &unused)
  }

  /// Stops before any check with the given probability and answers with the assignment at hand.
  public func trace(stoppingBeforeCheckWith probability: Double, using stream: inout RandomStream) -> Trace {
    let people = puzzle.names.count
    var words: [String] = []
    var assignment = Assignment(number: 0, people: people)
    for number in 0..<1 << people {
      assignment = Assignment(number: number, people: people)
      words += ["try", PuzzleText.answer(assignment, names: puzzle.names), "."]
      var fits = true
      for person in 0..<people {
        if stream.chance(probability) { return trace(words, assignment, isComplete: false) }
        words += check(of: person, in: assignment)
        fits = puzzle.statementFits(of: person, in: assignment)
        if !fits { break }
      }
      if fits { return trace(words, assignment, isComplete: true) }
    }
    return trace(words, assignment, isComplete: false)
  }

  private func trace(_ words: [String], _ answer: Assignment, isComplete: Bool) -> Trace {
    Trace(thinking: words.map { " \($0)" }.joined(), answer: answer, isComplete: isComplete)
  }

  /// The question, a trace and its answer: what a base model is trained on.
  public func document(_ trace: Trace) -> String {
    let answer = PuzzleText.answer(trace.answer, names: puzzle.names)
    return "\(PuzzleText.prompt(puzzle))\(trace.thinking)</think><answer> \(answer)</answer>"
  }

  /// `Ann says Bob is a knave ; Bob Bob=knight false ; Ann Ann=knight wait .`
  private func check(of person: Int, in assignment: Assignment) -> [String] {
    let statement = puzzle.statements[person]
    let verdict = puzzle.statementFits(of: person, in: assignment) ? "fits" : "wait"
    let said = [PuzzleText.compactSentence(puzzle, person), ";"]
    let speaker = lookUp(person, in: assignment)
    if let other = comparedPerson(in: statement, by: person) {
      let comparison = assignment.isKnight[other] == assignment.isKnight[person] ? "same" : "differ"
      let truth = "\(statement.holds(in: assignment))"
      return said + lookUp(other, in: assignment) + [";"] + speaker + [comparison, truth, verdict, "."]
    }
    return said + evaluation(of: statement, in: assignment) + [";"] + speaker + [verdict, "."]
  }

  /// The other person, when the statement is "X is my kind" or "X is not my kind".
  private func comparedPerson(in statement: Statement, by speaker: Int) -> Int? {
    switch statement {
    case .iff(.tellingTruth(let other), .tellingTruth(speaker)) where other != speaker: other
    case .not(.iff(.tellingTruth(let other), .tellingTruth(speaker))) where other != speaker: other
    case .tellingTruth, .lying, .not, .and, .or, .implies, .iff: nil
    }
  }

  /// Looks up every leaf and says whether it holds, then every connective, inside out.
  private func evaluation(of statement: Statement, in assignment: Assignment) -> [String] {
    func evaluated(_ parts: [Statement], _ connective: String) -> [String] {
      parts.flatMap { evaluation(of: $0, in: assignment) + [";"] } + [connective, "\(statement.holds(in: assignment))"]
    }
    switch statement {
    case .tellingTruth(let person), .lying(let person):
      return lookUp(person, in: assignment) + ["\(statement.holds(in: assignment))"]
    case .not(let part): return evaluated([part], "not")
    case .and(let parts): return evaluated(parts, "and")
    case .or(let parts): return evaluated(parts, "or")
    case .implies(let premise, let conclusion): return evaluated([premise, conclusion], "then")
    case .iff(let a, let b): return evaluated([a, b], "iff")
    }
  }

  /// The name, then the word that the latest try has for it: a copy that a small model learns first.
  private func lookUp(_ person: Int, in assignment: Assignment) -> [String] {
    Self.lookUp(person, in: assignment, names: puzzle.names)
  }

  static func lookUp(_ person: Int, in assignment: Assignment, names: [String]) -> [String] {
    [names[person], "\(names[person])=\(assignment.kind(of: person).rawValue)"]
  }
}
