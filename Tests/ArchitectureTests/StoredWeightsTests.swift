// Models that compute with matrices as a GGUF file holds them: close to the same model in float32, and as exact as any
// other about batches, threads and pieces. StoredDirectoryTests has those of directories.
import BlockFormats
import CPUBackend
import Checkpoints
import DeepSeek
import Foundation
import GGUF
import LanguageModels
import Layers
import Llama
import Plugins
import Recipes
import Tensors
import Testing
import Text

@testable import GGUFModels

/// Small models of random weights whose rows are whole blocks.
private enum SmallModel: String, CaseIterable, Sendable {
  case llama, qwen2, deepSeek

  var configuration: String {
    let common = """
      "vocab_size": 320, "hidden_size": 256, "intermediate_size": 256, "num_hidden_layers": 2, "rms_norm_eps": 1e-06,
      "max_position_embeddings": 128, "rope_theta": 10000.0
      """
    switch self {
    case .llama:
      return """
        {"model_type": "llama", "num_attention_heads": 4, "num_key_value_heads": 2, "tie_word_embeddings": false,
         \(common)}
        """
    case .qwen2:
      return """
        {"model_type": "qwen2", "num_attention_heads": 4, "num_key_value_heads": 2, "tie_word_embeddings": true,
         \(common)}
        """
    case .deepSeek:
      return """
        {"model_type": "deepseek_v3", "num_attention_heads": 2, "num_key_value_heads": 2, "q_lora_rank": 64,
         "kv_lora_rank": 64, "qk_nope_head_dim": 32, "qk_rope_head_dim": 32, "v_head_dim": 32, "n_routed_experts": 4,
         "n_shared_experts": 1, "num_experts_per_tok": 2, "n_group": 1, "topk_group": 1, "moe_intermediate_size": 64,
         "norm_topk_prob": true, "routed_scaling_factor": 1.0, "first_k_dense_replace": 1, "scoring_func": "sigmoid",
         "tie_word_embeddings": false, \(common)}
        """
    }
  }

  func write(_ path: String, as type: ConversionType) throws {
    let tree = try JSONDecoder().decode(ConfigTree.self, from: Data(configuration.utf8))
    try SyntheticModel(tree, name: rawValue).write(path, as: type, seed: 3)
  }
}

@Suite struct StoredWeightsTests {
  private let registry: Registry
  private let tokens = TokenBatch([(0..<24).map { TokenID($0 * 37 % 320) }])

  init() throws { registry = try Registry([DeepSeekFamilies(), LlamaFamilies()]) }

  private func open(_ path: String, _ form: WeightForm, threads: Int = 2) throws -> any LanguageModel {
    try ModelDirectory(path).model(registry, on: Device(CPUBackend(threads: threads)), weights: form)
  }

