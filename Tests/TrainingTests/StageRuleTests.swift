// What a stage does besides its work: it does not run twice, refuses changed settings, stops when it diverges, and says
// in one sentence what is wrong with a recipe.
import Datasets
import Foundation
import Optimizers
import ProcessGraph
import Recipes
import Testing
import Text
import TrainingStages

@Suite struct StageRuleTests {
  @Test func aFinishedStageDoesNotRunAgain() async throws {
    let shop = try Workshop()
    defer { shop.remove() }
    let recorder = MemoryRecorder()
    let corpus = try await shop.letters()
    let stage = try Workshop.pretraining(steps: 3)
    let run = shop.run("run", recorder: recorder)
    let first = try await run.perform(stage, on: corpus)
    let before = try bytes(first.directory)
    #expect(await recorder.steps.map(\.step) == [1, 2, 3])
    let again = try await run.perform(stage, on: corpus)
    #expect(again == first)
    #expect(await recorder.steps.count == 3)
    let reasoning = try GRPO(Workshop.reasoning(steps: 2))
    let thinker = try await run.perform(reasoning, on: first)
    let same = try await run.perform(reasoning, on: first)
    #expect(same == thinker)
    #expect(await recorder.steps.count == 5)
    #expect(try bytes(first.directory) == before, "a stage does not change its input")
  }

  @Test func aChangedSettingIsRefusedWhetherTheStageIsFinishedOrNot() async throws {
    let shop = try Workshop()
    defer { shop.remove() }
    let corpus = try await shop.letters()
    let run = shop.run("run")
    _ = try await run.perform(Workshop.pretraining(steps: 2), on: corpus, as: "finished")
    let stop = StopPoint(step: 1, way: .taskIsCancelled)
    let begun = try await shop.attempt(
      Workshop.pretraining(steps: 2), on: corpus, in: "begun", recorder: MemoryRecorder(), stop: stop)
    #expect(throws: CancellationError.self) { try begun.get() }
    for (run, node) in [(run, "finished"), (shop.run("begun"), "pretrain")] {
      let problem = await message {
        _ = try await run.perform(Workshop.pretraining(steps: 5), on: corpus, as: node)
      }
      #expect(problem.contains("other settings (steps: 2, now 5)"), "\(problem)")
    }
    let other = try await shop.letters(7)
    let problem = await message { _ = try await run.perform(Workshop.pretraining(steps: 2), on: other, as: "finished") }
    #expect(problem.contains("from another input"), "\(problem)")
  }

  /// What a checkpoint says of its place is foreign when it is read: a run goes on from it or says what is wrong.
  @Test(arguments: ["step", "optimizerStep", "epoch", "position", "seconds", "skipped", "seed"])
  func aPlaceThatNoRunComesToIsRefused(key: String) async throws {
    let shop = try Workshop()
    defer { shop.remove() }
    let corpus = try await shop.letters()
    let stage = try Workshop.pretraining(steps: 3) { $0.saveEvery = 1 }
    _ = try await shop.run("run").perform(stage, on: corpus)
    let directory = "\(shop.directory)/run/pretrain"
    for name in ["artifact.json", "final", "checkpoints/step-000003"] {
      try FileManager.default.removeItem(atPath: "\(directory)/\(name)")
    }
    let file = "\(directory)/checkpoints/step-000002/trainer.json"
    let written = String(decoding: try Data(contentsOf: URL(fileURLWithPath: file)), as: UTF8.self)
    for value in ["-1", "9223372036854775807", "-9223372036854775808", "1e400", "null"] {
      var text = try written.replacing(Regex("\"\(key)\" : [0-9.e-]+"), with: "\"\(key)\" : \(value)")
      if key == "skipped" {
        text = written.replacing("{\n", with: "{\n  \"skipped\" : \(value),\n", maxReplacements: 1)
      }
      guard text != written, !(key == "seed" && value == "9223372036854775807"), !(key == "skipped" && value == "null"),
        !(key == "seconds" && value == "9223372036854775807")
      else { continue }
      try Data(text.utf8).write(to: URL(fileURLWithPath: file))
      let said = await message { _ = try await shop.run("run").perform(stage, on: corpus) }
      #expect(said.contains("trainer.json cannot be read; remove this checkpoint"), "\(key) \(value): \(said)")
    }
  }

