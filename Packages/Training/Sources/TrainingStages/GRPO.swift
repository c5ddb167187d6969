// Group relative policy optimization from a base model, as R1-Zero was grown (DeepSeek-R1, section 2.2).
import Checkpoints
import Datasets
import Evaluation
import Foundation
import LanguageModels
import Layers
import Optimizers
import Plugins
import ProcessGraph
import Recipes
import Rewards
import Tensors
import Text

/// Samples groups of answers, judges them, and moves the policy towards the better ones of each group.
public struct GRPO: Stage {
  public let name = "grpo"
  public let settings: ConfigTree
  let plan: GRPOSettings
  /// A generator shared with others (a server, say); nil to make one of the plan's kind.
  let shared: (any Generator)?

  /// `rollouts` is a generator that others use too, a server say; without one the plan's own is made.
  public init(_ plan: GRPOSettings, rollouts: (any Generator)? = nil) throws {
    (self.plan, settings, shared) = (plan, try ConfigTree(encoding: plan), rollouts)
  }

  public func check(in registry: Registry, at path: String) throws {
    _ = try plan.problems.make(from: registry.problems, at: "\(path).problems")
    _ = try plan.evaluationProblems?.make(from: registry.problems, at: "\(path).evaluationProblems")
    let rubric = try Rubric(RubricSettings(plan.rewards), from: registry, at: path)
    let names = rubric.terms.map(\.reward.name)
    guard plan.evaluateEvery == 0 || names.contains(plan.accuracyReward) else {
      throw ConfigError(
        path: "\(path).accuracyReward",
        problem: "is '\(plan.accuracyReward)', which is none of the rewards: \(names.joined(separator: ", "))")
    }
    if shared == nil { try registry.generators.require(plan.generator, at: "\(path).generator") }
  }

  public func run(_ base: CheckpointArtifact, in context: RunContext) async throws -> CheckpointArtifact {
    let textFiles = TextFiles(from: base.directory)
    let session = try Session(self, base, context)
    var state = session.freshState()
    if try state.resume(from: context.directory, context.registry, on: context.device) {
      context.progress.note("\(name): continuing after step \(state.step)")
    }
    try await context.recorder.rewind(stage: name, to: state.step)
    let (began, before) = (ContinuousClock.now, state.seconds)
    if state.step == 0, let figures = try await evaluate(session, state) {
      try await context.recorder.record(StepRecord(stage: name, step: 0, seconds: 0, values: figures))
    }
    while state.step < plan.steps {
      try state.stopIfCancelled(in: context.directory, textFiles: textFiles)
      try await session.worker.generator.adopt(state.model)
      let first = state.step * plan.promptsPerStep
      let numbers = first..<first + plan.promptsPerStep
      let problems = try numbers.map { try session.problems.problem($0, split: .train) }
      var rollouts = try await session.worker.rollOut(problems, step: state.step + 1)
      var outcome = try update(&state, &rollouts, session)
      let verdict = StepVerdict(&outcome, of: name, on: numbers.listed("problem"), &state, plan.divergence)
      state.step += 1
      let isLast = state.step == plan.steps
      var figures = rollouts.figures.merging(outcome.figures, uniquingKeysWith: { first, _ in first })
      if verdict.goesOn, isLast || plan.evaluateEvery > 0 && state.step % plan.evaluateEvery == 0 {
        figures.merge(try await evaluate(session, state) ?? [:], uniquingKeysWith: { first, _ in first })
      }
      state.seconds = before + (ContinuousClock.now - began).seconds
      try await report(outcome, verdict, figures, rollouts, state, context)
      if state.step % plan.saveEvery == 0 || isLast {
        try verdict.requireFinite(state)
        try state.save(in: context.directory, textFiles: textFiles)
      }
    }
    let result = "\(context.directory)/final"
    try state.publish(as: result, textFiles: textFiles)
    return CheckpointArtifact(
      directory: result, fingerprint: try Fingerprint.sha256(file: "\(result)/model.safetensors"))
  }

