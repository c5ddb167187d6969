// What was sampled is what is trained: log-probabilities of rollouts equal those of the training pass bit for bit.
import Checkpoints
import DeepSeek
import Foundation
import Inference
import LanguageModels
import ProcessGraph
import Tensors
import Testing
import Text

@testable import TrainingStages

@Suite struct OnPolicyTests {
  /// GRPO's own count of log-probabilities that training saw differently, by step, and how many tokens it compared.
  private func mismatches(
    _ change: (inout GRPOSettings) -> Void
  ) async throws -> (counts: [Double], compared: [Double]) {
    let shop = try Workshop()
    defer { shop.remove() }
    let recorder = MemoryRecorder()
    // β above 0 keeps every answer in the loss, so that every sampled token is compared.
    let settings = Workshop.reasoning(steps: 4) {
      $0.beta = 0.01
      change(&$0)
    }
    _ = try await shop.run("grpo", recorder: recorder).perform(GRPO(settings), on: shop.base())
    let steps = await recorder.steps
    #expect(steps.count == 4)
    // The mean of −log p over compared tokens is above zero only when there are some.
    #expect(steps.allSatisfy { $0.values["entropy_estimate", default: 0] > 0 })
    return (steps.compactMap { $0.values["mismatch/count"] }, steps.compactMap { $0.values["num_tokens"] })
  }

  @Test(arguments: ["engine", "naive"], [8192, 24])
  func rolloutAndTrainingAgreeBitForBit(generator: String, microBatchTokens: Int) async throws {
    let found = try await mismatches {
      ($0.generator, $0.microBatchTokens, $0.mismatchLimit) = (generator, microBatchTokens, 0)
    }
    #expect(found.counts == [0, 0, 0, 0])
    #expect(found.compared.allSatisfy { $0 >= 8 }, "\(found.compared)")
  }

  /// The policy moves between the updates of one rollout, which is no mismatch.
  @Test func onlyTheFirstUpdateIsHeldAgainstTheRollout() async throws {
    let found = try await mismatches { ($0.updatesPerRollout, $0.mismatchLimit) = (2, 0) }
    #expect(found.counts == [0, 0, 0, 0])
  }

  @Test func aMismatchAboveTheLimitStopsTheRun() async throws {
    let error = await #expect(throws: MismatchError.self) {
      _ = try await mismatches { ($0.attentionForm, $0.mismatchLimit) = (.absorbed, 0) }
    }
    let stopped = try #require(error)
    #expect(stopped.step == 1 && stopped.tokens > 0 && stopped.largest > 0 && stopped.limit == 0)
    let sentence =
      "stage 'grpo', step 1: \(stopped.tokens) of \(stopped.of) sampled tokens have another log-probability in training, "
      + "by up to \(stopped.largest), above mismatchLimit 0.0; attentionForm 'textbook' samples as training computes"
    #expect("\(stopped)" == sentence)
  }

  /// Nothing of the step is kept, and the bound can be lifted.
  @Test func aStoppedRunKeepsNoWeightsOfTheStep() async throws {
    let shop = try Workshop()
    defer { shop.remove() }
    let base = try await shop.base()
    func settings(_ limit: Double?) -> GRPOSettings {
      Workshop.reasoning(steps: 2) {
        ($0.attentionForm, $0.beta, $0.mismatchLimit, $0.saveEvery) = (.absorbed, 0.01, limit, 1)
      }
    }
    let run = shop.run("bounded")
    await #expect(throws: MismatchError.self) { _ = try await run.perform(GRPO(settings(0)), on: base) }
    #expect(!FileManager.default.fileExists(atPath: "\(run.directory)/grpo/final"))
    #expect(try DurableDirectory.newest(in: "\(run.directory)/grpo/checkpoints") == nil)
    let free = try await shop.run("free").perform(GRPO(settings(nil)), on: base)
    #expect(FileManager.default.fileExists(atPath: "\(free.directory)/model.safetensors"))
  }

  /// The two forms of latent attention round differently, and the figure shows it.
  @Test func theAbsorbedFormIsCountedAsDifferent() async throws {
    let found = try await mismatches { $0.attentionForm = .absorbed }
    #expect(found.counts.reduce(0, +) > 0)
  }

  @Test func everyTokenOfAnAnswerHasThePassesLogProbability() async throws {
    let shop = try Workshop()
    defer { shop.remove() }
    let tokenizer = try await ModelDirectory(shop.letters().directory).tokenizer()
    let model = try TinyModel.fresh(vocabulary: tokenizer.vocabularySize, seed: 4, on: shop.device)
    var settings = EngineSettings()
    (settings.slots, settings.form) = (5, .textbook)
    var options = GenerationOptions()
    (options.maxTokens, options.seed, options.ignoresEndOfSequence) = (20, 9, true)
    let prompts = (1...9).map { length in
      Prompt((0..<length).map { TokenID(40 + 7 * $0 + length) }, request: UInt64(length))
    }
    let completions = try await InferenceEngine(model, tokenizer: tokenizer, settings: settings)
      .complete(prompts, options)
    let answers = zip(prompts, completions).map { prompt, completion in
      JudgedAnswer(
        prompt: prompt.tokens, answer: completion.tokens, advantage: 1, sampled: completion.logProbabilities)
    }
    let batch = PolicyBatch(answers) { _ in 1 }
    var training = TrainingOptions()
    (training.mtpLossWeight, training.balanceLossWeight) = (0.3, 0.001)
    let pass = model.trainingPass(batch.batch, targets: batch.targets, training)
    let trained = pass.logProbabilities.floats()
    var figures = PolicyFigures()
    figures.add(trained, batch, clipRange: 0.2)
    #expect((figures.tokens, figures.mismatches, figures.largestMismatch) == (180, 0, 0))
    let weighted = trained.indices.filter { batch.weights[$0] != 0 }.map { trained[$0].bitPattern }
    #expect(weighted == completions.flatMap { $0.logProbabilities.map(\.bitPattern) })
    #expect(Set(weighted).count > 150, "the numbers compared are not all the same")
  }
}
