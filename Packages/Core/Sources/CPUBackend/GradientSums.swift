// Gradients that are added to what has come from elsewhere, without a pass of their own.
import Tensors

extension CPUBackend {
  /// A gradient that `fill` writes, or nil where there is a `sum` and `fill` adds to that.
  func addOrMake(
    _ shape: Shape, on device: Device, _ sum: inout Tensor?,
    _ fill: (UnsafeMutablePointer<Float>, _ accumulates: Bool) -> Void
  ) -> Tensor? {
    guard var own = sum.take() else { return make(shape, on: device) { fill($0, false) } }
    precondition(
      own.dtype == .float32 && own.shape == shape, "gradient of \(shape): its sum is \(own.dtype) \(own.shape)")
    own.mutate { fill($0.assumingMemoryBound(to: Float.self), true) }
    sum = own
    return nil
  }
}
