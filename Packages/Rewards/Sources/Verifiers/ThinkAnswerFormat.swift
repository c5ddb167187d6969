// The format reward of R1-Zero: first think, then answer, each in its tags and nothing besides.
import Rewards

/// 1 for a response of the form thinking `</think>` `<answer>` answer `</answer>`; anything else is invalid.
/// The opening `<think>` may stand at the end of the prompt or once at the start of the response.
public struct ThinkAnswerFormat: Reward {
  public let name = "format"
  public init() {}
  public func score(_ response: Response, of problem: Problem) -> Score {
    do {
      _ = try TagReader(response.text).sections()
      return .score(1)
    } catch {
      return .invalid(error.description)
    }
  }
}
