// What people in puzzles are called. Short words, so that a small vocabulary holds them whole.

/// Names for puzzles.
public enum PuzzleNames {
  /// Enough for any setting; sources use the first few.
  public static let common = [
    "Ann", "Bob", "Cat", "Dee", "Eve", "Fay", "Gus", "Hal", "Ian", "Joy", "Kim", "Leo", "Mia", "Ned", "Oto", "Pam",
    "Ray", "Sue", "Tom", "Uma", "Val", "Wes", "Yan", "Zoe",
  ]

  /// Words that puzzles are written with, so that no person can have them as a name.
  static let reserved: Set<String> = [
    "a", "an", "and", "differ", "false", "fits", "if", "iff", "is", "kind", "knave", "knight", "my", "not", "or",
    "same",
    "says", "then", "true", "try", "wait",
  ]

  /// Throws `PuzzleError` for names that are not words of letters, that puzzles need for themselves, or that repeat.
  public static func check(_ names: [String]) throws {
    var seen: Set<String> = []
    for name in names {
      guard !name.isEmpty, name.allSatisfy(\.isLetter), !reserved.contains(name.lowercased()) else {
        throw PuzzleError("'\(name)' cannot be the name of a person; a word of letters that puzzles do not use can")
      }
      guard seen.insert(name).inserted else { throw PuzzleError("two people are called '\(name)'; names must differ") }
    }
  }
}
