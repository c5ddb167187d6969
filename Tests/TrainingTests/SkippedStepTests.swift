// Stages that may skip steps: which are skipped, that nothing changes in them, where the limit is, and that all of it
// survives a resume.
import Checkpoints
import DeepSeek
import Foundation
import LanguageModels
import Optimizers
import ProcessGraph
import Rewards
import Tensors
import Testing
import Text

@testable import Datasets
@testable import TrainingStages

/// Pretraining on letters with a fault at every batch that holds one document.
private struct FaultyPretraining {
  static let steps = 16
  let shop: Workshop
  let corpus: CorpusArtifact
  /// The steps that meet the document, by their number, and what they are made of.
  let faults: [(step: Int, batch: String)]

  init(_ plain: Workshop) async throws {
    corpus = try await plain.letters()
    let tokens = try TokenFile(corpus.directory)
    let documents = (0..<tokens.documentCount).map { tokens.document($0) }
    let settings = try Self.stage(skips: 0).plan
    var batches = try PackedBatches(
      tokens, packing: settings.packing, sequenceLength: settings.sequenceLength, batchTokens: settings.batchTokens)
    var cursor = Cursor(seed: UInt64(settings.seed))
    let course = (1...Self.steps).map { _ in
      let start = cursor
      let rows = batches.next(&cursor).targets.rows
      return (rows: rows, text: cursor.taken(since: start, of: tokens.documentCount, "document"))
    }
    // Not in the first batch, and no other document ends like it: the module that predicts further sees ends alone.
    let candidates = documents.map { Array($0.dropFirst()) }.filter { row in
      !course[0].rows.contains(row) && documents.count { $0.suffix(row.count).elementsEqual(row) } == 1
    }
    let row = try #require(candidates.max { $0.count < $1.count })
    var shop = plain
    shop.device = Device(FaultyBackend(onRow: row, value: -.infinity))
    self.shop = shop
    faults = course.enumerated().filter { $0.element.rows.contains(row) }.map { ($0.offset + 1, $0.element.text) }
    try #require(faults.count >= 3 && faults[1].step > faults[0].step + 1 && faults[0].step > 1)
  }

  static func stage(skips: Int, saveEvery: Int = 2) throws -> Pretrain {
    try Workshop.pretraining(steps: steps) { ($0.divergence.skips, $0.saveEvery) = (skips, saveEvery) }
  }
}

/// `skipped` of every step that has it.
private func skips(_ recorder: MemoryRecorder) async -> [Int: Double] {
  Dictionary(
    uniqueKeysWithValues: await recorder.steps.compactMap { step in step.values["skipped"].map { (step.step, $0) } })
}

/// The count of skipped steps in the newest checkpoint of a node.
private func savedSkips(_ node: String) throws -> Int? {
  let newest = try #require(try DurableDirectory.newest(in: "\(node)/checkpoints"))
  let state = try JSONSerialization.jsonObject(with: bytes(newest.path, "trainer.json")) as? [String: Any]
  return try #require(state)["skipped"] as? Int
}