  @Test(arguments: [("max_position_embeddings", "1"), ("vocab_size", "8")])
  func aCheckpointOfAnotherModelIsRefused(key: String, after: String) async throws {
    let shop = try Workshop()
    defer { shop.remove() }
    let corpus = try await shop.letters()
    let stage = try Workshop.pretraining(steps: 2) { $0.saveEvery = 1 }
    _ = try await shop.run("run").perform(stage, on: corpus)
    let directory = "\(shop.directory)/run/pretrain"
    for name in ["artifact.json", "final", "checkpoints/step-000002"] {
      try FileManager.default.removeItem(atPath: "\(directory)/\(name)")
    }
    let file = "\(directory)/checkpoints/step-000001/config.json"
    let written = String(decoding: try Data(contentsOf: URL(fileURLWithPath: file)), as: UTF8.self)
    let text = try written.replacing(Regex("\"\(key)\": ?[0-9]+"), with: "\"\(key)\": \(after)")
    #expect(text != written)
    try Data(text.utf8).write(to: URL(fileURLWithPath: file))
    let said = await message { _ = try await shop.run("run").perform(stage, on: corpus) }
    #expect(said.contains(key == "vocab_size" ? "shape" : "its model has"), "\(said)")
  }

  @Test func aTokenThatTheModelDoesNotKnowEndsTheStage() async throws {
    let shop = try Workshop()
    defer { shop.remove() }
    let corpus = try await shop.letters()
    for stranger in [-1, 300, Int(Int32.max)] {
      try TokenFile.write((0..<20).map { _ in [TokenID(1), TokenID(stranger)] }, into: corpus.directory)
      let stage = try Workshop.pretraining(steps: 1)
      let said = await message { _ = try await shop.run("run\(stranger)").perform(stage, on: corpus) }
      #expect(said.contains("holds the token \(stranger); the model knows 0 to"), "\(said)")
    }
  }

  /// A learning rate without measure: weights overflow, and the loss is no number any more.
  @Test func divergenceEndsTheStageAndKeepsTheLastCheckpoint() async throws {
    let shop = try Workshop()
    defer { shop.remove() }
    let recorder = MemoryRecorder()
    let stage = try Workshop.pretraining(steps: 20) {
      ($0.optimizer.learningRate, $0.saveEvery) = (1e30, 1)
    }
    let run = shop.run("run", recorder: recorder)
    let corpus = try await shop.letters()
    let error = await #expect(throws: DivergenceError.self) { try await run.perform(stage, on: corpus) }
    let found = try #require(error)
    let steps = await recorder.steps
    #expect(found.stage == "pretrain" && found.step == steps.count && found.step < 20)
    #expect(found.description.hasPrefix("stage 'pretrain' diverged at step \(found.step): loss "))
    #expect(found.description.contains(" on \(found.batch); first not finite was \(found.place.what); "))
    #expect(found.batch.hasPrefix("documents ") && found.place.module != nil && found.skipped == 0)
    #expect(found.description.hasSuffix("the last checkpoint is kept, a lower learning rate may work"))
    let last = try #require(steps.last)
    #expect(!(last.values["loss"] ?? 0).isFinite || !(last.values["grad_norm"] ?? 0).isFinite, "it is on record")
    #expect(last.values["skipped"] == nil)
    let checkpoints = try FileManager.default.contentsOfDirectory(atPath: "\(run.directory)/pretrain/checkpoints")
    #expect(checkpoints.contains("step-00000\(found.step - 1)") && !checkpoints.contains("step-00000\(found.step)"))
  }
}

@Suite struct RecipeRuleTests {
  /// A recipe on letters with one place changed.
  private static func recipe(_ place: String, _ text: String) throws -> ConfigTree {
    let whole = """
      stages:
        corpus: {stage: corpus, documents: {name: letters}, count: 20, vocabularySize: 260, preTokenizer: whitespace}
        base:
          stage: pretrain
          from: corpus
          steps: 1
          batchTokens: 40
          sequenceLength: 20
          model: \(TinyModel.section.replacing("\n", with: " "))
        thinker:
          stage: grpo
          from: base
          steps: 1
          promptsPerStep: 2
          groupSize: 2
          maxTokens: 4
          evaluateEvery: 0
          problems: {name: letters}
          rewards: [{name: letters}]
      """
    return try ConfigTree(yaml: whole).setting(["stages.\(place)=\(text)"])
  }

  @Test func theRecipeIsRightAsLongAsNothingIsChanged() async throws {
    let shop = try Workshop()
    defer { shop.remove() }
    let graph = try Graph(recipe: Self.recipe("base.steps", "1"), stages: shop.registry.stages)
    let artifacts = try await graph.run(in: shop.run("run"))
    #expect(artifacts.keys.sorted() == ["base", "corpus", "thinker"])
  }

