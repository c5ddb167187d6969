// Sampling answers and judging them: the first half of a GRPO step.
import Datasets
import Evaluation
import LanguageModels
import ProcessGraph
import Rewards
import Text

/// Everything about the answers to one step's prompts.
struct RolloutBatch: Sendable {
  /// Those that move the policy; without a reference an answer of no advantage is left out.
  var answers: [JudgedAnswer] = []
  /// All answers that were judged and their tokens: what losses are divided by.
  var judgedAnswers = 0
  var judgedTokens = 0
  var records: [RolloutRecord] = []
  /// Averages by TRL's names.
  var figures: [String: Double] = [:]
}

/// Samples `groupSize` answers to each problem and judges them.
struct RolloutWorker: Sendable {
  let plan: GRPOSettings
  let stage: String
  let tokenizer: any Tokenizer
  let rubric: Rubric
  let generator: any Generator
  /// What the policy's choices of experts look like; nil when none are replayed.
  let replayed: ExpertLayout?

  /// `groupSize` answers to each problem, and the prompts that were answered.
  func sample(_ problems: [Problem], step: Int) async throws -> (prompts: [[TokenID]], completions: [Completion]) {
    let prompts = problems.map { tokenizer.encode($0.prompt, recognizingSpecialTokens: true) }
    var options = GenerationOptions()
    (options.maxTokens, options.temperature) = (plan.maxTokens, plan.temperature)
    options.seed = UInt64(bitPattern: Int64(plan.seed)) &+ UInt64(step) &* 0x9E37_79B9_7F4A_7C15
    options.reportsExperts = replayed != nil
    let requests = prompts.enumerated().flatMap { p, tokens in
      (0..<plan.groupSize).map { Prompt(tokens, request: UInt64(p * plan.groupSize + $0)) }
    }
    let completions = try await generator.complete(requests, options)
    // Answers that a cancelled task cut short are no policy's answers, and nothing may be learnt from them.
    try Task.checkCancellation()
    for (index, (request, completion)) in zip(requests, completions).enumerated() {
      let read = request.tokens.count + max(completion.tokens.count, 1) - 1
      try replayed?.check(completion.experts, tokens: read, answer: index + 1, stage: stage, step: step)
    }
    return (prompts, completions)
  }

  /// Samples and judges.
  func rollOut(_ problems: [Problem], step: Int) async throws -> RolloutBatch {
    let (prompts, completions) = try await sample(problems, step: step)
    var batch = RolloutBatch()
    var tally = Tally()
    for (p, problem) in problems.enumerated() {
      let group = Array(completions[p * plan.groupSize..<(p + 1) * plan.groupSize])
      let verdicts = try await judge(group, problem)
      let advantages = groupRelativeAdvantages(verdicts.map(\.total), isScaled: plan.rewardScale == .group)
      tally.add(group, verdicts)
      for i in group.indices {
        guard let advantage = advantages[i], let total = verdicts[i].total else { continue }
        batch.judgedAnswers += 1
        batch.judgedTokens += group[i].tokens.count
        if advantage != 0 || plan.beta > 0 {
          batch.answers.append(
            JudgedAnswer(
              prompt: prompts[p], answer: group[i].tokens, advantage: advantage, sampled: group[i].logProbabilities,
              experts: replayed == nil ? nil : group[i].experts))
        }
        if p < plan.recordedGroups {
          batch.records.append(
            RolloutRecord(
              stage: stage, step: step, problemID: problem.id, prompt: problem.prompt, response: group[i].text,
              reward: total, advantage: advantage, parts: verdicts[i].parts, tokenCount: group[i].tokens.count))
        }
      }
    }
    batch.figures = tally.figures
    return batch
  }

  func judge(_ group: [Completion], _ problem: Problem) async throws -> [Verdict] {
    var verdicts: [Verdict] = []
    for completion in group { verdicts.append(try await rubric.judge(Response(completion), of: problem)) }
    return verdicts
  }
}

/// Running sums over a step's answers.
private struct Tally {
  var answers = 0
  var tokens = 0
  var truncated = 0
  var rewards: [Double] = []
  var groups = 0
  var deadGroups = 0
  var deviation = 0.0
  var parts: [String: (sum: Double, count: Int)] = [:]

  mutating func add(_ group: [Completion], _ verdicts: [Verdict]) {
    answers += group.count
    tokens += group.reduce(0) { $0 + $1.tokens.count }
    truncated += group.reduce(0) { $0 + ($1.finishReason == .length ? 1 : 0) }
    let totals = verdicts.compactMap(\.total)
    rewards += totals
    groups += 1
    if let first = totals.first, totals.allSatisfy({ $0 == first }) { deadGroups += 1 }
    if totals.count > 1 {
      let mean = totals.reduce(0, +) / Double(totals.count)
      deviation += (totals.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(totals.count - 1)).squareRoot()
    }
    for (name, score) in verdicts.flatMap(\.parts) {
      let old = parts[name] ?? (0, 0)
      parts[name] = (old.sum + score, old.count + 1)
    }
  }
  var figures: [String: Double] {
    var figures = [
      "reward": rewards.reduce(0, +) / Double(max(rewards.count, 1)), "reward_std": deviation / Double(max(groups, 1)),
      "frac_reward_zero_std": Double(deadGroups) / Double(max(groups, 1)),
      "completions/mean_length": Double(tokens) / Double(max(answers, 1)),
      "completions/clipped_ratio": Double(truncated) / Double(max(answers, 1)), "num_tokens": Double(tokens),
    ]
    for (name, part) in parts { figures["rewards/\(name)/mean"] = part.sum / Double(part.count) }
    return figures
  }
}
