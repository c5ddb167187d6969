// A whole recipe gives the same weights file and the same records on any number of threads.
import CPUBackend
import Foundation
import LanguageModels
import ProcessGraph
import Recipes
import Tensors
import Testing

@Suite struct ThreadsTests {
  private static let recipe = """
    seed: 9
    stages:
      corpus:
        stage: corpus
        documents: {name: letters}
        count: 48
        vocabularySize: 260
        preTokenizer: whitespace
      base:
        stage: pretrain
        from: corpus
        model: \(TinyModel.section.split(separator: "\n").joined(separator: " "))
        steps: 30
        batchTokens: 96
        sequenceLength: 24
        optimizer: {kind: muon, learningRate: 0.01, weightDecay: 0.1}
      thinker:
        stage: grpo
        from: base
        problems: {name: letters}
        rewards: [{name: letters}]
        accuracyReward: letters
        steps: 4
        promptsPerStep: 3
        groupSize: 4
        maxTokens: 10
        microBatchTokens: 60
        updatesPerRollout: 2
        beta: 0.02
        objective: {mtpLossWeight: 0.1, balanceLossWeight: 0.001, biasUpdateRate: 0.01}
        optimizer: {learningRate: 0.003}
        evaluateEvery: 2
        evaluationCount: 4
    """

  @Test func twoThreadsEndInTheBytesOfOne() async throws {
    var ends: [(base: Data, thinker: Data, course: Course)] = []
    for threads in [1, 2] {
      var shop = try Workshop()
      defer { shop.remove() }
      shop.device = Device(CPUBackend(threads: threads))
      let recorder = MemoryRecorder()
      let graph = try Graph(recipe: ConfigTree(yaml: Self.recipe), stages: shop.registry.stages)
      let made = try await graph.run(in: shop.run("whole", recorder: recorder))
      let models = try ["base", "thinker"].map { name in
        try bytes(try #require(made[name] as? CheckpointArtifact).directory)
      }
      ends.append((models[0], models[1], await Course(recorder)))
    }
    #expect(ends[0].base == ends[1].base && ends[0].thinker == ends[1].thinker)
    #expect(ends[0].course == ends[1].course)
    #expect(ends[0].base != ends[0].thinker, "nothing was learnt, so nothing is compared")
    #expect(ends[0].course.steps.count == 30 + 4 + 1, "an evaluation stands before the first step of GRPO")
  }
}
