// What the example learns from: puzzles about two people, and a small base model that has read solutions of them.
import Optimizers
import ProcessGraph
import Recipes
import Text
import TrainingStages

extension TrainAndServe {
  /// Two nodes of the process graph; in a directory that has them finished, they are only looked up.
  static func makeBase(_ run: Run) async throws -> CheckpointArtifact {
    var reading = CorpusSettings()
    reading.documents = try PartChoice("knights-and-knaves", ConfigTree(yaml: "{people: [{people: 2}]}"))
    (reading.count, reading.vocabularySize, reading.preTokenizer) = (2000, 512, .whitespace)
    var learning = PretrainSettings()
    learning.model = try ConfigTree(yaml: config)
    (learning.steps, learning.batchTokens, learning.sequenceLength) = (240, 2048, 256)
    (learning.optimizer.kind, learning.optimizer.learningRate) = (.muon, 3e-3)
    let corpus = try await run.perform(PrepareCorpus(reading))
    return try await run.perform(Pretrain(learning), on: corpus)
  }

  /// Reinforcement learning on new puzzles of the same kind, in small steps.
  static func puzzlePlan(_ steps: Int) throws -> GRPOSettings {
    var plan = GRPOSettings()
    plan.problems = try PartChoice("knights-and-knaves", ConfigTree(yaml: "{people: [2]}"))
    (plan.steps, plan.promptsPerStep, plan.groupSize, plan.maxTokens, plan.evaluateEvery) = (steps, 8, 8, 96, 0)
    return plan
  }

  static let config = """
    {model_type: deepseek_v3, hidden_size: 64, intermediate_size: 128, moe_intermediate_size: 32, num_hidden_layers: 2,
    first_k_dense_replace: 1, n_routed_experts: 4, num_experts_per_tok: 2, num_attention_heads: 2, kv_lora_rank: 32,
    qk_nope_head_dim: 16, qk_rope_head_dim: 16, v_head_dim: 32, rope_theta: 1000.0, max_position_embeddings: 256}
    """
}

/// Prints one line a step.
struct StepLines: ProgressReporter {
  func report(stage: String, done: Int, of total: Int, unit: String, detail: String) {
    if stage == "grpo" || done == total { print("\(stage) \(done)/\(total) \(detail)") }
  }
  func finish(stage: String, summary: String) { print("\(stage) \(summary)") }
  func note(_ sentence: String) { print(sentence) }
}
