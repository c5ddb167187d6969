// The simplest verifier: the answer is the reference, up to the space around and between words.
import Rewards

/// 1 when answer and reference are the same words in the same order, else 0. An answer without words is invalid.
public struct ExactMatch: Verifier {
  public init() {}
  public func verify(_ answer: String, against problem: Problem) -> Score {
    let words = answer.utf8.split(whereSeparator: Self.isSpace)
    guard !words.isEmpty else { return .invalid("the answer is empty") }
    let wanted = problem.answer.utf8.split(whereSeparator: Self.isSpace)
    return .score(words.elementsEqual(wanted, by: { $0.elementsEqual($1) }) ? 1 : 0)
  }
  private static func isSpace(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || (9...13).contains(byte) }
}
