// Rotary position embedding (Su et al. 2021), in both pairings that checkpoints use.

/// Rotates part of each head by position-dependent angles. Inputs: x [T, heads · stride], cosines and sines
/// [positions, width / 2], positions int32 [T]. In each head, numbers offset ..< offset + width are rotated and the
/// rest is passed on. Interleaved pairs are (2i, 2i + 1); otherwise (i, i + width / 2).
public struct RotaryEmbedding: FusedOperation {
  public let name = "rotary"
  public let heads: Int
  public let offset: Int
  public let width: Int
  public let isInterleaved: Bool
  /// The whole result has its numbers. The gradient passes as if nothing had been rounded.
  public let precision: Precision
  public init(heads: Int, offset: Int, width: Int, isInterleaved: Bool, _ precision: Precision = .float32) {
    precondition(width % 2 == 0, "rotary: width \(width) is odd")
    (self.heads, self.offset, self.width, self.isInterleaved) = (heads, offset, width, isInterleaved)
    self.precision = precision.betweenLinearMaps
  }
  public func definition(_ inputs: [Tensor]) -> Tensor {
    let rows = inputs[0].shape[0]
    let stride = inputs[0].shape[1] / heads
    let half = width / 2
    let x = inputs[0].cast(to: .float32).reshaped([rows * heads, stride])
    let perHead = Tensor(
      inputs[3].integers().flatMap { [Int32](repeating: $0, count: heads) }, shape: [rows * heads], on: x.device)
    let (cosines, sines) = (inputs[1].gatherRows(perHead), inputs[2].gatherRows(perHead))
    let turning = x.slice(offset..<offset + width, axis: 1)
    let pairs =
      isInterleaved
      ? turning.reshaped([rows * heads, half, 2]).transposed([0, 2, 1]) : turning.reshaped([rows * heads, 2, half])
    let a = pairs.slice(0..<1, axis: 1).reshaped([rows * heads, half])
    let b = pairs.slice(1..<2, axis: 1).reshaped([rows * heads, half])
    let turned = Tensor.concatenated([a * cosines - b * sines, a * sines + b * cosines], axis: 1)
    let placed =
      isInterleaved
      ? turned.reshaped([rows * heads, 2, half]).transposed([0, 2, 1]).reshaped([rows * heads, width]) : turned
    var parts = [placed]
    if offset > 0 { parts.insert(x.slice(0..<offset, axis: 1), at: 0) }
    if offset + width < stride { parts.append(x.slice(offset + width..<stride, axis: 1)) }
    return Tensor.concatenated(parts, axis: 1).reshaped(inputs[0].shape).rounded(to: precision)
  }
}
