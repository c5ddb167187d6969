// What people say about each other: the grammar of Logic-RL (Xie et al. 2025), with its meaning.
// People are numbers here; names come in where a puzzle becomes text.

/// Something that is true or false once everybody's kind is known.
public indirect enum Statement: Sendable, Hashable, Codable {
  /// This person is a knight.
  case tellingTruth(Int)
  /// This person is a knave.
  case lying(Int)
  case not(Statement)
  /// True when all are; of nothing, true.
  case and([Statement])
  /// True when one is; of nothing, false.
  case or([Statement])
  case implies(Statement, Statement)
  case iff(Statement, Statement)

  /// `person` and `speaker` are both knights or both knaves: "X is my kind".
  public static func sameKind(_ person: Int, as speaker: Int) -> Statement {
    .iff(.tellingTruth(person), .tellingTruth(speaker))
  }

  /// Whether it is true of these people.
  public func holds(in assignment: Assignment) -> Bool {
    switch self {
    case .tellingTruth(let person): assignment.isKnight[person]
    case .lying(let person): !assignment.isKnight[person]
    case .not(let statement): !statement.holds(in: assignment)
    case .and(let statements): statements.allSatisfy { $0.holds(in: assignment) }
    case .or(let statements): statements.contains { $0.holds(in: assignment) }
    case .implies(let premise, let conclusion): !premise.holds(in: assignment) || conclusion.holds(in: assignment)
    case .iff(let a, let b): a.holds(in: assignment) == b.holds(in: assignment)
    }
  }

  /// Everybody it speaks of, by first mention, repetitions kept.
  public var people: [Int] {
    switch self {
    case .tellingTruth(let person), .lying(let person): [person]
    case .not(let statement): statement.people
    case .and(let statements), .or(let statements): statements.flatMap(\.people)
    case .implies(let a, let b), .iff(let a, let b): a.people + b.people
    }
  }
}
