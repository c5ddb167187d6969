// What config.json may say: published ones amount to the published numbers, and whatever else stands in one is a model or
// one sentence, never a trap.
import CPUBackend
import DeepSeek
import Foundation
import LanguageModels
import Layers
import Llama
import Plugins
import Tensors
import Testing
import Text

private func families() throws -> Registry { try Registry([DeepSeekFamilies(), LlamaFamilies()]) }

/// The description of a configuration by the family that its `model_type` names.
private func describe(_ text: String) throws -> ModelDescription {
  let bytes = Array(text.utf8)
  return try families().families.make(ModelType.read(bytes, from: "config.json")).describe(bytes)
}

/// The sentence that a configuration is refused with; nil when it is not.
private func refusal(_ text: String) -> String? {
  do { _ = try describe(text) } catch { return "\(error)" }
  return nil
}

/// A tiny configuration of each family, as keys.
private let tiny: [String: [String: String]] = {
  let sizes = [
    "vocab_size": "16", "hidden_size": "8", "intermediate_size": "8", "num_hidden_layers": "2",
    "num_attention_heads": "4", "num_key_value_heads": "2", "max_position_embeddings": "32",
    "rms_norm_eps": "1e-6", "rope_theta": "10000", "tie_word_embeddings": "false", "hidden_act": "\"silu\"",
    "attention_bias": "false", "rope_scaling": "null", "quantization_config": "null",
  ]
  let dense = [
    "head_dim": "4", "mlp_bias": "false", "sliding_window": "null", "use_sliding_window": "false",
    "layer_types": "null",
  ]
  let routed = [
    "moe_intermediate_size": "4", "n_routed_experts": "4", "n_shared_experts": "1", "num_experts_per_tok": "2",
    "n_group": "2", "topk_group": "1", "norm_topk_prob": "true", "routed_scaling_factor": "2.5",
    "first_k_dense_replace": "1", "moe_layer_freq": "1", "num_nextn_predict_layers": "0", "scoring_func": "null",
    "topk_method": "null", "mlp_bias": "null", "mlp_layer_types": "null", "initializer_range": "0.02",
  ]
  let latent = [
    "q_lora_rank": "6", "kv_lora_rank": "6", "qk_nope_head_dim": "4", "qk_rope_head_dim": "4", "v_head_dim": "4",
    "rope_interleave": "true", "num_key_value_heads": "4",
  ]
  let index = ["index_n_heads": "2", "index_head_dim": "6", "index_topk": "3"]
  let wanted: [String: [[String: String]]] = [
    "llama": [dense], "mistral": [dense], "qwen2": [dense], "qwen3": [dense], "deepseek": [routed],
    "deepseek_v2": [routed, latent], "deepseek_v3": [routed, latent], "deepseek_v32": [routed, latent, index],
  ]
  return wanted.mapValues { $0.reduce(sizes) { $0.merging($1) { $1 } } }
}()

private let types = tiny.keys.sorted()

private let values = [
  "0", "-1", "1", "2", "3", "5", "64", "1000000", "16777216", "16777217", "9223372036854775807",
  "-9223372036854775808", "18446744073709551616", "1e3", "0.5", "-0.5", "1e308", "-1e308", "1e-320", "1e999", "NaN",
  "Infinity", "null", "true", "false", "\"\"", "\"silu\"", "\"gelu\"", "\"NaN\"", "\"greedy\"", "\"noaux_tc\"",
  "\"group_limited_greedy\"", "\"sigmoid\"", "\"softmax\"", "[]", "[1]", "[\"full_attention\"]",
  "[\"sliding_attention\"]", "{}", "{\"type\": \"yarn\"}", "{\"type\": \"dynamic\", \"factor\": 2}",
  "{\"type\": \"linear\", \"factor\": 0}", "{\"type\": \"linear\", \"factor\": 4}",
  "{\"type\": \"yarn\", \"factor\": 40, \"beta_fast\": 0}", "{\"type\": \"yarn\", \"factor\": -1}",
  "{\"type\": \"yarn\", \"factor\": 4, \"mscale\": -20, \"mscale_all_dim\": -20}",
  "{\"type\": \"yarn\", \"factor\": 1e-300, \"original_max_position_embeddings\": 0}",
  "{\"rope_type\": \"llama3\", \"factor\": 8}",
  "{\"rope_type\": \"llama3\", \"factor\": 8, \"low_freq_factor\": 4, \"high_freq_factor\": 4}",
  "{\"rope_type\": \"llama3\", \"factor\": 8, \"low_freq_factor\": 1, \"high_freq_factor\": 4}",
  "{\"quant_method\": \"fp8\", \"weight_block_size\": [128, 128]}", "{\"quant_method\": \"fp8\"}",
  "{\"quant_method\": \"gptq\", \"bits\": 4}",
]

