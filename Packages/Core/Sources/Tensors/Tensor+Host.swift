// Elements where they are, for host work that reads them once.

extension Tensor {
  /// Calls `body` with the elements of a float32 tensor in place, valid inside `body` only.
  public func withFloats<Result>(_ body: (UnsafeBufferPointer<Float>) throws -> Result) rethrows -> Result {
    precondition(dtype == .float32, "Tensor: asked for float32 elements of a \(dtype) tensor")
    defer { withExtendedLifetime(storage) {} }
    let start = UnsafePointer(storage.address.assumingMemoryBound(to: Float.self))
    return try body(UnsafeBufferPointer(start: start, count: shape.count))
  }
}
