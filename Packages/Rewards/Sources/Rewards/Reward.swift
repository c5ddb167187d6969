// How good an answer is. A reward scores, abstains, or says that the answer is invalid; it never guesses.

/// A judgement of one response.
public enum Score: Sendable, Hashable {
  /// A finite number; by convention 1 is full marks and 0 is none.
  case score(Double)
  /// This reward has nothing to say about this response; it does not count.
  case abstain(String)
  /// The response is not of the form that this reward reads; counts as 0, and the reason is kept.
  case invalid(String)
}

/// Judges responses. Pure where possible; `async` because judges and sandboxes are not.
/// Must return for any text whatever, never trap, and give the gold answer full marks.
public protocol Reward: Sendable {
  /// Names its part in verdicts and its curve, `rewards/NAME/mean`.
  var name: String { get }
  /// Throws only when it cannot judge, never because an answer is bad.
  func score(_ response: Response, of problem: Problem) async throws -> Score
}
