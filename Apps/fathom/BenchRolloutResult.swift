// What `fathom bench rollout` has measured, for people and as JSON.
import CPUBackend
import TrainingStages

/// What torch's side is made of, as it says itself.
struct RolloutPeer: Decodable {
  let torch: String
  let transformers: String
  let threads: Int
  let parameters: Int
  let experts: String
  let attention: String
  let cache: String

  /// "torch 2.9.0, transformers 5.0.0: grouped_mm experts, sdpa attention, expanded cache".
  var sentence: String {
    "torch \(torch), transformers \(transformers): \(experts) experts, \(attention) attention, \(cache) cache"
  }
}

/// The timed steps of our side, and the timed rollouts of the peer.
struct BenchRolloutResult: Sendable {
  let shape: RolloutShape
  let parameters: Int
  let threads: Int
  let prompts: Int
  let groupSize: Int
  let promptLength: Int
  /// Tokens of all answers of a step.
  let tokens: Int
  let trainedTokens: Int
  /// The machine's load before the first step.
  let load: Double
  /// Nil when ours is measured alone.
  let peer: RolloutPeer?
  var ours: [GRPOStepTiming] = []
  /// Seconds of each rollout.
  var theirs: [Double] = []
  /// Nil when none was asked for.
  var profile: BenchProfile?

  /// `first` is a step of the same size as those that are timed.
  init(_ subject: RolloutSubject, _ first: GRPOStepTiming, threads: Int, load: Double, peer: RolloutPeer?) {
    (shape, parameters, self.threads, self.load) = (subject.shape, subject.parameters, threads, load)
    (prompts, groupSize) = (subject.plan.promptsPerStep, subject.plan.groupSize)
    promptLength = first.promptTokens / max(prompts, 1)
    (tokens, trainedTokens, self.peer) = (first.generatedTokens, first.trainedTokens, peer)
  }

  /// Throws when the two sides do not sample from the same model.
  func check() throws {
    guard let peer, peer.parameters != parameters || peer.threads != threads else { return }
    throw CommandError(
      "the peer has \(peer.parameters) parameters and \(peer.threads) threads, and ours \(parameters) and \(threads); "
        + "a comparison needs equal ones")
  }

  private func median(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    return sorted.isEmpty ? 0 : (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
  }
  private func rate(_ seconds: Double) -> Double { seconds > 0 ? Double(tokens) / seconds : 0 }
}

extension BenchRolloutResult {
  /// What `--json` prints. Rates are generated tokens per second of rollouts; `ratio` is ours over the peer's.
  struct Summary: Encodable {
    let tokensPerSecond, best: Double
    /// Medians over the steps.
    let stepSeconds, rolloutSeconds, judgingSeconds, updateSeconds: Double
    let shape: String
    let parameters, prompts, groupSize, promptLength, generatedTokens, trainedTokens, threads: Int
    let isa: String
    let steps: Int
    let load: Double
    var peerTokensPerSecond, peerBest, ratio: Double?
    var peer: String?
    var profile: BenchProfile.Summary?
  }

  var summary: Summary {
    func rounded(_ value: Double, _ parts: Double) -> Double { (value * parts).rounded() / parts }
    let rollouts = ours.map(\.rollout)
    var summary = Summary(
      tokensPerSecond: rounded(rate(median(rollouts)), 10), best: rounded(rate(rollouts.min() ?? 0), 10),
      stepSeconds: rounded(median(ours.map(\.total)), 1e4), rolloutSeconds: rounded(median(rollouts), 1e4),
      judgingSeconds: rounded(median(ours.map(\.judging)), 1e4),
      updateSeconds: rounded(median(ours.map(\.update)), 1e4), shape: shape.rawValue, parameters: parameters,
      prompts: prompts, groupSize: groupSize, promptLength: promptLength, generatedTokens: tokens,
      trainedTokens: trainedTokens, threads: threads, isa: InstructionSet.best.rawValue, steps: ours.count, load: load,
      profile: profile?.summary)
    if let peer, !theirs.isEmpty {
      summary.peerTokensPerSecond = rounded(rate(median(theirs)), 10)
      summary.peerBest = rounded(rate(theirs.min() ?? 0), 10)
      summary.ratio = rounded(median(theirs) / median(rollouts), 1000)
      summary.peer = peer.sentence
    }
    return summary
  }

  /// The last step, for a line of progress.
  var glance: String {
    guard let last = ours.last else { return "" }
    let other = theirs.last.map { ", torch \(Int(rate($0)))" } ?? ""
    return "\(Int(rate(last.rollout))) tokens/s\(other)"
  }

  /// The machine and the model in one line, then a row for each side, then the whole step.
  var text: String {
    let summary = summary
    var table = TextTable(.left(""), .right("tokens/s"), .right("best"), .right("s/rollout"), .left(""))
    func add(_ name: String, _ median: Double, _ best: Double, _ note: String) {
      table.add(
        name, Figures.grouped(Int(median)), Figures.grouped(Int(best)), Figures.short(Double(tokens) / median), note)
    }
    add("fathom", summary.tokensPerSecond, summary.best, "float32, \(summary.isa)")
    if let median = summary.peerTokensPerSecond, let best = summary.peerBest, let ratio = summary.ratio {
      add("torch", median, best, summary.peer ?? "")
      table.add("ratio", Figures.short(ratio))
    }
    return """
      \(shape.rawValue): \(Figures.count(parameters)) parameters, \(prompts) prompts of \(promptLength) tokens × \
      \(groupSize) answers, \(Figures.grouped(tokens)) tokens a rollout, \(threads) thread\(threads == 1 ? "" : "s"), \
      median of \(ours.count) steps

      \(table.text)
      GRPO step: \(Figures.short(summary.stepSeconds)) s, of which rollout \(Figures.short(summary.rolloutSeconds)), \
      judging \(Figures.short(summary.judgingSeconds)), update \(Figures.short(summary.updateSeconds)) \
      (\(Figures.grouped(trainedTokens)) tokens forward and back)
      \(profile.map { "\n\($0.text)" } ?? "")
      """
  }
}
