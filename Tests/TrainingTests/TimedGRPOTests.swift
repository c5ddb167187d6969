// Timing takes the stage's own steps: it counts what they sampled and trained on, and they move the policy.
import ProcessGraph
import Testing
import TrainingStages

@Suite struct TimedGRPOTests {
  @Test func aTimedStepSamplesJudgesAndUpdates() async throws {
    let shop = try Workshop()
    defer { shop.remove() }
    let base = try await shop.base()
    let plan = Workshop.reasoning(steps: 3) { $0.promptsPerStep = 3 }
    var trainer = try TimedGRPO(plan, from: base, in: shop.run("timed").context(for: "grpo"))
    var (parts, trained): ([GRPOPart], [Int]) = ([], [])
    for _ in 0..<3 {
      let step = try await trainer.step { parts.append($0) }
      #expect(step.answers == 12)
      #expect((step.answers...8 * step.answers).contains(step.generatedTokens))
      // Two of the three groups teach; each of their tokens but the last goes forward and back.
      #expect(step.trainedTokens > 0 && step.trainedTokens < step.generatedTokens + 4 * step.promptTokens)
      #expect(step.rollout > 0 && step.judging > 0 && step.update > 0)
      #expect(step.total == step.rollout + step.judging + step.update)
      trained.append(step.trainedTokens)
    }
    #expect(parts == Array(repeating: GRPOPart.allCases, count: 3).flatMap { $0 })
    #expect(Set(trained).count > 1, "the policy moves, and so do its answers: \(trained)")
  }
}
