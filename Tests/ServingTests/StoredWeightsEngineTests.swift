// The engine with weights as a GGUF file holds them: answers do not depend on company, threads or how prompts were cut.
import CPUBackend
import DeepSeek
import Foundation
import GGUFModels
import Inference
import LanguageModels
import Layers
import Llama
import Plugins
import Recipes
import Tensors
import Testing
import Text

/// Writes a token as its number.
private struct NumberTokenizer: Tokenizer {
  let vocabularySize = 320
  let beginningOfSequence: TokenID? = nil
  let endOfSequence: TokenID? = nil
  func encode(_ text: String, recognizingSpecialTokens: Bool) -> [TokenID] { [] }
  func bytes(of token: TokenID) -> [UInt8] { Array(" \(token)".utf8) }
  func isSpecial(_ token: TokenID) -> Bool { false }
  func token(named text: String) -> TokenID? { nil }
}

@Suite struct StoredWeightsEngineTests {
  private static let configurations = [
    """
    {"model_type": "qwen2", "vocab_size": 320, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2,
     "num_attention_heads": 4, "num_key_value_heads": 2, "rms_norm_eps": 1e-06, "max_position_embeddings": 128,
     "rope_theta": 10000.0, "tie_word_embeddings": true}
    """,
    """
    {"model_type": "deepseek_v2", "vocab_size": 320, "hidden_size": 64, "intermediate_size": 96,
     "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 2, "q_lora_rank": null,
     "kv_lora_rank": 32, "qk_nope_head_dim": 32, "qk_rope_head_dim": 32, "v_head_dim": 32, "n_routed_experts": 4,
     "n_shared_experts": 1, "num_experts_per_tok": 2, "n_group": 1, "topk_group": 1, "moe_intermediate_size": 32,
     "norm_topk_prob": false, "routed_scaling_factor": 1.0, "first_k_dense_replace": 1, "scoring_func": "softmax",
     "topk_method": "greedy", "rms_norm_eps": 1e-06, "max_position_embeddings": 128, "rope_theta": 10000.0,
     "tie_word_embeddings": false}
    """,
  ]

  @Test(arguments: configurations.indices, [ConversionType.q8_0, .q4_0])
  func storedAnswersDependOnNothingButTheirPrompt(_ index: Int, _ type: ConversionType) async throws {
    let path = FileManager.default.temporaryDirectory.path + "/stored-engine-\(UUID().uuidString).gguf"
    defer { try? FileManager.default.removeItem(atPath: path) }
    let tree = try JSONDecoder().decode(ConfigTree.self, from: Data(Self.configurations[index].utf8))
    try SyntheticModel(tree, name: "small").write(path, as: type, seed: 5)
    let registry = try Registry([DeepSeekFamilies(), LlamaFamilies()])
    func engine(threads: Int, slots: Int, prefill: Int) throws -> InferenceEngine {
      let model = try ModelDirectory(path).model(registry, on: Device(CPUBackend(threads: threads)), weights: .stored)
      var settings = EngineSettings()
      (settings.slots, settings.capacity, settings.prefillTokens) = (slots, 64, prefill)
      return InferenceEngine(model, tokenizer: NumberTokenizer(), settings: settings)
    }
    var options = GenerationOptions()
    (options.maxTokens, options.seed) = (10, 11)
    var prompts: [Prompt] = []
    for p in 0..<6 {
      let tokens: [TokenID] = (0..<3 + 2 * p).map { i in TokenID((i * 41 + p * 13) % 320) }
      prompts.append(Prompt(tokens, request: UInt64(p)))
    }
    let together = try await engine(threads: 2, slots: 6, prefill: 4096).complete(prompts, options)
    let few = try await engine(threads: 1, slots: 2, prefill: 8).complete(prompts, options)
    let alone = try engine(threads: 2, slots: 1, prefill: 4096)
    #expect(together.count == prompts.count)
    for (i, prompt) in prompts.enumerated() {
      let single = try await alone.complete([prompt], options)[0]
      for other in [few[i], single] {
        #expect(other.tokens == together[i].tokens && other.tokens.count == 10)
        let (own, expected): ([Float], [Float]) = (other.logProbabilities, together[i].logProbabilities)
        #expect(zip(own, expected).allSatisfy { $0.bitPattern == $1.bitPattern })
      }
    }
    let statistics = await alone.statistics
    #expect(statistics.decodingSeconds > 0)
  }
}