@Suite struct SkippedPretrainingTests {
  @Test func withoutSkipsTheFirstFaultStopsTheStage() async throws {
    let plain = try Workshop()
    defer { plain.remove() }
    let faulty = try await FaultyPretraining(plain)
    let recorder = MemoryRecorder()
    let run = faulty.shop.run("run", recorder: recorder)
    let error = await #expect(throws: DivergenceError.self) {
      try await run.perform(FaultyPretraining.stage(skips: 0), on: faulty.corpus)
    }
    let found = try #require(error)
    #expect(found.step == faulty.faults[0].step && found.batch == faulty.faults[0].batch && found.skipped == 0)
    #expect(found.place.module == "lm_head")
    #expect(
      found.description.hasPrefix("stage 'pretrain' diverged at step \(found.step): loss inf, gradient norm ")
        && found.description.contains(
          " on \(found.batch); first not finite was the output of cross-entropy behind lm_head; ")
    )
    #expect(await recorder.steps.map(\.step) == Array(1...found.step))
    #expect(await skips(recorder).isEmpty)
  }

  @Test func theLimitIsOnAllSkippedStepsTogether() async throws {
    let plain = try Workshop()
    defer { plain.remove() }
    let faulty = try await FaultyPretraining(plain)
    let recorder = MemoryRecorder()
    let run = faulty.shop.run("run", recorder: recorder)
    let error = await #expect(throws: DivergenceError.self) {
      try await run.perform(FaultyPretraining.stage(skips: 2), on: faulty.corpus)
    }
    let found = try #require(error)
    #expect(found.step == faulty.faults[2].step && found.batch == faulty.faults[2].batch)
    #expect(found.skipped == 2 && found.description.contains(", after 2 skipped steps; "))
    #expect(await skips(recorder) == [faulty.faults[0].step: 1, faulty.faults[1].step: 2])
    #expect(await recorder.steps.last?.step == found.step, "the step that stops is on record")
  }

  @Test func aSkippedStepLeavesWeightsAndMomentsAsTheyWere() async throws {
    let plain = try Workshop()
    defer { plain.remove() }
    let faulty = try await FaultyPretraining(plain)
    let step = faulty.faults[0].step
    let stopped = await faulty.shop.attempt(
      try FaultyPretraining.stage(skips: 1, saveEvery: 1), on: faulty.corpus, in: "run", recorder: MemoryRecorder(),
      stop: StopPoint(step: step, way: .taskIsCancelled))
    #expect(throws: CancellationError.self) { try stopped.get() }
    let paths = [step - 1, step].map {
      "\(plain.directory)/run/pretrain/checkpoints/\(DurableDirectory.name(ofStep: $0))"
    }
    for file in ["model.safetensors", "optimizer.safetensors"] {
      #expect(try bytes(paths[0], file) == bytes(paths[1], file), "\(file)")
    }
    #expect(try bytes(paths[0], "trainer.json") != bytes(paths[1], "trainer.json"), "step and cursor go on")
  }

  @Test func aResumedStageSkipsTheSameStepsAndEndsInTheSameBytes() async throws {
    let plain = try Workshop()
    defer { plain.remove() }
    let faulty = try await FaultyPretraining(plain)
    let (shop, corpus, count) = (faulty.shop, faulty.corpus, faulty.faults.count)
    let stage = try FaultyPretraining.stage(skips: count)
    let (calm, disturbed) = (MemoryRecorder(), MemoryRecorder())
    let whole = try await shop.attempt(stage, on: corpus, in: "whole", recorder: calm, stop: nil).get()
    for (stop, way) in [
      (faulty.faults[0].step, StopPoint.Way.recorderFails), (faulty.faults[1].step, .taskIsCancelled),
    ] {
      let stopped = await shop.attempt(
        stage, on: corpus, in: "stopped", recorder: disturbed, stop: StopPoint(step: stop, way: way))
      #expect(throws: (any Error).self) { try stopped.get() }
    }
    let resumed = try await shop.attempt(stage, on: corpus, in: "stopped", recorder: disturbed, stop: nil).get()
    #expect(try bytes(resumed.directory) == bytes(whole.directory))
    #expect(await Course(disturbed) == Course(calm))
    let expected = Dictionary(
      uniqueKeysWithValues: faulty.faults.enumerated().map { ($0.element.step, Double($0.offset + 1)) })
    #expect(await skips(disturbed) == expected)
    for name in ["whole", "stopped"] { #expect(try savedSkips("\(plain.directory)/\(name)/pretrain") == count) }
  }

  @Test func theCountGoesOnWhenAStageIsResumed() async throws {
    let plain = try Workshop()
    defer { plain.remove() }
    let faulty = try await FaultyPretraining(plain)
    let stage = try FaultyPretraining.stage(skips: 1)
    let stopped = await faulty.shop.attempt(
      stage, on: faulty.corpus, in: "run", recorder: MemoryRecorder(),
      stop: StopPoint(step: faulty.faults[0].step + 1, way: .taskIsCancelled))
    #expect(throws: CancellationError.self) { try stopped.get() }
    #expect(try savedSkips("\(plain.directory)/run/pretrain") == 1)
    let resumed = await faulty.shop.attempt(stage, on: faulty.corpus, in: "run", recorder: MemoryRecorder(), stop: nil)
    let error = #expect(throws: DivergenceError.self) { try resumed.get() }
    #expect(error?.step == faulty.faults[1].step && error?.skipped == 1)
  }

  /// A rate beyond float32: the first update itself leaves the numbers, while its loss and gradient are sound.
  @Test func whatAnUpdateHasSpoiledIsNeverSaved() async throws {
    let shop = try Workshop()
    defer { shop.remove() }
    let corpus = try await shop.letters()
    let stage = { (saveEvery: Int) in
      try Workshop.pretraining(steps: 3) {
        ($0.optimizer.learningRate, $0.saveEvery, $0.divergence.skips) = (1e39, saveEvery, 5)
      }
    }
    let run = shop.run("saved", recorder: MemoryRecorder())
    let error = await #expect(throws: DivergenceError.self) { try await run.perform(stage(1), on: corpus) }
    let found = try #require(error)
    #expect(found.step == 1 && found.loss.isFinite && found.gradientNorm.isFinite)
    #expect(found.place.what.hasPrefix("the weight model.") && found.place.what.hasSuffix(" after the update"))
    let stopped = await shop.attempt(
      try stage(100), on: corpus, in: "stopped", recorder: MemoryRecorder(),
      stop: StopPoint(step: 1, way: .taskIsCancelled))
    #expect(throws: CancellationError.self) { try stopped.get() }
    for name in ["saved", "stopped"] {
      #expect(try DurableDirectory.newest(in: "\(shop.directory)/\(name)/pretrain/checkpoints") == nil)
    }
  }
}

