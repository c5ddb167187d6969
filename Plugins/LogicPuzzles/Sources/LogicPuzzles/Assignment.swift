// Who is what. Assignments are numbered, so that "try the next" has one meaning everywhere.

/// The two kinds of people.
public enum Kind: String, Sendable, Hashable, Codable, CaseIterable {
  case knight
  case knave
}

/// A kind for everybody. Number 0 makes everybody a knight; counting up, the last person changes first.
public struct Assignment: Sendable, Hashable, Codable {
  /// By person, in the order of the puzzle's names.
  public var isKnight: [Bool]

  public init(_ isKnight: [Bool]) { self.isKnight = isKnight }

  /// Assignment `number` of 2^people: binary digits, the first person's the highest, 1 for a knave.
  public init(number: Int, people: Int) {
    isKnight = (0..<people).map { number >> (people - 1 - $0) & 1 == 0 }
  }

  /// Its number in the order of trying.
  public var number: Int { isKnight.reduce(0) { $0 << 1 | ($1 ? 0 : 1) } }

  public func kind(of person: Int) -> Kind { isKnight[person] ? .knight : .knave }
}
