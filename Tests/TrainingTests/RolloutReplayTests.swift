// GRPO trains every token with the experts that it was sampled with: nothing changes while policy and rollout are one,
// later updates keep to the rollout's experts, and rollouts without experts are counted.
import Datasets
import Foundation
import LanguageModels
import ProcessGraph
import Tensors
import Testing
import Text

@testable import DeepSeek
@testable import TrainingStages

/// Changes what another generator reports.
private struct Retelling: Generator {
  let base: any Generator
  let change: @Sendable (ExpertChoices?) -> ExpertChoices?
  func complete(_ prompts: [Prompt], _ options: GenerationOptions) async throws -> [Completion] {
    try await base.complete(prompts, options).map {
      var completion = $0
      completion.experts = change(completion.experts)
      return completion
    }
  }
  func stream(
    _ prompt: Prompt, _ options: GenerationOptions
  ) async throws -> AsyncThrowingStream<GenerationEvent, any Error> {
    try await base.stream(prompt, options)
  }
  func adopt(_ model: any LanguageModel) async throws { try await base.adopt(model) }
}

@Suite struct RolloutReplayTests {
  /// One run of GRPO in a directory of its own: its weights, and its figures by step.
  private func run(
    _ shop: Workshop, _ name: String, retelling: (@Sendable (ExpertChoices?) -> ExpertChoices?)? = nil,
    _ change: (inout GRPOSettings) -> Void
  ) async throws -> (weights: Data, figures: [[String: Double]]) {
    let base = try await shop.base()
    var generator: (any Generator)?
    if let retelling {
      let directory = ModelDirectory(base.directory)
      let naive = NaiveGenerator(
        try directory.model(shop.registry, on: shop.device), tokenizer: try directory.tokenizer())
      generator = Retelling(base: naive, change: retelling)
    }
    let recorder = MemoryRecorder()
    let stage = try GRPO(Workshop.reasoning(steps: 3, change), rollouts: generator)
    let result = try await shop.run(name, recorder: recorder).perform(stage, on: base)
    return (try bytes(result.directory), await recorder.steps.map(\.values))
  }

  @Test(arguments: ["engine", "naive"])
  func onPolicyReplayFindsNoDisagreementAndChangesNothing(generator: String) async throws {
    let shop = try Workshop()
    defer { shop.remove() }
    let with = try await run(shop, "with") { ($0.generator, $0.microBatchTokens) = (generator, 30) }
    let without = try await run(shop, "without") {
      ($0.generator, $0.microBatchTokens, $0.replayExperts) = (generator, 30, false)
    }
    #expect(with.figures.count == 3)
    for figures in with.figures {
      for name in ["count", "share", "last_share", "unreported"] { #expect(figures["replay/\(name)"] == 0, "\(name)") }
    }
    #expect(without.figures.allSatisfy { !$0.keys.contains { $0.hasPrefix("replay/") } })
    #expect(with.weights == without.weights)
    #expect(try await with.weights != bytes(shop.base().directory), "nothing was learnt, so nothing is compared")
  }

  /// The bias of the routers moves far between updates, so that they would choose others.
  private func manyUpdates(_ settings: inout GRPOSettings) {
    (settings.updatesPerRollout, settings.objective.biasUpdateRate) = (3, 0.2)
  }

  @Test func laterUpdatesDisagreeAndAreCounted() async throws {
    let shop = try Workshop()
    defer { shop.remove() }
    let with = try await run(shop, "with") { manyUpdates(&$0) }
    let without = try await run(shop, "without") {
      manyUpdates(&$0)
      $0.replayExperts = false
    }
    #expect(with.figures.allSatisfy { $0["replay/count"] == 0 && $0["replay/unreported"] == 0 })
    #expect(with.figures.allSatisfy { $0["mismatch/count"] == 0 })
    #expect(with.figures.contains { $0["replay/last_share", default: 0] > 0.05 }, "\(with.figures)")
    #expect(with.weights != without.weights)
  }

  @Test func rolloutsWithoutExpertsAreTrainedAsWithoutReplayAndCounted() async throws {
    let shop = try Workshop()
    defer { shop.remove() }
    let silent = try await run(shop, "silent", retelling: { _ in nil }) {
      manyUpdates(&$0)
      $0.beta = 0.01
    }
    let without = try await run(shop, "without") {
      manyUpdates(&$0)
      ($0.beta, $0.replayExperts) = (0.01, false)
    }
    // β keeps all eight answers of a step in the loss.
    #expect(silent.figures.allSatisfy { $0["replay/unreported"] == 8 && $0["replay/count"] == 0 })
    #expect(silent.weights == without.weights)
  }

  @Test(arguments: ["another number of tokens", "another model"])
  func expertsThatDoNotFitAreRefusedInOneSentence(kind: String) async throws {
    let shop = try Workshop()
    defer { shop.remove() }
    let isShort = kind == "another number of tokens"
    let problem = await message {
      _ = try await run(
        shop, "run",
        retelling: { found in
          guard let found else { return nil }
          let other = ExpertLayout(layers: 1, chosen: 2, experts: 9)
          return isShort ? found[0..<1] : ExpertChoices(other, tokens: found.tokens)
        },
        { _ in })
    }
    #expect(problem.hasPrefix("stage 'grpo', step 1, answer "), "\(problem)")
    #expect(problem.contains(isShort ? "experts of 1 tokens as 2 of 4 in 1 layer," : "as 2 of 9 in 1 layer,"))
    #expect(problem.hasSuffix("were sampled; 'replayExperts: false' trains without them"))
    #expect(!problem.contains(". ") && !problem.contains("\n"))
  }

  @Test func agreementShowsWhatReplayWouldHide() async throws {
    let shop = try Workshop()
    defer { shop.remove() }
    let base = try await shop.base()
    let directory = ModelDirectory(base.directory)
    let naive = NaiveGenerator(
      try directory.model(shop.registry, on: shop.device), tokenizer: try directory.tokenizer())
    let other = Retelling(base: naive) { found in
      guard var found else { return nil }
      found.write(found.experts(layer: 0).map { 3 - $0 }, layer: 0)
      return found
    }
    for (generator, differs) in [(nil, false), (other, true)] as [((any Generator)?, Bool)] {
      let found = try await GRPO(Workshop.reasoning(steps: 1), rollouts: generator)
        .rolloutAgreement(from: base, rounds: 1, in: shop.run("run-\(differs)").context(for: "grpo"))
      #expect((found[0].differingChoices > 0) == differs && (found[0].differingShare > 0) == differs, "\(found)")
      #expect((found[0].mismatches > 0) == differs && found[0].unreportedAnswers == 0)
    }
  }
}

@Suite struct ReplayedUpdateTests {
  /// Log-probabilities of an answer's tokens when every token has the experts that it was sampled with, computed without
  /// replay. In the tiny model the routed layer is the last, so that a token's experts touch its own logits alone: a
  /// bias sends all tokens to one pair of experts, pair by pair, and each token is read off the pass of its pair.
  private func plain(_ model: DeepSeekV3Model, _ answer: JudgedAnswer) throws -> [Float] {
    let whole = answer.prompt + answer.answer.dropLast()
    let experts = try #require(answer.experts).experts(layer: 0)
    let pairs = stride(from: 0, to: experts.count, by: 2).map { [experts[$0], experts[$0 + 1]] }
    let targets = [Int32](repeating: -1, count: answer.prompt.count - 1) + answer.answer.map(\.rawValue)
    var found = [Float](repeating: .nan, count: whole.count)
    for pair in Set(pairs) {
      var forced = model
      var bias = [Float](repeating: 0, count: 4)
      (bias[Int(pair[0])], bias[Int(pair[1])]) = (200, 100)
      forced.layers[1].routed?.router.bias = Tensor(bias, shape: [4], on: model.device)
      let logp = forced.trainingPass(TokenBatch([whole]), targets: targets, TrainingOptions()).logProbabilities.floats()
      for t in pairs.indices where pairs[t] == pair { found[t] = logp[t] }
    }
    return Array(found.suffix(answer.answer.count))
  }

