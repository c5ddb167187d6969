// Which part of a model multiplies in which precision: the one table that says so.
// It belongs to a run, not to a model's files; whoever computes with a model value computes in that value's map.
import Tensors

/// The precision of each kind of module. What is not named here is float32 in every map: master weights, gradients,
/// optimizers, embeddings, the stream between layers, norms, rotation angles, softmax, cross-entropy, and all sums.
///
/// | | projections | attention keeps | feed-forward, experts | combined outputs | joined inputs | gate | head |
/// |---|---|---|---|---|---|---|---|
/// | `float32` | float32 | float32 | float32 | float32 | float32 | float32 | float32 |
/// | `bf16` | bfloat16 | bfloat16 | bfloat16 | bfloat16 | bfloat16 | float32 | bfloat16, sums not rounded |
/// | `fp8` | E4M3 | bfloat16 | E4M3 | bfloat16 | bfloat16 | float32 | bfloat16, sums not rounded |
public struct PrecisionMap: Sendable, Hashable {
  /// Projections into and out of attention.
  public var projections: Precision
  /// What queries, keys, values and the result of attention are rounded to. Scores and sums are float32.
  public var attention: Precision
  /// Dense feed-forward layers.
  public var feedForward: Precision
  /// Routed and shared experts.
  public var experts: Precision
  /// What the outputs of experts wait for the way back in.
  public var combine: Precision
  /// The projection that joins the inputs of a prediction module.
  public var join: Precision
  /// The scores of experts, and those by which sparse attention chooses keys: a choice turns on their last bits.
  public var router: Precision
  /// The products behind logits. Their sums are not rounded, because probabilities are read from their differences.
  public var head: Precision

  /// The map that a run's one setting names.
  public init(_ precision: Precision) {
    switch precision {
    case .float32:
      (projections, attention, feedForward, experts) = (.float32, .float32, .float32, .float32)
      (combine, join, router, head) = (.float32, .float32, .float32, .float32)
    case .bfloat16:
      // As torch's autocast has it, but for the head, whose logits autocast rounds.
      (projections, attention, feedForward, experts) = (.bfloat16, .bfloat16, .bfloat16, .bfloat16)
      (combine, join, router, head) = (.bfloat16, .bfloat16, .float32, .bfloat16)
    case .float8:
      // DeepSeek-V3, section 3.3.1; the head is beyond its eight bits too.
      (projections, attention, feedForward, experts) = (.float8, .bfloat16, .float8, .float8)
      (combine, join, router, head) = (.bfloat16, .bfloat16, .float32, .bfloat16)
    }
  }
}

extension LanguageModel {
  /// The same weights, to be computed with in `precision`.
  public func computing(in precision: Precision) -> Self {
    var model = self
    model.precision = PrecisionMap(precision)
    return model
  }
}
