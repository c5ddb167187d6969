// The dense decoder of Llama, Mistral, Qwen2 and Qwen3 as a value: embedding, layers, norm, head.
import LanguageModels
import Layers
import Tensors

/// A dense decoder with grouped-query attention (Touvron et al. 2023): DeepSeek LLM, and what R1 was distilled into.
/// Copying it is a snapshot of every weight.
public struct LlamaModel: LanguageModel {
  public let settings: LlamaSettings
  /// The bytes of config.json, as they are written beside the weights.
  public let configuration: [UInt8]
  public let device: Device
  public var precision = PrecisionMap(.float32)
  let table: RotaryTable
  var embedding: Embedding
  var layers: [LlamaLayer]
  var norm: RMSNorm
  var head: Linear?

  public var vocabularySize: Int { settings.vocabularySize }
  public var contextLength: Int { settings.contextLength }

  /// Throws `ModelError` for a configuration that cannot be, and what `weights` throws for tensors that are missing.
  public init(_ configuration: [UInt8], from weights: Weights, on device: Device) throws {
    let s = try LlamaSettings(configuration)
    (settings, self.device) = (s, device)
    self.configuration = PublishedQuantization.removed(from: configuration)
    let model = weights["model"]
    embedding = try Embedding(s.vocabularySize, s.hiddenSize, model["embed_tokens"])
    layers = try (0..<s.layers).map { try LlamaLayer(s, model["layers"][$0]) }
    norm = try RMSNorm(s.hiddenSize, epsilon: Float(s.normEpsilon), model["norm"])
    head = s.isHeadTied ? nil : try Linear(s.hiddenSize, s.vocabularySize, weights["lm_head"])
    table = RotaryTable(s.rotary, width: s.attention.headWidth, positions: s.contextLength, on: device)
  }

  public mutating func visit(_ visitor: inout some ParameterVisitor) {
    visitor("model.embed_tokens", &embedding)
    visitor("model.layers", &layers)
    visitor("model.norm", &norm)
    visitor("lm_head", &head)
  }

  /// The projections of attention and feed-forward layers; no embedding, head, norm or bias.
  public func isHiddenMatrix(_ name: String) -> Bool { name.hasSuffix("_proj.weight") }

  /// Keys and values of every layer; `form` distinguishes forms of latent attention and changes nothing here.
  public func makeMemory(slots: Int, capacity: Int, form: AttentionForm) -> AttentionMemory {
    AttentionMemory(
      slots: slots, capacity: capacity, form: form, layers: settings.layers,
      widths: [settings.attention.memoryWidth], on: device)
  }

  public func hiddenStates(_ batch: TokenBatch, memory: inout AttentionMemory?) -> Tensor {
    hiddenStates(batch, memory: &memory, .none)
  }
  private func hiddenStates(_ batch: TokenBatch, memory: inout AttentionMemory?, _ recompute: Recompute) -> Tensor {
    let pass = AttentionPass(batch, table, memory: memory, in: precision, recompute, on: device)
    var x = embedding(Tensor(batch.tokens, shape: [batch.tokens.count], on: device))
    for (index, layer) in layers.enumerated() { x = layer(x, pass, index: index, memory: &memory) }
    return norm(x)
  }
  public func logits(_ hidden: Tensor) -> Tensor {
    LinearProduct(precision.head, roundsResult: false)(hidden, head?.weight ?? embedding.weight)
  }

  public func trainingPass(_ batch: TokenBatch, targets: [Int32], _ options: TrainingOptions) -> TrainingPass {
    var none: AttentionMemory?
    let logits = logits(hiddenStates(batch, memory: &none, options.recompute))
    return TrainingPass(
      logProbabilities: CrossEntropy()(logits, Tensor(targets, shape: [targets.count], on: device)))
  }
  /// A dense model has nothing that gradients do not train.
  public mutating func settle(_ observations: [RouterObservation], _ options: TrainingOptions) {}
}

/// One layer: attention, then the feed-forward layer, each behind a norm.
struct LlamaLayer: Module {
  var attentionNorm: RMSNorm
  var attention: GroupedQueryAttention
  var feedForwardNorm: RMSNorm
  var feedForward: FeedForward

  init(_ s: LlamaSettings, _ weights: Weights) throws {
    attentionNorm = try RMSNorm(s.hiddenSize, epsilon: Float(s.normEpsilon), weights["input_layernorm"])
    attention = try GroupedQueryAttention(s.attention, weights["self_attn"])
    feedForwardNorm = try RMSNorm(s.hiddenSize, epsilon: Float(s.normEpsilon), weights["post_attention_layernorm"])
    feedForward = try FeedForward(
      s.hiddenSize, inner: s.intermediateSize, hasBias: s.hasFeedForwardBias, weights["mlp"])
  }
  mutating func visit(_ visitor: inout some ParameterVisitor) {
    visitor("input_layernorm", &attentionNorm)
    visitor("self_attn", &attention)
    visitor("post_attention_layernorm", &feedForwardNorm)
    visitor("mlp", &feedForward)
  }

  func callAsFunction(_ x: Tensor, _ pass: AttentionPass, index: Int, memory: inout AttentionMemory?) -> Tensor {
    var recomputed = Recomputation(isOn: pass.recomputes)
    defer { recomputed.giveBack() }
    let own = recomputed(x) { [attentionNorm] in attentionNorm($0) }
    let attended = x + attention(own, pass, layer: index, memory: &memory)
    recomputed.giveBack()
    let normed = recomputed(attended) { [feedForwardNorm] in feedForwardNorm($0) }
    return attended + feedForward(normed, in: pass.precision.feedForward, recomputes: pass.recomputes)
  }
}
