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
/// | `fp8` | E4M3 | bfloat16, its result E5M6 | E4M3 | bfloat16 | bfloat16 | float32 | bfloat16, sums not rounded |
public struct PrecisionMap: Sendable, Hashable {
  /// Projections into and out of attention.
  public var projections: Precision
  /// What queries, keys, values and the result of attention are rounded to. Scores and sums are float32. Where the
  /// projections are in fp8, the result waits for the way back in E5M6.
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
  /// What AdamW's moments are stored in. Weights and gradients are float32 in every map.
  public var moments: DType
  /// Whether all scales of activations and gradients in fp8 are powers of two, which one byte holds and which divide
  /// without rounding; otherwise those alone for which they are published.
  public var usesPowersOfTwo = false

  /// The map that a run's one setting names.
  public init(_ precision: Precision) {
    switch precision {
    case .float32:
      (projections, attention, feedForward, experts) = (.float32, .float32, .float32, .float32)
      (combine, join, router, head, moments) = (.float32, .float32, .float32, .float32, .float32)
    case .bfloat16:
      // As torch's autocast has it, but for the head, whose logits autocast rounds.
      (projections, attention, feedForward, experts) = (.bfloat16, .bfloat16, .bfloat16, .bfloat16)
      (combine, join, router, head, moments) = (.bfloat16, .bfloat16, .float32, .bfloat16, .float32)
    case .float8:
      // DeepSeek-V3, section 3.3.1: linear maps alone are in fp8.
      (projections, attention, feedForward, experts) = (.float8, .bfloat16, .float8, .float8)
      (combine, join, router, head, moments) = (.bfloat16, .bfloat16, .float32, .bfloat16, .bfloat16)
    }
  }

  /// Linear maps that nothing special is published for.
  public var plainForm: Float8Form {
    Float8Form(inputHasPowersOfTwo: usesPowersOfTwo, gradientHasPowersOfTwo: usesPowersOfTwo)
  }
  /// The projection behind attention.
  public var attentionOutputForm: Float8Form {
    Float8Form(
      inputHasPowersOfTwo: usesPowersOfTwo, gradientHasPowersOfTwo: usesPowersOfTwo,
      keepsTwelveBits: projections == .float8)
  }
  /// The projections into experts, whose inputs are sent to them.
  public var expertInputForm: Float8Form {
    Float8Form(inputHasPowersOfTwo: true, gradientHasPowersOfTwo: usesPowersOfTwo)
  }
  /// The projections out of experts, to which gradients are sent.
  public var expertOutputForm: Float8Form {
    Float8Form(inputHasPowersOfTwo: usesPowersOfTwo, gradientHasPowersOfTwo: true)
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