  /// What stays the same over the whole stage.
  struct Session {
    let base: any LanguageModel
    let worker: RolloutWorker
    let problems: any ProblemSource
    let heldOut: any ProblemSource
    let plan: GRPOSettings

    init(_ stage: GRPO, _ input: CheckpointArtifact, _ context: RunContext) throws {
      plan = stage.plan
      let directory = ModelDirectory(input.directory)
      base = try directory.model(context.registry, on: context.device).computing(in: plan.precision)
      try base.requireTrainableWeights()
      let tokenizer = try directory.tokenizer()
      problems = try plan.problems.make(from: context.registry.problems, at: "problems")
      heldOut =
        try plan.evaluationProblems.map {
          try $0.make(from: context.registry.problems, at: "evaluationProblems")
        } ?? problems
      let generator =
        try stage.shared
        ?? context.registry.generators.make(plan.generator)
        .make(base, tokenizer, plan.promptsPerStep * plan.groupSize, plan.attentionForm)
      worker = RolloutWorker(
        plan: plan, stage: stage.name, tokenizer: tokenizer,
        rubric: try Rubric(RubricSettings(plan.rewards), from: context.registry), generator: generator,
        replayed: plan.replayExperts ? base.expertLayout : nil)
    }
    func freshState() -> TrainerState {
      TrainerState(
        model: base,
        optimizer: Optimizer(
          plan.optimizer, for: base, isHiddenMatrix: base.isHiddenMatrix, moments: base.precision.moments),
        cursor: Cursor(seed: UInt64(bitPattern: Int64(plan.seed))))
    }
  }

  /// `updatesPerRollout` steps on the answers of one rollout, up to the first that is not finite.
  func update(_ state: inout TrainerState, _ rollouts: inout RolloutBatch, _ session: Session) throws
    -> StepOutcome
  {
    if plan.beta > 0 { addReference(&rollouts.answers, session.base) }
    let (tokens, count) = (rollouts.judgedTokens, rollouts.judgedAnswers)
    func weight(_ answer: JudgedAnswer) -> Double {
      plan.normalization == .token ? 1 / Double(tokens) : 1 / Double(answer.answer.count * count)
    }
    let parts = split(rollouts.answers).map { PolicyBatch($0, weight: weight) }
    let multiplier = plan.optimizer.schedule.multiplier(step: state.step, of: plan.steps)
    let options = plan.objective.options(recomputing: plan.recompute ?? .usual(in: plan.precision))
    var (outcome, figures) = (StepOutcome(), PolicyFigures())
    for number in 0..<plan.updatesPerRollout {
      figures = figures.next
      outcome = takeStep(&state, parts: parts, options: options, multiplier: multiplier) { model, part in
        let pass = model.trainingPass(part.batch, targets: part.targets, options)
        let policy = policyLoss(pass.logProbabilities, part, clipRange: plan.clipRange, beta: plan.beta)
        let share = Float(part.batch.tokens.count) / Float(parts.reduce(0) { $0 + $1.batch.tokens.count })
        return PartLoss(pass: pass, loss: pass.auxiliaryLoss.map { policy + $0 * share } ?? policy, figures: [:])
      } observe: { result, part in
        figures.add(result.pass.logProbabilities.detached().floats(), part, clipRange: plan.clipRange)
        figures.add(result.pass.replay)
      }
      if outcome.place != nil { break }
      if number == 0 { try figures.checkMismatch(limit: plan.mismatchLimit, stage: name, step: state.step + 1) }
    }
    outcome.figures.merge(figures.named(beta: plan.beta), uniquingKeysWith: { first, _ in first })
    if session.worker.replayed != nil {
      let unreported = rollouts.answers.count { $0.experts == nil }
      outcome.figures.merge(figures.ofReplay(unreported: unreported), uniquingKeysWith: { first, _ in first })
    }
    outcome.figures["learning_rate"] = plan.optimizer.learningRate * multiplier
    return outcome
  }

