// Multi-token prediction (DeepSeek-V3, section 2.2): one more layer that predicts the token after the next.
import LanguageModels
import Layers
import Tensors

/// The module of depth 1. Embedding and head are the model's own.
struct PredictionModule: Module {
  var embeddingNorm: RMSNorm
  var hiddenNorm: RMSNorm
  /// Columns 0 ..< D read the embedding, D ..< 2D the hidden state: the checkpoint's order, not the paper's.
  var joined: Linear
  var layer: DecoderLayer
  var outputNorm: RMSNorm

  init(_ s: DeepSeekV3Settings, _ weights: Weights) throws {
    let epsilon = Float(s.normEpsilon)
    embeddingNorm = try RMSNorm(s.hiddenSize, epsilon: epsilon, weights["enorm"])
    hiddenNorm = try RMSNorm(s.hiddenSize, epsilon: epsilon, weights["hnorm"])
    joined = try Linear(2 * s.hiddenSize, s.hiddenSize, weights["eh_proj"])
    layer = try DecoderLayer(s, index: s.layers, weights)
    outputNorm = try RMSNorm(s.hiddenSize, epsilon: epsilon, weights["shared_head"]["norm"])
  }
  mutating func visit(_ visitor: inout some ParameterVisitor) {
    visitor("enorm", &embeddingNorm)
    visitor("hnorm", &hiddenNorm)
    visitor("eh_proj", &joined)
    layer.visit(&visitor)
    visitor("shared_head.norm", &outputNorm)
  }

  /// The state that predicts the token after the next: from the main model's normed state of each token and the
  /// embedding of the token that follows it.
  func callAsFunction(
    hidden: Tensor, nextEmbedding: Tensor, _ pass: AttentionPass, report: inout RoutingReport?
  ) -> Tensor {
    var none: AttentionMemory?
    var recomputed = Recomputation(isOn: pass.recomputes)
    defer { recomputed.giveBack() }
    let both = recomputed(hidden) { [embeddingNorm, hiddenNorm] in
      Tensor.concatenated([embeddingNorm(nextEmbedding), hiddenNorm($0)], axis: 1)
    }
    let x = joined(both, in: pass.precision.join)
    return outputNorm(layer(x, pass, memory: &none, report: &report))
  }
}
