// DeepSeek-V3 trained with what it recomputes, and with everything kept: the same bits, and less memory.
import CPUBackend
import DeepSeek
import LanguageModels
import Layers
import ReferenceBackend
import Tensors
import Testing

/// A tiny model with a dense layer, a routed one and the module that predicts further.
private struct Form: CustomTestStringConvertible, Sendable {
  let testDescription: String
  let isHeadTied: Bool
  let queryRank: Int?
  let precision: Precision
  private init(_ name: String, isHeadTied: Bool = false, queryRank: Int? = 12, _ precision: Precision) {
    testDescription = "\(name), \(precision)"
    (self.isHeadTied, self.queryRank, self.precision) = (isHeadTied, queryRank, precision)
  }
  static let published = Precision.allCases.map { Form("as published", $0) }
  static let all =
    published
    + Precision.allCases.flatMap {
      [Form("tied head", isHeadTied: true, $0), Form("one projection of queries", queryRank: nil, $0)]
    }

  func model(on device: Device) throws -> DeepSeekV3Model {
    let configuration = """
      {"model_type": "deepseek_v3", "vocab_size": 50, "hidden_size": 32, "num_hidden_layers": 3,
       "first_k_dense_replace": 1, "intermediate_size": 48, "moe_intermediate_size": 16, "num_attention_heads": 2,
       "num_key_value_heads": 2, "q_lora_rank": \(queryRank.map(String.init) ?? "null"), "kv_lora_rank": 16,
       "qk_rope_head_dim": 8, "qk_nope_head_dim": 16, "v_head_dim": 16, "n_routed_experts": 4,
       "num_experts_per_tok": 2, "n_shared_experts": 1, "n_group": 2, "topk_group": 1, "norm_topk_prob": true,
       "routed_scaling_factor": 1.5, "num_nextn_predict_layers": 1, "max_position_embeddings": 64,
       "rope_theta": 1000.0, "rms_norm_eps": 1e-06, "initializer_range": 0.02, "tie_word_embeddings": \(isHeadTied)}
      """
    let weights = FreshWeights(seed: 3, standardDeviation: 0.3, on: device)
    return try DeepSeekV3Model(Array(configuration.utf8), from: Weights(weights), on: device).computing(in: precision)
  }
}

/// A step's loss and gradients, and the bytes in use between forward and back.
private struct Step {
  let loss: UInt32
  let gradients: [String: [UInt32]]
  let held: Int

  init(_ model: DeepSeekV3Model, _ recompute: Recompute, rows: [Int]) {
    var random = RandomStream(seed: 9)
    let sequences = rows.map { count in (0..<count).map { _ in Int32(random.next() % 50) } }
    let batch = TokenBatch(tokens: sequences.flatMap { $0 }, rows: sequences.map { .init(count: $0.count) })
    let targets = sequences.flatMap { $0.dropFirst() + [-1] }
    var options = TrainingOptions()
    (options.mtpLossWeight, options.balanceLossWeight, options.recompute) = (0.3, 0.01, recompute)
    var held = 0
    let (value, gradients) = valueAndGradients(of: model) { model in
      let pass = model.trainingPass(batch, targets: targets, options)
      let loss = pass.auxiliaryLoss.map { $0 - pass.logProbabilities.total() } ?? pass.logProbabilities.total()
      held = (model.device.backend as? CPUBackend)?.memoryStatistics.bytesInUse ?? 0
      return loss
    }
    loss = value.scalar().bitPattern
    self.gradients = gradients.byName.mapValues { $0.floats().map(\.bitPattern) }
    self.held = held
  }
}

@Suite struct RecomputeTests {
  @Test(arguments: Form.all, InstructionSet.allCases.filter(\.isAvailable).map(\.rawValue) + ["reference"])
  fileprivate func everyGradientIsTheSameBits(form: Form, backend: String) throws {
    let device =
      InstructionSet(rawValue: backend).map { Device(CPUBackend(threads: 2, instructionSet: $0)) }
      ?? Device(ReferenceBackend())
    let model = try form.model(on: device)
    let rows = backend == "reference" ? [9, 1, 4] : [17, 1, 30, 8]
    let (kept, again) = (Step(model, .none, rows: rows), Step(model, .published, rows: rows))
    let trained = model.parameters.filter(\.isTrained).map(\.name)
    #expect(kept.gradients.keys.sorted() == trained.sorted() && trained.contains { $0.contains("eh_proj") })
    #expect(kept.loss == again.loss)
    for name in trained { #expect(kept.gradients[name] == again.gradients[name], "\(name)") }
    #expect(kept.gradients.values.joined().contains { Float(bitPattern: $0) != 0 })
  }

  /// Per token and layer: two norms [32], the norms of queries [12] and of the latent [16], queries [48], expanded keys
  /// and values [64], the gathered rows [2 · 32], and what leaves SwiGLU [2 · 16] and [16], each in the precision in
  /// which it would wait: one byte at least in fp8, which never holds what leaves SwiGLU. In float32 neither that nor the
  /// gathered rows are ever held.
  @Test(arguments: Form.published) fileprivate func whatIsPublishedIsNotHeld(form: Form) throws {
    let backend = CPUBackend(threads: 1)
    let model = try form.model(on: Device(backend))
    let rows = [64, 64, 64]
    let held = Recompute.allCases.map { Step(model, $0, rows: rows).held }
    let perToken = 2 * 32 + 12 + 16 + 48 + 64
    // Three layers and the prediction module's, in which each row has one token less and experts are chosen.
    let (numbers, gathered) = ((3 * 192 + 189) * perToken, (2 * 192 + 189) * 2 * 32)
    let activated = 192 * 48 + (2 * 192 + 189) * (2 * 16 + 16)
    let least =
      switch form.precision {
      case .float32: numbers * 4
      case .bfloat16: (numbers + gathered + activated) * 2
      case .float8: numbers + gathered
      }
    #expect(held[0] - held[1] >= least, "\(held), \(least) expected")
  }
}