  /// log π_ref of every answer token, under the frozen base and its own choice of experts.
  private func addReference(_ answers: inout [JudgedAnswer], _ base: any LanguageModel) {
    var start = 0
    for part in split(answers) {
      let batch = PolicyBatch(part, replaysExperts: false) { _ in 1 }
      let logp = base.trainingPass(batch.batch, targets: batch.targets, TrainingOptions()).logProbabilities.floats()
      var end = 0
      for (i, answer) in part.enumerated() {
        end += answer.prompt.count + answer.answer.count - 1
        answers[start + i].reference = Array(logp[end - answer.answer.count..<end])
      }
      start += part.count
    }
  }

  /// Consecutive answers in parts of at most `microBatchTokens`.
  private func split(_ answers: [JudgedAnswer]) -> [[JudgedAnswer]] {
    var (parts, part, used) = ([[JudgedAnswer]](), [JudgedAnswer](), 0)
    for answer in answers {
      let size = answer.prompt.count + answer.answer.count - 1
      if used + size > plan.microBatchTokens && !part.isEmpty {
        parts.append(part)
        (part, used) = ([], 0)
      }
      part.append(answer)
      used += size
    }
    return part.isEmpty ? parts : parts + [part]
  }

  private func report(
    _ outcome: StepOutcome, _ verdict: StepVerdict, _ figures: [String: Double], _ rollouts: RolloutBatch,
    _ state: TrainerState, _ context: RunContext
  ) async throws {
    var values = figures
    (values["loss"], values["grad_norm"]) = (outcome.loss, outcome.gradientNorm)
    try await context.recorder.record(StepRecord(stage: name, step: state.step, seconds: state.seconds, values: values))
    try await context.recorder.record(rollouts.records)
    try verdict.stopUnlessSkipped(noting: context.progress)
    let reward = String(format: "%.2f", values["reward"] ?? 0)
    let length = Int((values["completions/mean_length"] ?? 0).rounded())
    let heldOut = values["eval/accuracy"].map { String(format: " · held out %.0f %%", 100 * $0) } ?? ""
    context.progress.report(
      stage: name, done: state.step, of: plan.steps, unit: "step",
      detail: "reward \(reward) · \(length) tokens an answer\(heldOut)")
  }

  /// Accuracy on held-out problems at the rollouts' temperature, to be recorded beside the step's other figures; nil
  /// when the plan asks for none.
  private func evaluate(_ session: Session, _ state: TrainerState) async throws -> [String: Double]? {
    guard plan.evaluateEvery > 0 else { return nil }
    try await session.worker.generator.adopt(state.model)
    var options = GenerationOptions()
    (options.maxTokens, options.temperature) = (plan.maxTokens, plan.temperature)
    options.seed = UInt64(bitPattern: Int64(plan.seed)) ^ 0xE7A1
    let rate = try await measurePassRate(
      of: session.worker.generator, on: session.heldOut, count: plan.evaluationCount,
      tokenizer: session.worker.tokenizer, rubric: session.worker.rubric, accuracy: plan.accuracyReward,
      options: options)
    return ["eval/accuracy": rate.accuracy, "eval/mean_length": rate.meanLength, "eval/reward": rate.reward]
  }
}

extension PolicyFigures {
  /// By TRL's names, and the project's own count of log-probabilities that training saw differently from sampling.
  func named(beta: Double) -> [String: Double] {
    let count = Double(max(tokens, 1))
    var figures = [
      "clip_ratio": Double(clipped) / count, "entropy_estimate": negativeLogLikelihood / count,
      "mismatch/count": Double(mismatches), "mismatch/max": largestMismatch,
    ]
    if beta > 0 { figures["kl"] = divergence / count }
    return figures
  }

  /// How the experts of the rollouts compare with those that the trained policy would have chosen, in the first update
  /// and in the last; `unreported` answers came without and were trained with the policy's own choice.
  func ofReplay(unreported: Int) -> [String: Double] {
    [
      "replay/count": Double(firstReplay.disagreements), "replay/share": firstReplay.share,
      "replay/last_share": replay.share, "replay/unreported": Double(unreported),
    ]
  }
}