private let impossible: [(type: String, key: String, value: String?, says: String)] = [
  ("llama", "num_attention_heads", "0", "num_attention_heads"), ("llama", "num_key_value_heads", "3", "divisor"),
  ("llama", "num_key_value_heads", "0", "num_key_value_heads"), ("llama", "head_dim", "5", "even"),
  ("llama", "head_dim", "-4", "head_dim"), ("llama", "hidden_size", "-8", "hidden_size"),
  ("llama", "vocab_size", nil, "'vocab_size' is missing"), ("llama", "rope_theta", "NaN", "JSON"),
  ("llama", "rope_scaling", "{\"type\": \"dynamic\", \"factor\": 2}", "dynamic"),
  ("llama", "hidden_act", "\"gelu\"", "silu"), ("llama", "quantization_config", "{\"quant_method\": \"awq\"}", "fp8"),
  ("mistral", "sliding_window", "16", "true"), ("qwen2", "use_sliding_window", "5", "use_sliding_window"),
  ("qwen3", "layer_types", "[\"sliding_attention\"]", "full_attention"),
  ("qwen3", "num_hidden_layers", "5000", "num_hidden_layers"),
  ("deepseek", "num_experts_per_tok", "5", "num_experts_per_tok"),
  ("deepseek_v2", "topk_method", "\"random\"", "greedy or group_limited_greedy or noaux_tc"),
  ("deepseek_v2", "scoring_func", "\"tanh\"", "softmax or sigmoid"),
  ("deepseek_v3", "n_group", "3", "divisor"), ("deepseek_v3", "topk_group", "3", "topk_group"),
  ("deepseek_v3", "qk_rope_head_dim", "3", "even"), ("deepseek_v3", "kv_lora_rank", nil, "kv_lora_rank"),
  ("deepseek_v3", "n_routed_experts", "9223372036854775807", "n_routed_experts"),
  ("deepseek_v3", "num_nextn_predict_layers", "2", "num_nextn_predict_layers"),
  ("deepseek_v32", "q_lora_rank", "null", "q_lora_rank"), ("deepseek_v32", "index_topk", "0", "index_topk"),
  ("deepseek_v32", "index_head_dim", "2", "index_head_dim"), ("deepseek_v32", "index_n_heads", nil, "index_n_heads"),
]

@Suite struct ConfigurationTests {
  @Test(arguments: PublishedModel.all) func publishedModelsAmountToThePublishedNumbers(model: PublishedModel) throws {
    let found = try describe(model.configuration)
    #expect(found.parameters == model.parameters)
    #expect(found.activeParameters == model.activeParameters)
    #expect(found.memoryBytesPerToken == model.memoryBytesPerToken)
    // The head multiplies, the embedding is looked up.
    let table = found.vocabularySize * found.hiddenSize
    #expect(found.flopsPerToken == 2 * (model.activeParameters - table))
  }

  @Test func aTiedHeadIsCountedOnceAndMultiplies() throws {
    let untied =
      "{\"model_type\": \"qwen2\", \"hidden_size\": 8, \"intermediate_size\": 8, \"num_hidden_layers\": 1, "
      + "\"num_attention_heads\": 2, \"vocab_size\": 100, \"tie_word_embeddings\": false}"
    let (apart, tied) = (try describe(untied), try describe(untied.replacingOccurrences(of: "false", with: "true")))
    #expect(apart.parameters == tied.parameters + 800 && apart.flopsPerToken == tied.flopsPerToken)
  }

  // MARK: What cannot be

  private func text(_ type: String, _ keys: [String: String]) -> String {
    let all = keys.merging(["model_type": "\"\(type)\""]) { old, _ in old }
    return "{" + all.sorted { $0.key < $1.key }.map { "\"\($0.key)\": \($0.value)" }.joined(separator: ", ") + "}"
  }
  private func text(_ type: String, with key: String, _ value: String?) -> String {
    var keys = tiny[type] ?? [:]
    keys[key] = value
    return text(type, keys)
  }

