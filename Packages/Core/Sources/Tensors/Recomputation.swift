// What a gradient reads again and is cheap to make: not kept between forward and back but computed once more.
// DeepSeek-V3 does so with norms, the up-projections of attention, and SwiGLU (sections 3.2.3 and 3.3.3).

/// Tensors of one part of a forward pass whose bytes are given back when the part ends. The walk back makes them again
/// before it reads them, by the same operations on the same bytes, so gradients are equal bit for bit.
///
/// ```swift
/// var recomputed = Recomputation(isOn: true)
/// defer { recomputed.giveBack() }
/// return output(recomputed(x) { norm($0) })  // x is kept, norm(x) is not
/// ```
public struct Recomputation {
  private let isOn: Bool
  private var results: [Storage] = []

  /// Where it is off, or no gradient is asked for, everything is as if it was not there.
  public init(isOn: Bool) { self.isOn = isOn }

  /// `make(x)`. It runs again on the way back, so besides `x`, which is kept unless it is recomputed as well, it may
  /// read only what stays as it is: weights, positions. What it returns is new and nobody else's. `x` waits in
  /// `precision`, whose numbers it must have for the result to be the same: fp8 has few, so there the way back reads
  /// what `make` gives for the rounded `x`.
  public mutating func callAsFunction(
    _ x: Tensor, keeping precision: Precision = .float32, _ make: @escaping @Sendable (Tensor) -> Tensor
  ) -> Tensor {
    let result = make(x)
    guard isOn, let origin = result.origin, result.storage !== x.storage else { return result }
    let source = x.device.backend.keep(x.detached(), in: precision)
    result.storage.recompute { make(source()).storage }
    origin.recomputesResult(in: result.storage)
    results.append(result.storage)
    return result
  }

  /// Gives the bytes of every result so far back. From here on only the walk back may read them.
  public mutating func giveBack() {
    for storage in results { storage.giveBack() }
    results = []
  }
}
