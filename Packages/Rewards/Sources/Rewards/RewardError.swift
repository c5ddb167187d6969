// What can go wrong while judging. A bad answer is never an error, only a bad judge or a badly wired problem is.

/// A judgement that cannot be used.
public enum RewardError: Error, Equatable, CustomStringConvertible {
  /// A reward gave infinity or not-a-number.
  case notFinite(reward: String, score: String, problem: String)
  /// A problem names a verifier that nobody brought.
  case unknownVerifier(String, problem: String, installed: [String])
  /// Two terms of a rubric with one name.
  case repeatedReward(String)
  /// A weight that is infinite or not a number.
  case badWeight(reward: String, weight: String)

  public var description: String {
    switch self {
    case .notFinite(let reward, let score, let problem):
      return "the reward '\(reward)' scored \(score) for the problem '\(problem)'; a score must be a finite number"
    case .unknownVerifier(let name, let problem, let installed):
      let names = installed.isEmpty ? "none" : installed.joined(separator: ", ")
      return "the problem '\(problem)' names the verifier '\(name)', which is not installed; installed: \(names)"
    case .repeatedReward(let name):
      return "a rubric lists the reward '\(name)' twice; list it once, with the sum of the weights"
    case .badWeight(let reward, let weight):
      return "the reward '\(reward)' has the weight \(weight); a weight must be a finite number"
    }
  }
}
