// The size of a tensor as one number on the host.

extension Tensor {
  /// Σ x² in double precision, in a fixed order: blocks of 4096 elements, each with eight partial sums.
  public func sumOfSquares() -> Double {
    precondition(dtype == .float32, "sumOfSquares: \(dtype) elements; float32 was expected")
    let count = shape.count
    let x = storage.address.assumingMemoryBound(to: Float.self)
    // Read where they are: a copy of every gradient would be the largest thing in a step's last part.
    return withExtendedLifetime(storage) {
      var total = 0.0
      for block in stride(from: 0, to: count, by: 4096) {
        var lanes = SIMD8<Double>(repeating: 0)
        var i = block
        let end = min(block + 4096, count)
        while i + 8 <= end {
          var v = SIMD8<Double>()
          for lane in 0..<8 { v[lane] = Double(x[i + lane]) }
          lanes += v * v
          i += 8
        }
        total += lanes.sum()
        while i < end {
          total += Double(x[i]) * Double(x[i])
          i += 1
        }
      }
      return total
    }
  }
}
