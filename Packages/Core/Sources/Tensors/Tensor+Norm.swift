// The size of a tensor as one number on the host, in an order of additions that no number of threads changes.

extension Tensor {
  /// Σ x² of a float32 tensor in double precision: blocks of 4096 elements one after another, each with eight partial
  /// sums.
  public func sumOfSquares() -> Double { device.backend.sumOfSquares(self) }
}

extension Backend {
  public func sumOfSquares(_ x: Tensor) -> Double {
    x.floats().withUnsafeBufferPointer { x in
      (0..<SquareBlocks.count(x.count)).reduce(0) { $0 + SquareBlocks.sum($1, of: x) }
    }
  }
}

/// The blocks in which squares are added up.
package enum SquareBlocks {
  private static let length = 4096
  package static func count(_ elements: Int) -> Int { (elements + length - 1) / length }
  /// Σ x² of one block: element i goes to partial sum i mod 8, and what does not fill the eight comes last.
  package static func sum(_ block: Int, of x: UnsafeBufferPointer<Float>) -> Double {
    guard let base = x.baseAddress.map(UnsafeRawPointer.init) else { return 0 }
    var lanes = SIMD8<Double>(repeating: 0)
    var i = block * length
    let end = min(i + length, x.count)
    while i + 8 <= end {
      let v = SIMD8<Double>(base.loadUnaligned(fromByteOffset: 4 * i, as: SIMD8<Float>.self))
      lanes += v * v
      i += 8
    }
    var total = lanes.sum()
    while i < end {
      total += Double(x[i]) * Double(x[i])
      i += 1
    }
    return total
  }
}
