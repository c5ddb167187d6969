// How long the parts of a GRPO step take: the stage's own sampling, judging and update with a clock around each, on a
// policy that need not know anything.
import Datasets
import LanguageModels
import ProcessGraph
import Text

/// The parts of a GRPO step, in their order.
public enum GRPOPart: Sendable, CaseIterable { case rollout, judging, update }

/// What one GRPO step took.
public struct GRPOStepTiming: Sendable, Equatable {
  public let answers: Int
  /// Tokens of all prompts, each counted once.
  public let promptTokens: Int
  /// Tokens of all answers.
  public let generatedTokens: Int
  /// Tokens that went forward and back: prompts and answers of the groups that teach something.
  public let trainedTokens: Int
  /// Seconds of sampling, judging and updating.
  public let rollout: Double
  public let judging: Double
  public let update: Double
  public var total: Double { rollout + judging + update }
}

/// A policy that takes GRPO's steps and times them. Verdicts are computed and set aside: every second group is taken for
/// one whose answers are equally good, and in the others answers are praised and blamed in turn.
public struct TimedGRPO {
  private let stage: GRPO
  private let session: GRPO.Session
  private let progress: any ProgressReporter
  private var state: TrainerState

  /// Starts from `base`; `rollouts` samples, or a generator of the plan's kind.
  public init(
    _ plan: GRPOSettings, rollouts: (any Generator)? = nil, from base: CheckpointArtifact, in context: RunContext
  ) throws {
    stage = try GRPO(plan, rollouts: rollouts)
    session = try GRPO.Session(stage, base, context)
    state = session.freshState()
    progress = context.progress
  }

  /// The next step. `begins` hears of each part before its clock starts.
  public mutating func step(_ begins: (GRPOPart) -> Void = { _ in }) async throws -> GRPOStepTiming {
    let (plan, worker) = (stage.plan, session.worker)
    let first = state.step * plan.promptsPerStep
    let numbers = first..<first + plan.promptsPerStep
    let problems = try numbers.map { try session.problems.problem($0, split: .train) }
    begins(.rollout)
    var began = ContinuousClock.now
    try await worker.generator.adopt(state.model)
    let (prompts, completions) = try await worker.sample(problems, step: state.step + 1)
    let rollout = (ContinuousClock.now - began).seconds
    begins(.judging)
    began = .now
    for (p, problem) in problems.enumerated() {
      _ = try await worker.judge(Array(completions[p * plan.groupSize..<(p + 1) * plan.groupSize]), problem)
    }
    let judging = (ContinuousClock.now - began).seconds
    var batch = RolloutBatch()
    batch.judgedAnswers = completions.count
    batch.judgedTokens = completions.reduce(0) { $0 + $1.tokens.count }
    batch.answers = completions.enumerated().compactMap { index, completion in
      guard index / plan.groupSize % 2 == 0 else { return nil }
      return JudgedAnswer(
        prompt: prompts[index / plan.groupSize], answer: completion.tokens, advantage: index % 2 == 0 ? 1 : -1,
        sampled: completion.logProbabilities)
    }
    begins(.update)
    began = .now
    var outcome = try stage.update(&state, &batch, session)
    let update = (ContinuousClock.now - began).seconds
    let verdict = StepVerdict(
      &outcome, of: stage.name, on: numbers.listed("problem"), &state, DivergenceSettings())
    try verdict.stopUnlessSkipped(noting: progress)
    state.step += 1
    return GRPOStepTiming(
      answers: completions.count, promptTokens: prompts.reduce(0) { $0 + $1.count },
      generatedTokens: batch.judgedTokens,
      trainedTokens: batch.answers.reduce(0) { $0 + $1.prompt.count + $1.answer.count - 1 }, rollout: rollout,
      judging: judging, update: update)
  }
}
