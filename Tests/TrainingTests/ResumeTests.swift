// A stopped stage that is run again ends in the same bytes as one that was never stopped.
import Checkpoints
import Foundation
import Inference
import LanguageModels
import Optimizers
import ProcessGraph
import Testing
import TrainingStages

/// A training step's optimizer, and a schedule that depends on the step.
private func shape(_ optimizer: inout OptimizerSettings, _ kind: OptimizerSettings.Kind) {
  optimizer.kind = kind
  (optimizer.schedule.warmupSteps, optimizer.schedule.decayFraction) = (3, 0.5)
}

@Suite struct PretrainResumeTests {
  private static let steps = 9

  private func stage(_ kind: OptimizerSettings.Kind) throws -> Pretrain {
    try Workshop.pretraining(steps: Self.steps) {
      shape(&$0.optimizer, kind)
      $0.optimizer.weightDecay = 0.1
      ($0.saveEvery, $0.microBatchTokens) = (2, 40)
    }
  }

  @Test(arguments: StopPoint.drawn(6, of: steps, seed: 2026))
  func aStoppedPretrainingEndsInTheSameBytes(stop: StopPoint) async throws {
    let shop = try Workshop()
    defer { shop.remove() }
    let corpus = try await shop.letters()
    let stage = try stage(stop.step % 2 == 0 ? .muon : .adamw)
    let (calm, disturbed) = (MemoryRecorder(), MemoryRecorder())
    let whole = try await shop.attempt(stage, on: corpus, in: "whole", recorder: calm, stop: nil).get()
    let stopped = await shop.attempt(stage, on: corpus, in: "stopped", recorder: disturbed, stop: stop)
    #expect(throws: (any Error).self) { try stopped.get() }
    #expect(await disturbed.steps.last?.step == stop.step)
    let resumed = try await shop.attempt(stage, on: corpus, in: "stopped", recorder: disturbed, stop: nil).get()
    #expect(try bytes(resumed.directory) == bytes(whole.directory))
    #expect(resumed.fingerprint == whole.fingerprint)
    #expect(await Course(disturbed) == Course(calm))
    #expect(await disturbed.steps.map(\.step) == Array(1...Self.steps))
    try expectEqualOptimizers(shop, "pretrain")
  }

  @Test func aPretrainingStoppedTwiceEndsInTheSameBytes() async throws {
    let shop = try Workshop()
    defer { shop.remove() }
    let corpus = try await shop.letters()
    let stage = try stage(.muon)
    let whole = try await shop.attempt(stage, on: corpus, in: "whole", recorder: MemoryRecorder(), stop: nil).get()
    for stop in [StopPoint(step: 3, way: .taskIsCancelled), StopPoint(step: 7, way: .recorderFails)] {
      let stopped = await shop.attempt(stage, on: corpus, in: "stopped", recorder: MemoryRecorder(), stop: stop)
      #expect(throws: (any Error).self) { try stopped.get() }
    }
    let resumed = try await shop.attempt(stage, on: corpus, in: "stopped", recorder: MemoryRecorder(), stop: nil).get()
    #expect(try bytes(resumed.directory) == bytes(whole.directory))
  }

  /// The same data in another order would give other bytes: the comparison above can fail.
  @Test func anotherSeedEndsInOtherBytes() async throws {
    let shop = try Workshop()
    defer { shop.remove() }
    let corpus = try await shop.letters()
    var results: [Data] = []
    for seed in [1, 2] {
      let stage = try Workshop.pretraining(steps: 2) { $0.seed = seed }
      results.append(try await bytes(shop.run("seed-\(seed)").perform(stage, on: corpus).directory))
    }
    #expect(results[0] != results[1])
  }
}

@Suite struct GRPOResumeTests {
  private static let steps = 6