  @Test(
    arguments: SmallModel.allCases.map(\.rawValue), [ConversionType.q8_0, .q4_0, .q5_1, .q4_K_M, .q6_K, .bf16, .f16])
  func storedWeightsGiveTheLogitsOfTheirNumbers(_ name: String, _ type: ConversionType) throws {
    let scratch = try ModelScratch()
    try #require(SmallModel(rawValue: name)).write(scratch.path + "/x.gguf", as: type)
    let stored = try open(scratch.path + "/x.gguf", .stored)
    let wide = try open(scratch.path + "/x.gguf", .float32)
    #expect(stored.parameters.contains { $0.tensor.dtype != .float32 })
    #expect(wide.parameters.allSatisfy { $0.tensor.dtype == .float32 })
    for vector in stored.parameters where vector.tensor.shape.rank == 1 || vector.name.hasSuffix("mlp.gate.weight") {
      #expect(vector.tensor.dtype == .float32, "\(vector.name)")
    }
    let (own, expected) = (stored(tokens).floats(), wide(tokens).floats())
    let spread = (expected.reduce(0) { $0 + $1 * $1 } / Float(expected.count)).squareRoot()
    let error = (zip(own, expected).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } / Float(own.count)).squareRoot()
    // Activations of eight bits: half a percent a product. Sixteen-bit weights lose nothing.
    #expect(error <= (type.base.isQuantised ? 0.03 : 1e-4) * spread, "\(error) of \(spread)")
  }

  @Test(arguments: SmallModel.allCases.map(\.rawValue))
  func storedWeightsWriteTheSameGreedyTokens(_ name: String) throws {
    let scratch = try ModelScratch()
    try #require(SmallModel(rawValue: name)).write(scratch.path + "/x.gguf", as: .q8_0)
    func answer(_ form: WeightForm) throws -> [Int] {
      let model = try open(scratch.path + "/x.gguf", form)
      var sequence = (0..<6).map { TokenID($0 * 53 % 320) }
      return (0..<12).map { _ in
        let logits = model(TokenBatch([sequence])).floats()
        let last = logits.suffix(320)
        let best = last.withContiguousStorageIfAvailable { TokenSampler.argmax($0) } ?? -1
        sequence.append(TokenID(best))
        return best
      }
    }
    #expect(try answer(.stored) == answer(.float32))
  }

  /// A row's bits depend neither on the rows beside it, nor on how many threads there are, nor on how it was cut.
  @Test(arguments: SmallModel.allCases.map(\.rawValue), [ConversionType.q8_0, .q4_0, .q4_K_M])
  func storedWeightsAreRowExact(_ name: String, _ type: ConversionType) throws {
    let scratch = try ModelScratch()
    try #require(SmallModel(rawValue: name)).write(scratch.path + "/x.gguf", as: type)
    let (one, two) = (
      try open(scratch.path + "/x.gguf", .stored, threads: 1), try open(scratch.path + "/x.gguf", .stored)
    )
    let sequences = (0..<5).map { s in (0..<7 + s).map { TokenID(($0 * 31 + s * 97) % 320) } }
    let together = two(TokenBatch(sequences)).floats()
    var start = 0
    for sequence in sequences {
      let alone = one(TokenBatch([sequence])).floats()
      let part = together[start..<start + alone.count]
      #expect(zip(alone, part).allSatisfy { $0.bitPattern == $1.bitPattern }, "\(sequence.count)")
      start += alone.count
    }
    for form in AttentionForm.allCases {
      let whole = pieces(of: sequences[4], [11], two, form)
      #expect(whole == pieces(of: sequences[4], [3, 1, 5, 2], one, form), "\(form)")
    }
  }

  /// The bits of all logits of a sequence that is read through a memory in pieces.
  private func pieces(
    of sequence: [TokenID], _ counts: [Int], _ model: any LanguageModel, _ form: AttentionForm
  ) -> [UInt32] {
    var memory: AttentionMemory? = model.makeMemory(slots: 2, capacity: 16, form: form)
    var (bits, first) = ([UInt32](), 0)
    for count in counts {
      let batch = TokenBatch(
        tokens: sequence[first..<first + count].map(\.rawValue), rows: [.init(count: count, first: first, slot: 1)])
      bits += model.logits(model.hiddenStates(batch, memory: &memory)).floats().map(\.bitPattern)
      first += count
    }
    return bits
  }

  /// Unquantised halves are the same numbers as the whole, so the textbook form has the same bits.
  @Test func halvesOfLatentAttentionAreTheWhole() throws {
    let scratch = try ModelScratch()
    try SmallModel.deepSeek.write(scratch.path + "/x.gguf", as: .f32)
    let (stored, wide) = (try open(scratch.path + "/x.gguf", .stored), try open(scratch.path + "/x.gguf", .float32))
    let names = stored.parameters.map(\.name)
    #expect(names.contains { $0.hasSuffix("k_b_proj.weight") } && !names.contains { $0.hasSuffix("kv_b_proj.weight") })
    #expect(stored(tokens).floats().map(\.bitPattern) == wide(tokens).floats().map(\.bitPattern))
    let sequence = (0..<9).map { TokenID($0 * 11) }
    let (halves, whole) = (
      pieces(of: sequence, [4, 5], stored, .absorbed), pieces(of: sequence, [4, 5], wide, .absorbed)
    )
    #expect(
      zip(halves, whole).allSatisfy { abs(Float(bitPattern: $0) - Float(bitPattern: $1)) <= 1e-4 } && !halves.isEmpty)
  }

  @Test func storedWeightsAreNotTrained() throws {
    let scratch = try ModelScratch()
    try SmallModel.llama.write(scratch.path + "/x.gguf", as: .q8_0)
    try open(scratch.path + "/x.gguf", .float32).requireTrainableWeights()
    let error = #expect(throws: ModelError.self) {
      try open(scratch.path + "/x.gguf", .stored).requireTrainableWeights()
    }
    #expect(error?.description.contains("only float32 weights are trained") == true)
  }

  @Test func aSyntheticVocabularyIsATokenizer() throws {
    let scratch = try ModelScratch()
    try SmallModel.qwen2.write(scratch.path + "/x.gguf", as: .q8_0)
    let tokenizer = try ModelDirectory(scratch.path + "/x.gguf").tokenizer()
    #expect(tokenizer.vocabularySize == 320)
    let text = "the sea, über 12 and 海"
    let ids = tokenizer.encode(text, recognizingSpecialTokens: false)
    #expect(ids.count < text.utf8.count)
    #expect(String(decoding: ids.flatMap { tokenizer.bytes(of: $0) }, as: UTF8.self) == text)
  }
}
