// The small parts that every model here is made of.
import Tensors

/// y = x · Wᵀ, plus b where there is one, for x [T, K], W [N, K] and b [N].
public struct Linear: Module {
  public var weight: Tensor
  public var bias: Tensor?
  public init(
    _ inputs: Int, _ outputs: Int, hasBias: Bool = false, _ weights: Weights, _ role: ParameterRole = .matrix
  ) throws {
    weight = try weights.tensor("weight", [outputs, inputs], role)
    bias = hasBias ? try weights.tensor("bias", [outputs], .bias) : nil
  }
  /// Products of a precision below float32 have its numbers, after the bias is added.
  public func callAsFunction(_ x: Tensor, in precision: Precision = .float32, _ form: Float8Form = Float8Form())
    -> Tensor
  {
    x.mapped(by: [weight], adding: bias, in: precision, form)
  }
  /// Several maps of one input in one product: one's columns after another's. All have a bias, or none has.
  public static func joined(
    _ maps: [Linear], _ x: Tensor, in precision: Precision = .float32, _ form: Float8Form = Float8Form()
  ) -> Tensor {
    let biases = maps.compactMap(\.bias)
    let bias = biases.isEmpty ? nil : Tensor.concatenated(biases, axis: 0)
    return x.mapped(by: maps.map(\.weight), adding: bias, in: precision, form)
  }
  public mutating func visit(_ visitor: inout some ParameterVisitor) {
    visitor("weight", &weight)
    visitor("bias", &bias)
  }
}

extension Tensor {
  /// The products of x and one weight after another, plus `bias`. What has the numbers of `precision` is rounded to it
  /// once: the sums alone, or with the bias, which is rounded too.
  func mapped(
    by weights: [Tensor], adding bias: Tensor?, in precision: Precision, _ form: Float8Form
  ) -> Tensor {
    let product = LinearProduct(precision, roundsResult: bias == nil, form: form)([self] + weights)
    guard let bias else { return product }
    return product.adding(bias.rounded(to: precision)).rounded(to: precision)
  }
  /// This matrix [T, N] with `row` [N] added to each of its rows; unchanged without one.
  func adding(_ row: Tensor?) -> Tensor {
    row.map { self + $0.reshaped([1, $0.shape[0]]).broadcast(to: shape) } ?? self
  }
}

/// Root-mean-square normalisation with a learned scale.
public struct RMSNorm: Module {
  public var weight: Tensor
  public let epsilon: Float
  public init(_ width: Int, epsilon: Float, _ weights: Weights) throws {
    weight = try weights.tensor("weight", [width], .scale)
    self.epsilon = epsilon
  }
  public func callAsFunction(_ x: Tensor) -> Tensor { RMSNormalization(epsilon: epsilon)(x, weight) }
  public mutating func visit(_ visitor: inout some ParameterVisitor) { visitor("weight", &weight) }
}

/// Layer normalisation (Ba et al. 2016) with a learned scale and shift.
public struct LayerNorm: Module {
  public var weight: Tensor
  public var bias: Tensor
  public let epsilon: Float
  public init(_ width: Int, epsilon: Float, _ weights: Weights) throws {
    weight = try weights.tensor("weight", [width], .scale)
    bias = try weights.tensor("bias", [width], .bias)
    self.epsilon = epsilon
  }
  public func callAsFunction(_ x: Tensor) -> Tensor {
    let centred = x - x.mean(axis: 1).broadcast(to: x.shape)
    let scale = ((centred * centred).mean(axis: 1) + epsilon).sqrt().reciprocal().broadcast(to: x.shape)
    return (centred * scale * weight.reshaped([1, weight.shape[0]]).broadcast(to: x.shape)).adding(bias)
  }
  public mutating func visit(_ visitor: inout some ParameterVisitor) {
    visitor("weight", &weight)
    visitor("bias", &bias)
  }
}

/// A table of vectors, one per token.
public struct Embedding: Module {
  public var weight: Tensor
  public init(_ vocabulary: Int, _ width: Int, _ weights: Weights) throws {
    weight = try weights.tensor("weight", [vocabulary, width], .embedding)
  }
  /// Rows of the table for int32 `tokens` [T], as float32.
  public func callAsFunction(_ tokens: Tensor) -> Tensor { weight.gatherRows(tokens).cast(to: .float32) }
  public mutating func visit(_ visitor: inout some ParameterVisitor) { visitor("weight", &weight) }
}

/// down(silu(gate(x)) · up(x)): the feed-forward layer, and one expert.
public struct FeedForward: Module {
  public var gate: Linear
  public var up: Linear
  public var down: Linear
  public init(_ width: Int, inner: Int, hasBias: Bool = false, _ weights: Weights) throws {
    gate = try Linear(width, inner, hasBias: hasBias, weights["gate_proj"])
    up = try Linear(width, inner, hasBias: hasBias, weights["up_proj"])
    down = try Linear(inner, width, hasBias: hasBias, weights["down_proj"])
  }
  /// `recomputes` keeps what enters SwiGLU for the gradient, and not what leaves it; so do float32 and fp8 in any case.
  public func callAsFunction(
    _ x: Tensor, in precision: Precision = .float32, _ form: Float8Form = Float8Form(), recomputes: Bool = false
  ) -> Tensor {
    if precision == .float32, let weights = trainedWeights {
      return GatedFeedForward(offsets: [0, x.shape[0]])([x] + weights)
    }
    var recomputed = Recomputation(isOn: recomputes || precision == .float8)
    defer { recomputed.giveBack() }
    let entering = Linear.joined([gate, up], x, in: precision, form)
    return down(recomputed(entering, keeping: precision) { SwiGLU(keeping: precision)($0) }, in: precision, form)
  }
  /// The weights as `GatedFeedForward` takes them while they are trained; nil otherwise, or where there is a bias.
  public var trainedWeights: [Tensor]? {
    guard gate.weight.isTracked else { return nil }
    let weights = [gate.weight, up.weight, down.weight]
    let fits = [gate, up, down].allSatisfy { $0.bias == nil && $0.weight.isTracked && $0.weight.dtype == .float32 }
    return fits ? weights : nil
  }
  public mutating func visit(_ visitor: inout some ParameterVisitor) {
    visitor("gate_proj", &gate)
    visitor("up_proj", &up)
    visitor("down_proj", &down)
  }
}
