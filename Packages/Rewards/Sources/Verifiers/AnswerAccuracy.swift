// The accuracy reward of R1-Zero: whether the answer is right, whatever was thought before.
import Rewards

/// What the problem's verifier says of the one `<answer>` section. Responses without one, and responses that ran into
/// the token limit, are invalid.
public struct AnswerAccuracy: ComparingReward {
  public let name = "accuracy"
  private let verifiers: VerifierSet

  public init(verifiers: VerifierSet = VerifierSet()) { self.verifiers = verifiers }

  public func comparing(with verifiers: VerifierSet) -> any Reward { AnswerAccuracy(verifiers: verifiers) }

  /// Throws only when the problem names a verifier that is not there.
  public func score(_ response: Response, of problem: Problem) throws -> Score {
    let verifier = try verifiers.verifier(of: problem)
    guard !response.isTruncated else { return .invalid("the response was cut off at \(response.tokenCount) tokens") }
    do {
      return verifier.verify(try TagReader(response.text).answer(), against: problem)
    } catch {
      return .invalid("\(error)")
    }
  }
}
