// The setting `recompute` of the stages that train: it changes no byte of what they make, and its choices are named.
import LanguageModels
import ProcessGraph
import Recipes
import Tensors
import Testing
import TrainingStages

@Suite struct RecomputeStageTests {
  @Test(arguments: Precision.allCases) func bothStagesMakeTheSameBytes(precision: Precision) async throws {
    let shop = try Workshop()
    defer { shop.remove() }
    let (corpus, base, run) = (try await shop.letters(), try await shop.base(), shop.run("run"))
    var (pretrained, reasoned) = ([CheckpointArtifact](), [CheckpointArtifact]())
    for recompute in Recompute.allCases {
      let pretrain = try Workshop.pretraining(steps: 4) {
        ($0.recompute, $0.microBatchTokens, $0.precision) = (recompute, 48, precision)
      }
      pretrained.append(try await run.perform(pretrain, on: corpus, as: "pretrain-\(recompute)"))
      let grpo = try GRPO(Workshop.reasoning(steps: 2) { ($0.recompute, $0.precision) = (recompute, precision) })
      reasoned.append(try await run.perform(grpo, on: base, as: "grpo-\(recompute)"))
    }
    #expect(pretrained.count == 2 && reasoned.count == 2)
    #expect(try bytes(pretrained[0].directory) == bytes(pretrained[1].directory))
    #expect(try bytes(reasoned[0].directory) == bytes(reasoned[1].directory))
    #expect(try bytes(reasoned[0].directory) != bytes(base.directory), "something was learnt")
  }

  @Test func aRecipeNamesOneOfTheChoices() async throws {
    let known = ConfigTree.table(["recompute": .string("published")])
    #expect(try PretrainSettings(overlaying: known).recompute == .published)
    #expect(try GRPOSettings(overlaying: known).recompute == .published)
    #expect(PretrainSettings().recompute == nil && GRPOSettings().recompute == nil)
    #expect(Precision.allCases.map { Recompute.usual(in: $0) } == [Recompute.none, Recompute.none, .published])
    let none = ConfigTree.table(["recompute": .string("none")])
    #expect(try PretrainSettings(overlaying: none).recompute == .some(Recompute.none))
    let unknown = ConfigTree.table(["recompute": .string("publish")])
    let wanted = "stages.base.recompute: expected one of none, published, found the text 'publish'"
    for problem in [
      await message { _ = try PretrainSettings(overlaying: unknown, at: "stages.base") },
      await message { _ = try GRPOSettings(overlaying: unknown, at: "stages.base") },
    ] {
      #expect(problem.contains(wanted), "\(problem)")
    }
  }
}
