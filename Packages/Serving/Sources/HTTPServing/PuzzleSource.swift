// Where the chat page's "Give me a puzzle" button gets its puzzles.
// The app implements it over its puzzle generator; the server only passes questions on.

/// A question whose answer is known.
public struct Puzzle: Sendable, Codable, Hashable {
  /// The question as a person would ask it.
  public var question: String
  /// The right answer, in the form in which a model writes it, for example "Ann knight , Dee knave".
  public var answer: String
  public init(question: String, answer: String) { (self.question, self.answer) = (question, answer) }
}

/// Makes puzzles on demand.
public protocol PuzzleSource: Sendable {
  /// The numbers of people that it can make puzzles about.
  var people: ClosedRange<Int> { get }
  /// A new puzzle at every call. `people` lies within the range above.
  func puzzle(people: Int) async throws -> Puzzle
}