  private func settings() -> GRPOSettings {
    Workshop.reasoning(steps: Self.steps) {
      shape(&$0.optimizer, .adamw)
      ($0.saveEvery, $0.evaluateEvery, $0.beta, $0.updatesPerRollout) = (2, 2, 0.04, 2)
      ($0.objective.mtpLossWeight, $0.objective.biasUpdateRate) = (0.1, 0.001)
    }
  }

  @Test(arguments: StopPoint.drawn(4, of: steps, seed: 7))
  func aStoppedGRPOEndsInTheSameBytes(stop: StopPoint) async throws {
    let shop = try Workshop()
    defer { shop.remove() }
    let base = try await shop.base()
    let stage = try GRPO(settings())
    let (calm, disturbed) = (MemoryRecorder(), MemoryRecorder())
    let whole = try await shop.attempt(stage, on: base, in: "whole", recorder: calm, stop: nil).get()
    #expect(try bytes(whole.directory) != bytes(base.directory), "nothing was learnt, so nothing is compared")
    let stopped = await shop.attempt(stage, on: base, in: "stopped", recorder: disturbed, stop: stop)
    #expect(throws: (any Error).self) { try stopped.get() }
    let resumed = try await shop.attempt(stage, on: base, in: "stopped", recorder: disturbed, stop: nil).get()
    #expect(try bytes(resumed.directory) == bytes(whole.directory))
    #expect(await Course(disturbed) == Course(calm))
    try expectEqualOptimizers(shop, "grpo")
  }

  /// A cancelled rollout is cut off anywhere; learning from it, or recording an evaluation of it, would be wrong.
  /// Evaluations are of four problems, before the first step and after every second.
  @Test(
    arguments: [.rollout(1), .rollout(2), .rollout(5), .single(2), .single(7)] as [CancellingGenerator.Moment],
    [true, false])
  func answersOfACancelledRolloutAreNotUsed(moment: CancellingGenerator.Moment, isEarly: Bool) async throws {
    let shop = try Workshop()
    defer { shop.remove() }
    let base = try await shop.base()
    var settings = settings()
    settings.saveEvery = 1
    let (calm, disturbed) = (MemoryRecorder(), MemoryRecorder())
    let whole = try await shop.attempt(GRPO(settings), on: base, in: "whole", recorder: calm, stop: nil).get()
    let directory = ModelDirectory(base.directory)
    let engine = InferenceEngine(
      try directory.model(shop.registry, on: shop.device), tokenizer: try directory.tokenizer(),
      settings: Self.textbook)
    let stop = StopSwitch()
    let cancelling = try GRPO(settings, rollouts: CancellingGenerator(engine, at: moment, isEarly: isEarly, stop))
    let stopped = await shop.attempt(cancelling, on: base, in: "stopped", recorder: disturbed, cancelledBy: stop)
    #expect(throws: CancellationError.self) { try stopped.get() }
    let resumed = try await shop.attempt(GRPO(settings), on: base, in: "stopped", recorder: disturbed, stop: nil).get()
    #expect(try bytes(resumed.directory) == bytes(whole.directory))
    #expect(await Course(disturbed) == Course(calm))
  }

  private static var textbook: EngineSettings {
    var settings = EngineSettings()
    (settings.slots, settings.form) = (8, .textbook)
    return settings
  }
}

/// The last checkpoints of both runs hold the same optimizer and the same place in the data.
private func expectEqualOptimizers(_ shop: Workshop, _ node: String) throws {
  let paths = try ["whole", "stopped"].map { run in
    try #require(try DurableDirectory.newest(in: "\(shop.directory)/\(run)/\(node)/checkpoints")).path
  }
  #expect(try bytes(paths[0], "optimizer.safetensors") == bytes(paths[1], "optimizer.safetensors"))
  let states = try paths.map { path in
    var state = try #require(try JSONSerialization.jsonObject(with: bytes(path, "trainer.json")) as? [String: Any])
    state["seconds"] = nil
    return state as NSDictionary
  }
  #expect(states[0].count >= 3 && states[0] == states[1], "\(states)")
}
