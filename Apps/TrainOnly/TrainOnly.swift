// Training without a server: puzzles, a base model, reinforcement learning, in ordinary Swift. Every `let` at the end
// is an edge of the process graph. In a directory that has finished stages, those are not run again.
import CPUBackend
import DeepSeek
import Foundation
import LanguageModels
import Logging
import LogicPuzzles
import Optimizers
import Plugins
import ProcessGraph
import Recipes
import Tensors
import Text
import TrainingStages
import Verifiers

@main
struct TrainOnly {
  static func main() async {
    do {
      // The naive generator is enough to sample a few answers; InferencePlugin() would bring the batched one.
      let registry = try Registry([
        LanguageModelParts(), DeepSeekFamilies(), StandardRewards(), TrainingStagesPlugin(), LogicPuzzles(),
      ])
      let (recorder, device) = (MemoryRecorder(), Device(CPUBackend(threads: 2)))
      let run = Run(
        directory: CommandLine.arguments.dropFirst().first ?? "train-only", device: device, registry: registry,
        recorder: recorder, progress: SilentProgress(), logger: Logger(label: "train-only"))

      var reading = CorpusSettings()
      reading.documents = try PartChoice("knights-and-knaves", ConfigTree(yaml: "{people: [{people: 2}]}"))
      (reading.count, reading.vocabularySize, reading.preTokenizer) = (2000, 512, .whitespace)
      var learning = PretrainSettings()
      learning.model = try ConfigTree(yaml: Self.config)
      (learning.steps, learning.batchTokens, learning.sequenceLength) = (240, 2048, 256)
      (learning.optimizer.kind, learning.optimizer.learningRate) = (.muon, 3e-3)
      var reasoning = GRPOSettings()
      reasoning.problems = try PartChoice("knights-and-knaves", ConfigTree(yaml: "{people: [2]}"))
      (reasoning.generator, reasoning.maxTokens, reasoning.evaluateEvery) = ("naive", 96, 0)
      (reasoning.steps, reasoning.promptsPerStep, reasoning.groupSize) = (6, 4, 8)

      let corpus = try await run.perform(PrepareCorpus(reading))
      let base = try await run.perform(Pretrain(learning), on: corpus)
      let thinker = try await run.perform(GRPO(reasoning), on: base)
      print("rewards", await recorder.steps.compactMap { $0.values["reward"] }, "model", thinker.directory)
    } catch {
      print("train-only: \(error)")
      exit(1)
    }
  }

  static let config = """
    {model_type: deepseek_v3, hidden_size: 64, intermediate_size: 128, moe_intermediate_size: 32, num_hidden_layers: 2,
    first_k_dense_replace: 1, n_routed_experts: 4, num_experts_per_tok: 2, num_attention_heads: 2, kv_lora_rank: 32,
    qk_nope_head_dim: 16, qk_rope_head_dim: 16, v_head_dim: 32, rope_theta: 1000.0, max_position_embeddings: 256}
    """
}