  /// The second update's loss is the formula's, for log-probabilities that were computed without replay.
  @Test(arguments: [true, false]) func theSecondUpdateHasTheRolloutsExperts(isReplayed: Bool) async throws {
    let shop = try Workshop()
    defer { shop.remove() }
    let base = try await shop.base()
    func plan(updates: Int) -> GRPOSettings {
      Workshop.reasoning(steps: 1) {
        ($0.updatesPerRollout, $0.objective.biasUpdateRate) = (updates, 0.2)
        ($0.replayExperts, $0.microBatchTokens) = (isReplayed, 40)
      }
    }
    let (one, two) = (try GRPO(plan(updates: 1)), try GRPO(plan(updates: 2)))
    let context = shop.run("grpo").context(for: "grpo")
    let (first, both) = (try GRPO.Session(one, base, context), try GRPO.Session(two, base, context))
    // Sampled with experts in any case; the plan decides whether they are used.
    let worker = RolloutWorker(
      plan: plan(updates: 1), stage: "grpo", tokenizer: first.worker.tokenizer, rubric: first.worker.rubric,
      generator: first.worker.generator, replayed: first.base.expertLayout)
    let problems = try (0..<2).map { try first.problems.problem($0, split: .train) }
    var rollouts = try await worker.rollOut(problems, step: 1)
    try #require(rollouts.answers.count >= 4)
    let known = rollouts.answers
    if !isReplayed { for i in rollouts.answers.indices { rollouts.answers[i].experts = nil } }

    var (halfway, end) = (first.freshState(), both.freshState())
    _ = try one.update(&halfway, &rollouts, first)
    let outcome = try two.update(&end, &rollouts, both)
    let model = try #require(halfway.model as? DeepSeekV3Model)
    let policies = try known.map { try plain(model, $0).map(Double.init) }
    let answers = zip(known, policies).map { answer, policy in
      SlowAnswer(reward: 0, policy: policy, old: answer.sampled.map(Double.init), reference: policy)
    }
    // Losses are divided by the tokens of all judged answers; those without advantage are not in the batch.
    let share = Double(answers.reduce(0) { $0 + $1.policy.count }) / Double(rollouts.judgedTokens)
    let wanted = share * SlowObjective(clipRange: 0.2, beta: 0, isPerToken: true)(answers, known.map(\.advantage)).loss
    let entropy = -policies.joined().reduce(0, +) / Double(policies.joined().count)
    let found = try #require(outcome.figures["entropy_estimate"])
    if isReplayed {
      #expect(abs(outcome.loss - wanted) < 1e-6, "\(outcome.loss) for \(wanted)")
      #expect(abs(found - entropy) < 1e-12, "\(found) for \(entropy)")
      #expect(outcome.figures["replay/count"] == 0 && outcome.figures["replay/last_share", default: 0] > 0.05)
    } else {
      #expect(abs(found - entropy) > 1e-4, "the routers' own choice gives \(found) too, so nothing was compared")
    }
  }
}
