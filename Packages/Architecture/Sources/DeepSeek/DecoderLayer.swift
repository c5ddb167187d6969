// One layer of the decoder: attention, then a dense or a routed feed-forward layer, each behind a norm.
import LanguageModels
import Layers
import Tensors

struct DecoderLayer: Module {
  let index: Int
  var attentionNorm: RMSNorm
  var attention: LatentAttention
  var feedForwardNorm: RMSNorm
  var dense: FeedForward?
  var routed: MixtureOfExperts?

  init(_ s: DeepSeekV3Settings, index: Int, _ weights: Weights) throws {
    self.index = index
    attentionNorm = try RMSNorm(s.hiddenSize, epsilon: Float(s.normEpsilon), weights["input_layernorm"])
    attention = try LatentAttention(s, weights["self_attn"])
    feedForwardNorm = try RMSNorm(s.hiddenSize, epsilon: Float(s.normEpsilon), weights["post_attention_layernorm"])
    if s.isDense(index) {
      dense = try FeedForward(s.hiddenSize, inner: s.intermediateSize, weights["mlp"])
    } else {
      routed = try MixtureOfExperts(s, weights["mlp"])
    }
  }
  mutating func visit(_ visitor: inout some ParameterVisitor) {
    visitor("input_layernorm", &attentionNorm)
    visitor("self_attn", &attention)
    visitor("post_attention_layernorm", &feedForwardNorm)
    visitor("mlp", &dense)
    visitor("mlp", &routed)
  }

  func callAsFunction(
    _ x: Tensor, _ pass: AttentionPass, memory: inout AttentionMemory?, report: inout RoutingReport?
  ) -> Tensor {
    var recomputed = Recomputation(isOn: pass.recomputes)
    defer { recomputed.giveBack() }
    let attentionInput = recomputed(x) { [attentionNorm] in attentionNorm($0) }
    let attended = x + attention(attentionInput, pass, layer: index, memory: &memory)
    recomputed.giveBack()
    let normed = recomputed(attended) { [feedForwardNorm] in feedForwardNorm($0) }
    if let dense {
      return attended
        + dense(normed, in: pass.precision.feedForward, pass.precision.plainForm, recomputes: pass.recomputes)
    }
    guard let routed else { preconditionFailure("DecoderLayer \(index): neither dense nor routed") }
    return attended
      + routed(normed, in: pass.precision, layer: index, report: &report, recomputes: pass.recomputes)
  }
}