  @Test(arguments: [
    ("base.steps", "-1", "config: stages.base.steps: is -1; it must be at least 1"),
    ("thinker.steps", "0", "config: stages.thinker.steps: is 0; it must be at least 1"),
    ("thinker.groupSize", "1", "config: stages.thinker.groupSize: is 1; it must be at least 2"),
    ("thinker.temperature", "0", "config: stages.thinker.temperature: is 0.0; it must be above 0 and at most 2"),
    ("base.optimizer.learningRate", "0", "config: stages.base.optimizer.learningRate: is 0.0; it must be above 0"),
    ("base.optimizer.clip", "-1", "config: stages.base.optimizer.clip: is -1.0; it must be 0 or more"),
    ("base.optimizer.schedule.decayFraction", "2", "decayFraction: is 2.0; it must be between 0 and 1"),
    ("base.objective.mtpLossWeight", "-0.1", "config: stages.base.objective.mtpLossWeight: is -0.1"),
    ("base.divergence.skips", "-1", "config: stages.base.divergence.skips: is -1; it must be at least 0"),
    ("thinker.divergence.skips", "-3", "config: stages.thinker.divergence.skips: is -3; it must be at least 0"),
    ("base.batchTokens", "10", "config: stages.base.batchTokens: is 10; it must be at least 20"),
    ("base.step", "3", "stages.base.step: no such setting; this section has: "),
    ("base.batchTokens", "9223372036854775807", "batchTokens: is 9223372036854775807; it must be at most 2147483647"),
    ("thinker.promptsPerStep", "2147483648", "promptsPerStep: is 2147483648; it must be at most 2147483647"),
    ("base.packing", "tight", "config: stages.base.packing: "),
    ("corpus.count", "many", "config: stages.corpus.count: "),
    ("thinker.from", "corpus", "stage 'grpo' (stages.thinker) takes a checkpoint, but it is wired to a corpus"),
  ])
  func whatTheRecipeAloneShowsIsRefusedBeforeAnythingRuns(place: String, text: String, expected: String) async throws {
    let shop = try Workshop()
    defer { shop.remove() }
    let problem = await message {
      _ = try Graph(recipe: Self.recipe(place, text), stages: shop.registry.stages)
    }
    #expect(problem.contains(expected), "\(problem)")
    #expect(!problem.contains("\n"), "\(problem)")
  }

  @Test(arguments: [
    ("thinker.rewards", "[{name: acuracy}]", "no reward 'acuracy'; installed: accuracy, format, letters"),
    ("thinker.problems", "{name: riddles}", "no problem source 'riddles'; installed: knights-and-knaves, letters"),
    (
      "thinker.problems", "{name: knights-and-knaves, settings: {people: [99]}}",
      "config: stages.thinker.problems.settings.people[0]: expected 2 to 8, found 99"
    ),
    ("thinker.generator", "turbo", "config: stages.thinker.generator: no generator 'turbo'; installed: engine, naive"),
    (
      "thinker.evaluateEvery", "1", "config: stages.thinker.accuracyReward: is 'accuracy', which is none of the rewards"
    ),
    ("corpus.documents", "{name: novels}", "no document source 'novels'; installed: "),
    ("base.model.model_type", "gpt5", "config: stages.base.model.model_type: no model family 'gpt5'; installed: "),
    ("base.model.hidden_size", "0", "'hidden_size' is 0; it must be between 1 and 16777216"),
  ])
  func whatTheInstalledPartsShowIsRefusedBeforeAnythingRuns(
    place: String, text: String, expected: String
  ) async throws {
    let shop = try Workshop()
    defer { shop.remove() }
    let run = shop.run("run")
    let problem = await message {
      let graph = try Graph(recipe: Self.recipe(place, text), stages: shop.registry.stages)
      _ = try await graph.run(in: run)
    }
    #expect(problem.contains(expected), "\(problem)")
    #expect(!problem.contains("\n"), "\(problem)")
    #expect(!FileManager.default.fileExists(atPath: run.directory), "something has run")
  }

  @Test func aModelShorterThanItsRowsIsRefusedBeforeTheFirstStep() async throws {
    let shop = try Workshop()
    defer { shop.remove() }
    let recorder = MemoryRecorder()
    let problem = await message {
      let recipe = try Self.recipe("base.model.max_position_embeddings", "10")
      let graph = try Graph(recipe: recipe, stages: shop.registry.stages)
      _ = try await graph.run(in: shop.run("run", recorder: recorder))
    }
    #expect(problem.contains("sequenceLength: is 20, but the model's max_position_embeddings is 10"), "\(problem)")
    #expect(await recorder.steps.isEmpty)
  }
}
