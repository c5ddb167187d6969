// The whole road learns: pretraining remembers a small corpus, and GRPO raises a reward that is easy to raise.
import Foundation
import LanguageModels
import Optimizers
import ProcessGraph
import Testing
import Text
import TrainingStages

@Suite struct LearningTests {
  @Test func pretrainingOverfitsASmallCorpus() async throws {
    let shop = try Workshop()
    defer { shop.remove() }
    let recorder = MemoryRecorder()
    let corpus = try await shop.letters(6)
    let stage = try Workshop.pretraining(steps: 150) {
      $0.optimizer.schedule.warmupSteps = 10
      $0.optimizer.schedule.decayFraction = 0.3
    }
    let result = try await shop.run("learning", recorder: recorder).perform(stage, on: corpus)
    let losses = await recorder.steps.compactMap { $0.values["loss"] }
    let uniform = log(Double(try ModelDirectory(result.directory).tokenizer().vocabularySize))
    #expect(losses.count == 150)
    #expect(abs(losses[0] - uniform) < 0.1 * uniform, "a fresh model knows nothing: \(losses[0]) for \(uniform)")
    let last = losses.suffix(10).reduce(0, +) / 10
    // What cannot be known is which of six documents comes: ln 6 over some seven tokens, a twentieth of ln V.
    #expect(last < 0.12 * uniform, "\(last) of \(uniform)")
  }

  @Test(arguments: [1, 2]) func grpoRaisesTheRewardOfAnEasyProblem(seed: Int) async throws {
    let shop = try Workshop()
    defer { shop.remove() }
    let recorder = MemoryRecorder()
    let base = try await shop.base()
    let settings = Workshop.reasoning(steps: 20) {
      ($0.seed, $0.promptsPerStep, $0.groupSize) = (seed, 4, 8)
      ($0.evaluateEvery, $0.evaluationCount) = (20, 64)
      $0.optimizer.learningRate = 0.005
    }
    _ = try await shop.run("grpo", recorder: recorder).perform(GRPO(settings), on: base)
    let rewards = await recorder.steps.compactMap { $0.values["reward"] }
    #expect(rewards.count == 20)
    let (first, last) = (rewards.prefix(3).reduce(0, +) / 3, rewards.suffix(3).reduce(0, +) / 3)
    // One letter of four is the rewarded one.
    #expect(first < 0.5 && last > 0.75, "\(rewards)")
    let heldOut = await recorder.steps.compactMap { $0.values["eval/reward"] }
    #expect(heldOut.count == 2 && heldOut[1] > heldOut[0] + 0.4, "\(heldOut)")
  }
}
