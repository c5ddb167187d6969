// The gated unit of every feed-forward layer here (Shazeer 2020).

/// silu(gate) · up. Input [T, 2·I] holds gate in its first half of columns and up in its second; the result is [T, I].
public struct SwiGLU: FusedOperation {
  public let name = "swiglu"
  /// What the input waits for the way back in. Nothing is lost where it has the numbers of that precision; in fp8 it is
  /// rounded, as published.
  public let kept: Precision
  public init(keeping kept: Precision = .float32) { self.kept = kept }
  public func definition(_ inputs: [Tensor]) -> Tensor {
    let width = inputs[0].shape[1] / 2
    let gate = inputs[0].slice(0..<width, axis: 1)
    let up = inputs[0].slice(width..<2 * width, axis: 1)
    return gate * gate.sigmoid() * up
  }
}