@Suite struct SkippedGRPOTests {
  private static let steps = 6

  /// GRPO with a fault at every step that has the longest prompt: problem 3 of four, so every second step of two.
  private func shop(_ plain: Workshop) async throws -> (shop: Workshop, base: CheckpointArtifact) {
    let base = try await plain.base()
    let tokenizer = try ModelDirectory(base.directory).tokenizer()
    let silent = (0..<4).map {
      tokenizer.encode(LetterProblems().problem($0, split: .train).prompt, recognizingSpecialTokens: true).count - 1
    }
    try #require(silent[3] > (silent[..<3].max() ?? 0) && silent[3] >= 1, "\(silent)")
    var shop = plain
    shop.device = Device(
      FaultyBackend("cross-entropy", value: .infinity) { inputs in
        let targets = inputs[1].integers()
        let runs = targets.split(omittingEmptySubsequences: true) { $0 >= 0 }
        return runs.contains { $0.count >= silent[3] }
      })
    return (shop, base)
  }

  private func stage(skips: Int) throws -> GRPO {
    try GRPO(
      Workshop.reasoning(steps: Self.steps) {
        // β above 0 keeps every answer in the loss, so that every prompt is met.
        ($0.beta, $0.divergence.skips, $0.saveEvery, $0.evaluateEvery) = (0.04, skips, 2, 2)
      })
  }

  @Test func faultyStepsAreSkippedUpToTheLimit() async throws {
    let plain = try Workshop()
    defer { plain.remove() }
    let (shop, base) = try await shop(plain)
    let recorder = MemoryRecorder()
    let run = shop.run("run", recorder: recorder)
    let error = await #expect(throws: DivergenceError.self) { try await run.perform(stage(skips: 2), on: base) }
    let found = try #require(error)
    #expect(found.stage == "grpo" && found.step == 6 && found.skipped == 2 && found.batch == "problems 10–11")
    #expect(found.place.module == "lm_head", "\(found)")
    #expect(await skips(recorder) == [2: 1, 4: 2])
    let evaluated = await recorder.steps.filter { $0.values["eval/accuracy"] != nil }.map(\.step)
    #expect(evaluated == [0, 2, 4], "a skipped step leaves a policy that can be evaluated, a diverged one does not")
  }

  @Test(arguments: [3, 4]) func aResumedStageSkipsTheSameStepsAndEndsInTheSameBytes(stop: Int) async throws {
    let plain = try Workshop()
    defer { plain.remove() }
    let (shop, base) = try await shop(plain)
    let (stage, recorder) = (try stage(skips: 3), MemoryRecorder())
    let whole = try await shop.attempt(stage, on: base, in: "whole", recorder: MemoryRecorder(), stop: nil).get()
    #expect(try bytes(whole.directory) != bytes(base.directory), "nothing was learnt, so nothing is compared")
    let stopped = await shop.attempt(
      stage, on: base, in: "stopped", recorder: recorder, stop: StopPoint(step: stop, way: .taskIsCancelled))
    #expect(throws: CancellationError.self) { try stopped.get() }
    let resumed = try await shop.attempt(stage, on: base, in: "stopped", recorder: recorder, stop: nil).get()
    #expect(try bytes(resumed.directory) == bytes(whole.directory))
    #expect(await skips(recorder) == [2: 1, 4: 2, 6: 3])
    for name in ["whole", "stopped"] { #expect(try savedSkips("\(plain.directory)/\(name)/grpo") == 3) }
  }
}
