// The small parts that every model here is made of.
import Tensors

/// y = x · Wᵀ, for x [T, K] and W [N, K].
public struct Linear: Module {
  public var weight: Tensor
  public init(_ inputs: Int, _ outputs: Int, _ weights: Weights) throws {
    weight = try weights.tensor("weight", [outputs, inputs])
  }
  public func callAsFunction(_ x: Tensor, in precision: Precision = .float32, _ form: Float8Form = Float8Form())
    -> Tensor
  {
    LinearProduct(precision, form: form)(x, weight)
  }
  public mutating func visit(_ visitor: inout some ParameterVisitor) { visitor("weight", &weight) }
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

/// A table of vectors, one per token.
public struct Embedding: Module {
  public var weight: Tensor
  public init(_ vocabulary: Int, _ width: Int, _ weights: Weights) throws {
    weight = try weights.tensor("weight", [vocabulary, width], .embedding)
  }
  /// Rows of the table for int32 `tokens` [T].
  public func callAsFunction(_ tokens: Tensor) -> Tensor { weight.gatherRows(tokens) }
  public mutating func visit(_ visitor: inout some ParameterVisitor) { visitor("weight", &weight) }
}

/// down(silu(gate(x)) · up(x)): the feed-forward layer, and one expert.
public struct FeedForward: Module {
  public var gate: Linear
  public var up: Linear
  public var down: Linear
  public init(_ width: Int, inner: Int, _ weights: Weights) throws {
    gate = try Linear(width, inner, weights["gate_proj"])
    up = try Linear(width, inner, weights["up_proj"])
    down = try Linear(inner, width, weights["down_proj"])
  }
  /// `recomputes` keeps what enters SwiGLU for the gradient, and not what leaves it; so does fp8 in any case.
  public func callAsFunction(
    _ x: Tensor, in precision: Precision = .float32, _ form: Float8Form = Float8Form(), recomputes: Bool = false
  ) -> Tensor {
    var recomputed = Recomputation(isOn: recomputes || precision == .float8)
    defer { recomputed.giveBack() }
    let product = LinearProduct(precision, form: form)
    let hidden = recomputed(product(x, gate.weight, up.weight), keeping: precision) { SwiGLU(keeping: precision)($0) }
    return product(hidden, down.weight)
  }
  public mutating func visit(_ visitor: inout some ParameterVisitor) {
    visitor("gate_proj", &gate)
    visitor("up_proj", &up)
    visitor("down_proj", &down)
  }
}