  /// Builds a small model with fresh weights and reads a few tokens with it.
  private func run(_ text: String) throws -> [Float] {
    let device = Device(CPUBackend(threads: 1))
    let weights = Weights(FreshWeights(seed: 1, standardDeviation: 0.2, on: device))
    let bytes = Array(text.utf8)
    let family = try families().families.make(ModelType.read(bytes, from: "config.json"))
    let model = try family.build(bytes, weights, device)
    let count = min(model.contextLength, 6)
    let tokens = (0..<count).map { Int32($0 % model.vocabularySize) }
    var memory: AttentionMemory? = model.makeMemory(slots: 1, capacity: count, form: .absorbed)
    let batch = TokenBatch(tokens: tokens, rows: [.init(count: count)])
    let through = model.logits(model.hiddenStates(batch, memory: &memory)).floats()
    return model(batch).floats() + through
  }

  @Test(arguments: types) func theTinyConfigurationsRun(type: String) throws {
    #expect(try run(text(type, tiny[type] ?? [:])).allSatisfy { $0.isFinite })
  }

  /// Every key of every family with every odd value: a sentence, or a model that runs if it is small.
  @Test(arguments: types) func anyValueOfAnyKeyIsAModelOrASentence(type: String) throws {
    var (refused, ran) = (0, 0)
    for key in (tiny[type] ?? [:]).keys.sorted() {
      for value in values.map(Optional.some) + [nil] {
        let text = text(type, with: key, value)
        if let sentence = refusal(text) {
          refused += 1
          #expect(sentence.hasPrefix("config.json: "), "\(key) = \(value ?? "missing"): \(sentence)")
          #expect(!sentence.contains("\n") && sentence.count < 300, "\(key) = \(value ?? "missing"): \(sentence)")
          continue
        }
        let described = try describe(text)
        #expect(described.parameters > 0 && described.activeParameters <= described.parameters)
        _ = described.memoryBytesPerToken * described.contextLength + 4 * described.parameters  // must not overflow
        guard described.parameters < 100_000, described.contextLength <= 1000 else { continue }
        ran += 1
        #expect(try run(text).count == 2 * min(described.contextLength, 6) * described.vocabularySize, "\(text)")
      }
    }
    #expect(refused > 100 && ran > 100)
  }

  /// Two odd values at once, where one may excuse the other.
  @Test(arguments: types) func sizesThatDoNotFitEachOtherAreASentence(type: String) throws {
    let sizes = ["0", "3", "2048", "9223372036854775807"]
    var refused = 0
    let keys = (tiny[type] ?? [:]).filter { Int($0.value) != nil }.keys.sorted()
    for (i, first) in keys.enumerated() {
      for second in keys[(i + 1)...] {
        for (a, b) in sizes.flatMap({ a in sizes.map { (a, $0) } }) {
          var all = tiny[type] ?? [:]
          (all[first], all[second]) = (a, b)
          guard let sentence = refusal(text(type, all)) else { continue }
          refused += 1
          #expect(sentence.hasPrefix("config.json: "), "\(first) = \(a), \(second) = \(b): \(sentence)")
        }
      }
    }
    #expect(refused > 100)
  }

  @Test func whatCannotBeIsNamed() throws {
    for (type, key, value, says) in impossible {
      // A window is only looked at where it is used.
      var keys = tiny[type] ?? [:]
      keys[key] = value
      if key == "sliding_window" { keys["use_sliding_window"] = "true" }
      let sentence = try #require(refusal(text(type, keys)), "\(type) with \(key) = \(value ?? "missing") is taken")
      #expect(sentence.contains(key == "sliding_window" ? "sliding_window" : says), "\(sentence)")
    }
  }

  @Test func aTableOfAnglesThatNoMemoryHoldsIsRefused() throws {
    for (type, key) in [("llama", "head_dim"), ("deepseek_v3", "qk_rope_head_dim")] {
      var keys = tiny[type] ?? [:]
      (keys[key], keys["max_position_embeddings"]) = ("64", "4194304")
      #expect(refusal(text(type, keys)) == nil)
      keys["max_position_embeddings"] = "4194305"
      let sentence = try #require(refusal(text(type, keys)))
      #expect(sentence.contains("at most 4194304 with rotations of 64"), "\(sentence)")
    }
  }

  @Test(arguments: ["", "{", "[]", "null", "{\"model_type\": 3}", "{\"model_type\": \"gpt2\"}", "\u{FEFF}{}"])
  func whatIsNoConfigurationIsASentence(text: String) throws {
    let sentence = try #require(refusal(text))
    #expect(!sentence.contains("\n") && sentence.count > 20)
  }
}
