// What a verification found: figures as JSON, and the sentence that says what differs.
import LanguageModels
import TrainingStages

/// The figures of `fathom verify`, as `--json` prints them.
struct VerifyReport: Encodable, Sendable {
  let recipe: String
  let documents: Int
  let tokens: Int
  let threads: Int
  let tolerance = StepDifference.tolerance
  let holds: Bool
  let loss: Loss
  let resume: Resume
  /// Absent when the recipe has no stage of GRPO.
  let rollouts: Rollouts?

  init(
    recipe: String, documents: Int, tokens: Int, threads: Int, loss: Loss, resume: Resume, rollouts: Rollouts?
  ) {
    (self.recipe, self.documents, self.tokens, self.threads) = (recipe, documents, tokens, threads)
    (self.loss, self.resume, self.rollouts) = (loss, resume, rollouts)
    holds = loss.arrangements.allSatisfy(\.holds) && resume.holds && rollouts?.rounds.allSatisfy(\.holds) ?? true
  }

  /// What does not hold, in one sentence with the first of each kind; nil when everything does.
  var difference: String? {
    if holds { return nil }
    let (rows, rounds) = (loss.arrangements.filter { !$0.holds }, (rollouts?.rounds ?? []).filter { !$0.holds })
    var found: [String] = []
    if let first = rows.first {
      let others = rows.count > 1 ? " and \(rows.count - 1) more of \(loss.arrangements.count) arrangements" : ""
      found.append("the step as \(first.name)\(others) (\(first.finding))")
    }
    if !resume.holds { found.append("the resumed run (\(resume.finding))") }
    if let first = rounds.first {
      found.append(
        "rollouts (\(first.mismatches) of \(first.tokens) tokens are trained with another log-probability, and "
          + "\(first.differingChoices) choices of experts differ)")
    }
    return "\(recipe) does not compute what docs/exactness.md promises: \(found.joined(separator: "; "))"
  }
}

extension VerifyReport {
  /// One step over the same rows in every arrangement.
  struct Loss: Encodable, Sendable {
    /// The node whose settings were taken.
    let stage: String
    let rows: Int
    let tokens: Int
    /// The arrangement that the others are held against.
    let reference: String
    let loss: Double
    let gradientNorm: Double
    let gradients: String
    private(set) var arrangements: [Row] = []

    init(_ stage: String, _ table: LossInvariance, _ reference: StepMeasure, named name: String) {
      (self.stage, rows, self.reference) = (stage, table.rows.count, name)
      tokens = table.rows.reduce(0) { $0 + $1.count }
      (loss, gradientNorm, gradients) = (reference.loss, reference.gradientNorm, reference.gradients)
    }

    /// Another arrangement, or with `threads` the same one on another number of threads.
    mutating func add(
      _ arrangement: RowArrangement, _ measure: StepMeasure, against reference: StepMeasure, threads: Int? = nil
    ) {
      let difference = StepDifference(reference, measure)
      arrangements.append(
        Row(
          arrangement: arrangement.name, threads: threads, parts: arrangement.parts.count,
          targets: difference.tokens, differingTokens: difference.differingTokens, loss: measure.loss,
          lossDifference: difference.loss, gradientNorm: measure.gradientNorm,
          gradientNormDifference: difference.gradientNorm, hasEqualGradients: difference.hasEqualGradients,
          holds: threads == nil ? difference.isInvariant : difference.isNone))
    }
  }

  /// One arrangement. Differences are relative.
  struct Row: Encodable, Sendable {
    let arrangement: String
    /// How many threads computed it, where that is what was compared.
    let threads: Int?
    let parts: Int
    let targets: Int
    let differingTokens: Int
    let loss: Double
    let lossDifference: Double
    let gradientNorm: Double
    let gradientNormDifference: Double
    let hasEqualGradients: Bool
    let holds: Bool

    var name: String { threads.map { "\(arrangement), \($0) thread\($0 == 1 ? "" : "s")" } ?? arrangement }
    var finding: String {
      "\(differingTokens) of \(targets) log-probabilities differ, the loss by \(Figures.short(lossDifference)), the "
        + "gradient norm by \(Figures.short(gradientNormDifference))"
    }
  }

  /// A run without a stop and one with.
  struct Resume: Encodable, Sendable {
    let stage: String
    let steps: Int
    let stoppedAfter: Int
    let halfway: ResumeProof.Digest
    let straight: ResumeProof.Digest
    let resumed: ResumeProof.Digest
    let holds: Bool

    init(_ stage: String, _ proof: ResumeProof, steps: Int) {
      (self.stage, self.steps, stoppedAfter) = (stage, steps, proof.stoppedAfter)
      (halfway, straight, resumed) = (proof.halfway, proof.straight, proof.resumed)
      holds = proof.holds
    }

    /// Weights that do not move are equal whatever the stop has lost.
    var hasLearnt: Bool { halfway.weights != straight.weights }
    var finding: String {
      if straight.weights != resumed.weights { return "other weights" }
      return straight.optimizer != resumed.optimizer ? "other moments" : "no weight moved after the stop"
    }
  }

  /// Sampled against trained log-probabilities.
  struct Rollouts: Encodable, Sendable {
    struct Round: Encodable, Sendable {
      /// Steps of GRPO before the rollout.
      let step: Int
      let answers: Int
      let tokens: Int
      let mismatches: Int
      let largestDifference: Double
      /// Choices of experts that training would have made in another way, and answers that came without any.
      let differingChoices: Int
      let unreportedAnswers: Int
      let holds: Bool
    }
    let stage: String
    let attentionForm: String
    /// Whether the form promises equal bits: the absorbed one rounds differently.
    let isPromised: Bool
    let rounds: [Round]

    init(_ stage: String, _ found: [RolloutAgreement], form: AttentionForm) {
      let isPromised = form == .textbook
      (self.stage, attentionForm, self.isPromised) = (stage, form.rawValue, isPromised)
      rounds = found.map {
        Round(
          step: $0.step, answers: $0.answers, tokens: $0.tokens, mismatches: $0.mismatches,
          largestDifference: $0.largestDifference, differingChoices: $0.differingChoices,
          unreportedAnswers: $0.unreportedAnswers,
          holds: !isPromised || $0.mismatches == 0 && $0.differingChoices == 0)
      }
    }
  }
}
