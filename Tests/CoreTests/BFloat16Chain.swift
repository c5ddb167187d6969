// What an element of a bfloat16 product is, step by step, for tests to compare with.
import ReferenceBackend

/// One element: a chain over pairs of numbers, the odd number of a pair first.
enum BFloat16Chain {
  /// The float that a number is rounded to.
  static func rounded(_ x: Float) -> Float { Float(bitPattern: UInt32(HalfPrecision.bfloat16(flushed(x))) << 16) }
  /// Numbers below the normal range count as zeros of their sign.
  static func flushed(_ x: Float) -> Float { x.isSubnormal ? (x.sign == .minus ? -0.0 : 0) : x }

  /// Σ a(p) · b(p) over 0 ..< k of numbers that are rounded already; after an odd k comes a pair of zeros.
  static func sum(_ k: Int, _ a: (Int) -> Float, _ b: (Int) -> Float, from start: Float = 0) -> Float {
    var sum = start
    for p in stride(from: 0, to: k, by: 2) {
      if p + 1 < k { step(a(p + 1), b(p + 1), &sum) } else { step(0, 0, &sum) }
      step(a(p), b(p), &sum)
    }
    return sum
  }
  private static func step(_ a: Float, _ b: Float, _ sum: inout Float) {
    sum = flushed(flushed(sum).addingProduct(a, b))
  }

  /// Every element of a product of rounded numbers, row by row.
  static func product(
    _ shape: ProductShape, _ a: (Int, Int) -> Float, _ b: (Int, Int) -> Float, from start: [Float]? = nil
  ) -> [Float] {
    (0..<shape.m * shape.n).map { place in
      let (i, j) = (place / shape.n, place % shape.n)
      return sum(shape.k, { a(i, $0) }, { b($0, j) }, from: start?[place] ?? 0)
    }
  }
}
