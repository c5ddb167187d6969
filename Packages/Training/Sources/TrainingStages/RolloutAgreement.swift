// Whether a token is trained with the log-probability that it was sampled with: GRPO's own rollouts and its own step,
// without asking any reward.
import Datasets
import LanguageModels
import ProcessGraph
import Text

/// How the log-probabilities of sampled answers compare with those that the training pass computes.
public struct RolloutAgreement: Sendable, Equatable {
  /// Steps that the policy had taken when it was sampled.
  public let step: Int
  public let answers: Int
  /// Tokens of all answers; each is compared.
  public let tokens: Int
  /// Tokens that are trained with another log-probability.
  public let mismatches: Int
  /// The largest |log p trained − log p sampled|.
  public let largestDifference: Double
  /// Choices of experts, one for each token and routed layer, in which training would have differed from sampling; the
  /// share of all that were replayed, and the answers for which the generator reported none. 0 without replay.
  public let differingChoices: Int
  public let differingShare: Double
  public let unreportedAnswers: Int
}

extension GRPO {
  /// Samples answers as the stage does, compares them with its training pass, and takes its step; `rounds` times, so
  /// that the generator is seen with weights that have just moved, too. Answers are praised and blamed in turn.
  /// Each rollout has one update, whatever the plan says: a second one starts from other weights.
  public func rolloutAgreement(
    from base: CheckpointArtifact, rounds: Int = 2, in context: RunContext
  ) async throws -> [RolloutAgreement] {
    var plan = plan
    (plan.updatesPerRollout, plan.steps, plan.mismatchLimit) = (1, max(plan.steps, rounds), nil)
    let stage = try GRPO(plan, rollouts: shared)
    let session = try Session(stage, base, context)
    var state = session.freshState()
    var found: [RolloutAgreement] = []
    while state.step < rounds {
      try await session.worker.generator.adopt(state.model)
      let first = state.step * plan.promptsPerStep
      let numbers = first..<first + plan.promptsPerStep
      let problems = try numbers.map { try session.problems.problem($0, split: .train) }
      let (prompts, completions) = try await session.worker.sample(problems, step: state.step + 1)
      var batch = RolloutBatch()
      batch.answers = completions.enumerated().map { index, completion in
        JudgedAnswer(
          prompt: prompts[index / plan.groupSize], answer: completion.tokens, advantage: index % 2 == 0 ? 1 : -1,
          sampled: completion.logProbabilities, experts: session.worker.replayed == nil ? nil : completion.experts)
      }
      batch.judgedAnswers = batch.answers.count
      batch.judgedTokens = batch.answers.reduce(0) { $0 + $1.answer.count }
      var outcome = try stage.update(&state, &batch, session)
      let verdict = StepVerdict(&outcome, of: name, on: numbers.listed("problem"), &state, DivergenceSettings())
      try verdict.stopUnlessSkipped(noting: context.progress)
      state.step += 1
      found.append(RolloutAgreement(outcome, batch, step: state.step - 1))
      context.progress.report(
        stage: name, done: state.step, of: rounds, unit: "step", detail: "\(batch.judgedTokens) tokens compared")
    }
    return found
  }
}

extension RolloutAgreement {
  /// Takes over what GRPO counted. Every answer has an advantage, so every token was compared.
  init(_ outcome: StepOutcome, _ batch: RolloutBatch, step: Int) {
    (self.step, answers, tokens) = (step, batch.judgedAnswers, batch.judgedTokens)
    mismatches = Int(outcome.figures["mismatch/count", default: Double(batch.judgedTokens)])
    largestDifference = outcome.figures["mismatch/max", default: .infinity]
    differingChoices = Int(outcome.figures["replay/count", default: 0])
    differingShare = outcome.figures["replay/share", default: 0]
    unreportedAnswers = Int(outcome.figures["replay/unreported", default: 0])
  }
}
