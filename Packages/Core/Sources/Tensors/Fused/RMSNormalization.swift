// Root-mean-square normalisation (Zhang and Sennrich 2019).

/// y = x / √(mean x² + ε) · w over the last axis. Inputs: x [R, D], w [D].
public struct RMSNormalization: FusedOperation {
  public let name = "rms-norm"
  public let epsilon: Float
  public init(epsilon: Float) { self.epsilon = epsilon }
  public func definition(_ inputs: [Tensor]) -> Tensor {
    let (x, w) = (inputs[0], inputs[1])
    let rstd = ((x * x).mean(axis: 1) + epsilon).sqrt().reciprocal()
    return x * rstd.broadcast(to: x.shape) * w.reshaped([1, w.shape[0]]).broadcast(to: x.shape)
  }
}
