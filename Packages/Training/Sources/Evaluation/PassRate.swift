// How often sampled answers are right, and how long they are.
import Datasets
import LanguageModels
import Rewards
import Text

/// Accuracy at a temperature over a set of problems.
public struct PassRate: Sendable, Codable, Equatable {
  /// Share of right answers (pass@1 for one sample a problem), 0 to 1.
  public var accuracy: Double
  /// Mean length of answers, in tokens.
  public var meanLength: Double
  /// Share of answers cut off at the token limit.
  public var truncated: Double
  /// Problems that were answered, once each.
  public var answers: Int
  /// Mean total of the rubric over judged answers.
  public var reward: Double

  enum CodingKeys: String, CodingKey {
    case accuracy, truncated, answers, reward
    case meanLength = "mean_length"
  }
}

/// Samples one answer to each of `count` problems and judges it. `accuracy` names the rubric's term that gives 1 to
/// right answers; `answered` hears how many problems are done.
public func measurePassRate(
  of generator: any Generator, on source: any ProblemSource, split: Split = .evaluation, count: Int,
  tokenizer: any Tokenizer, rubric: Rubric, accuracy: String, options: GenerationOptions,
  answered: @Sendable (Int) -> Void = { _ in }
) async throws -> PassRate {
  let problems = try (0..<count).map { try source.problem($0, split: split) }
  let prompts = problems.enumerated().map { index, problem in
    Prompt(tokenizer.encode(problem.prompt, recognizingSpecialTokens: true), request: UInt64(index))
  }
  let completions = try await completions(of: prompts, by: generator, options, answered)
  try Task.checkCancellation()
  let responses = completions.map(Response.init)
  let verdicts = try await rubric.judge(zip(responses, problems).map { Attempt($0, of: $1) })
  let totals = verdicts.compactMap(\.total)
  func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(max(values.count, 1)) }
  return PassRate(
    accuracy: mean(verdicts.map { ($0.parts[accuracy] ?? 0) >= 1 ? 1 : 0 }),
    meanLength: mean(responses.map { Double($0.tokenCount) }),
    truncated: mean(responses.map { $0.isTruncated ? 1 : 0 }),
    answers: count, reward: mean(totals))
}

/// Every prompt is a request of its own, so that each is heard of when it is done; the generator joins them in a batch.
private func completions(
  of prompts: [Prompt], by generator: any Generator, _ options: GenerationOptions, _ answered: @Sendable (Int) -> Void
) async throws -> [Completion] {
  try await withThrowingTaskGroup(of: (Int, [Completion]).self) { group in
    for (index, prompt) in prompts.enumerated() {
      group.addTask { (index, try await generator.complete([prompt], options)) }
    }
    var found = [[Completion]](repeating: [], count: prompts.count)
    var done = 0
    for try await (index, completions) in group {
      found[index] = completions
      done += 1
      answered(done)
    }
    return found.flatMap { $0 }
  }
}

extension Response {
  /// What a reward sees of a completion.
  public init(_ completion: Completion) {
    self.init(
      text: completion.text, tokenCount: completion.tokens.count, isTruncated: completion.finishReason == .length)
  }
}
