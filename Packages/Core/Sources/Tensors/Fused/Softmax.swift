// Numbers made positive with sum 1.

/// exp(x) / Σ exp(x) along each row of x [T, N].
public struct Softmax: FusedOperation {
  public let name = "softmax"
  public init() {}
  public func definition(_ inputs: [Tensor]) -> Tensor { inputs[0].softmax() }
}
