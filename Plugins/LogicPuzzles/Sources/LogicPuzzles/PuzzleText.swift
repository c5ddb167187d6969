// How puzzles and answers are written: compactly, one word per token, for small models, and in English for people.

/// Which words a puzzle is put into.
public enum Wording: String, Sendable, Hashable, Codable, CaseIterable {
  /// `Ann says Bob is a knave . Bob says Ann is my kind`
  case compact
  /// Whole sentences, with the rules and the question.
  case english
}

/// Writes puzzles.
public enum PuzzleText {
  /// How a question is put to a model trained on the worked solutions; the model goes on with ` try …`.
  /// Tags are tokens of their own and have no space before them; words have one.
  public static let promptTemplate = "Q: {question}\nA:<think>"
  static let placeholder = "{question}"

  /// The puzzle as a question.
  public static func question(_ puzzle: Puzzle, _ wording: Wording = .compact) -> String {
    switch wording {
    case .compact:
      return puzzle.names.indices.map { compactSentence(puzzle, $0) }.joined(separator: " . ")
    case .english:
      let people = puzzle.names.dropLast().joined(separator: ", ") + " and \(puzzle.names.last ?? "")"
      let said = puzzle.names.indices.map { person in
        "\(puzzle.names[person]) says: \"\(statement(of: person, in: puzzle, .english)).\""
      }
      return "On an island live only knights, who always tell the truth, and knaves, who always lie. "
        + "You meet \(puzzle.names.count) of them: \(people). \(said.joined(separator: " ")) "
        + "Who is a knight and who is a knave?"
    }
  }

  /// The question in its template: what a model continues.
  public static func prompt(_ puzzle: Puzzle, _ wording: Wording = .compact) -> String {
    promptTemplate.replacing(placeholder, with: question(puzzle, wording))
  }

  /// `Ann=knight Bob=knave`, or `Ann is a knight and Bob is a knave`. `AssignmentVerifier` reads both.
  public static func answer(_ assignment: Assignment, names: [String], _ wording: Wording = .compact) -> String {
    let kinds = zip(names, assignment.isKnight.indices).map { ($0, assignment.kind(of: $1).rawValue) }
    return switch wording {
    case .compact: kinds.map { "\($0)=\($1)" }.joined(separator: " ")
    case .english: kinds.map { "\($0) is a \($1)" }.joined(separator: " and ")
    }
  }

  /// `Ann says Bob is a knave`
  static func compactSentence(_ puzzle: Puzzle, _ person: Int) -> String {
    "\(puzzle.names[person]) says \(statement(of: person, in: puzzle, .compact))"
  }

  private static func statement(of person: Int, in puzzle: Puzzle, _ wording: Wording) -> String {
    Phrase(wording: wording, names: puzzle.names, speaker: person)(puzzle.statements[person])
  }
}

/// Puts the statement of one speaker into words. Parts that have parts themselves stand in parentheses.
private struct Phrase {
  let wording: Wording
  let names: [String]
  let speaker: Int

  func callAsFunction(_ statement: Statement) -> String {
    switch statement {
    case .tellingTruth(let person): return "\(names[person]) is a knight"
    case .lying(let person): return "\(names[person]) is a knave"
    case .iff(.tellingTruth(let person), .tellingTruth(speaker)) where person != speaker:
      return "\(names[person]) is my kind"
    case .not(.iff(.tellingTruth(let person), .tellingTruth(speaker))) where person != speaker:
      return "\(names[person]) is not my kind"
    case .not(let part): return (wording == .compact ? "not " : "it is not true that ") + operand(part)
    case .and(let parts): return parts.map(operand).joined(separator: " and ")
    case .or(let parts): return parts.map(operand).joined(separator: " or ")
    case .implies(let premise, let conclusion):
      return "if \(operand(premise))\(wording == .compact ? " then " : ", then ")\(operand(conclusion))"
    case .iff(let a, let b):
      return "\(operand(a)) \(wording == .compact ? "iff" : "if and only if") \(operand(b))"
    }
  }

  private func operand(_ part: Statement) -> String {
    switch part {
    case .tellingTruth, .lying: self(part)
    case .not, .and, .or, .implies, .iff: wording == .compact ? "( \(self(part)) )" : "(\(self(part)))"
    }
  }
}
