// Sampled and trained log-probabilities agree before and after the policy moved; a generator that missed the move, or
// one that rounds in another way, is found.
import Foundation
import LanguageModels
import ProcessGraph
import Testing
import TrainingStages

/// Answers with the weights that it was made with, whatever it is told.
private struct StubbornGenerator: Generator {
  let base: any Generator
  func complete(_ prompts: [Prompt], _ options: GenerationOptions) async throws -> [Completion] {
    try await base.complete(prompts, options)
  }
  func stream(
    _ prompt: Prompt, _ options: GenerationOptions
  ) async throws -> AsyncThrowingStream<GenerationEvent, any Error> {
    try await base.stream(prompt, options)
  }
  func adopt(_ model: any LanguageModel) {}
}

@Suite struct RolloutAgreementTests {
  private func agreement(
    stubborn: Bool = false, rounds: Int = 2, _ change: (inout GRPOSettings) -> Void = { _ in }
  ) async throws -> [RolloutAgreement] {
    let shop = try Workshop()
    defer { shop.remove() }
    let base = try await shop.base()
    let plan = Workshop.reasoning(steps: 1, change)
    guard stubborn else {
      return try await GRPO(plan).rolloutAgreement(
        from: base, rounds: rounds, in: shop.run("grpo").context(for: "grpo"))
    }
    let directory = ModelDirectory(base.directory)
    let naive = NaiveGenerator(
      try directory.model(shop.registry, on: shop.device), tokenizer: try directory.tokenizer())
    return try await GRPO(plan, rollouts: StubbornGenerator(base: naive))
      .rolloutAgreement(from: base, rounds: rounds, in: shop.run("grpo").context(for: "grpo"))
  }

  @Test(arguments: ["engine", "naive"], [8192, 24])
  func sampledAndTrainedAgreeBeforeAndAfterAStep(generator: String, microBatchTokens: Int) async throws {
    let found = try await agreement(rounds: 3) {
      ($0.generator, $0.microBatchTokens, $0.updatesPerRollout) = (generator, microBatchTokens, 2)
    }
    #expect(found.map(\.step) == [0, 1, 2])
    #expect(found.allSatisfy { $0.mismatches == 0 && $0.largestDifference == 0 }, "\(found)")
    #expect(found.allSatisfy { $0.answers == 8 && $0.tokens >= 8 }, "\(found)")
  }

  @Test func aGeneratorThatKeepsOldWeightsIsFound() async throws {
    let found = try await agreement(stubborn: true)
    #expect(found[0].mismatches == 0)
    #expect(found[1].mismatches > found[1].tokens / 2 && found[1].largestDifference > 1e-4, "\(found)")
  }

  @Test func theAbsorbedFormIsFound() async throws {
    let found = try await agreement { $0.attentionForm = .absorbed }
    #expect(found.reduce(0) { $0 + $1.mismatches } > 0)
    #expect(found.allSatisfy { $0.largestDifference < 1e-3 }, "\(found)")
  }
}
