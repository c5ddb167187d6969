// Matrix products are chains of fused multiply-adds over k, bit for bit, whatever is computed beside an element.
import CKernels
import Tensors
import Testing

/// One product: C [m, n] from A [m, k] and B [k, n], with A, B and C inside longer rows.
struct ProductShape: Sendable, CustomTestStringConvertible {
  let m: Int
  let k: Int
  let n: Int
  var testDescription: String { "\(m) × \(k) × \(n)" }
  static let all: [ProductShape] = [
    (1, 1, 1), (1, 7, 33), (2, 64, 32), (3, 5, 31), (5, 513, 70), (6, 16, 96), (7, 100, 65), (8, 30, 64), (12, 9, 128),
    (13, 40, 45), (14, 600, 33), (29, 21, 100), (33, 17, 34), (4, 0, 5), (90, 12, 40), (150, 9, 70),
    (70, 700, 40),
  ].map { ProductShape(m: $0, k: $1, n: $2) }
}

@Suite struct ProductKernelTests {
  /// The chain that defines every element, from `start`.
  private func chains(_ shape: ProductShape, _ a: (Int, Int) -> Float, _ b: (Int, Int) -> Float, from start: [Float])
    -> [Float]
  {
    var c = start
    for i in 0..<shape.m {
      for j in 0..<shape.n {
        var sum = c[i * shape.n + j]
        for p in 0..<shape.k { sum = sum.addingProduct(a(i, p), b(p, j)) }
        c[i * shape.n + j] = sum
      }
    }
    return c
  }
  /// Elements [rows, columns] out of rows of `stride` numbers.
  private func inside(_ c: Floats, _ rows: Int, _ columns: Range<Int>, stride: Int) -> [Float] {
    let all = c.values
    return (0..<rows).flatMap { r in columns.map { all[r * stride + $0] } }
  }

  @Test(arguments: ProductShape.all)
  func everyElementIsOneChainOfFusedMultiplyAdds(_ shape: ProductShape) {
    let (m, k, n) = (shape.m, shape.k, shape.n)
    let (lda, ldc) = (k + 3, n + 5)
    let (a, b, start) = (numbers(m * lda, seed: 1), numbers(k * n, seed: 2), numbers(m * n, seed: 3))
    let zero = [Float](repeating: 0, count: m * n)
    let fresh = chains(shape, { a[$0 * lda + $1] }, { b[$0 * n + $1] }, from: zero)
    let continued = chains(shape, { a[$0 * lda + $1] }, { b[$0 * n + $1] }, from: start)
    let transposed = (0..<n * k).map { b[$0 % k * n + $0 / k] }
    let panels = (n + 31) / 32
    for (set, table) in availableKernels() {
      let gemm = table.gemm.pointee
      let (packed, other) = (Floats(count: ck_packed_count(k, n)), Floats(count: ck_packed_count(k, n)))
      gemm.pack(packed.pointer, b, n, 0, k, n, 0, panels)
      gemm.pack(other.pointer, transposed, max(k, 1), 1, k, n, 0, panels)
      #expect(packed.values == other.values, "\(set): the packing of a transpose differs")
      #expect(packed.isIntact && other.isIntact)
      let scratch = Floats(count: ck_gemm_scratch(k))
      for accumulate in [false, true] {
        let c = Floats((0..<m * ldc).map { $0 % ldc < n ? start[$0 / ldc * n + $0 % ldc] : 77 })
        gemm.product(c.pointer, ldc, a, lda, packed.pointer, m, n, k, 0, panels, accumulate ? 1 : 0, scratch.pointer)
        #expect(bits(inside(c, m, 0..<n, stride: ldc)) == bits(accumulate ? continued : fresh), "\(set) \(accumulate)")
        #expect(inside(c, m, n..<ldc, stride: ldc).allSatisfy { $0 == 77 }, "\(set) writes beyond column \(n)")
        #expect(c.isIntact && scratch.isIntact)
      }
    }
  }

  @Test(arguments: ProductShape.all.filter { $0.n > 32 })
  func aRangeOfPanelsIsTheSameAndLeavesTheOthers(_ shape: ProductShape) {
    let (m, k, n) = (shape.m, shape.k, shape.n)
    let (a, b) = (numbers(m * k, seed: 1), numbers(k * n, seed: 2))
    let zero = [Float](repeating: 0, count: m * n)
    let whole = chains(shape, { a[$0 * k + $1] }, { b[$0 * n + $1] }, from: zero)
    let panels = (n + 31) / 32
    for (set, table) in availableKernels() {
      let packed = Floats(count: ck_packed_count(k, n))
      for panel in 0..<panels { table.gemm.pointee.pack(packed.pointer, b, n, 0, k, n, panel, panel + 1) }
      let scratch = Floats(count: ck_gemm_scratch(k))
      for (first, last) in [(0, 1), (panels - 1, panels), (1, panels)] {
        let c = Floats([Float](repeating: 77, count: m * n))
        table.gemm.pointee.product(c.pointer, n, a, k, packed.pointer, m, n, k, first, last, 0, scratch.pointer)
        let columns = first * 32..<min(n, last * 32)
        let expected = whole.indices.map { columns.contains($0 % n) ? whole[$0] : 77 }
        #expect(bits(c.values) == bits(expected), "\(set) panels \(first)..<\(last)")
        #expect(c.isIntact)
      }
    }
  }

  @Test(arguments: ProductShape.all.filter { $0.k > 0 })
  func theProductWithATransposeIsTheSameChains(_ shape: ProductShape) {
    let (m, k, n) = (shape.m, shape.k, shape.n)
    let (lda, ldb) = (m + 2, n + 1)
    let (a, b, start) = (numbers(k * lda, seed: 1), numbers(k * ldb, seed: 2), numbers(m * n, seed: 3))
    let zero = [Float](repeating: 0, count: m * n)
    let fresh = chains(shape, { a[$1 * lda + $0] }, { b[$0 * ldb + $1] }, from: zero)
    let continued = chains(shape, { a[$1 * lda + $0] }, { b[$0 * ldb + $1] }, from: start)
    for (set, table) in availableKernels() {
      let scratch = Floats(count: ck_gemm_scratch(k))
      for accumulate in [false, true] {
        let c = Floats(start)
        table.gemm.pointee.product_at(c.pointer, n, a, lda, b, ldb, m, n, k, accumulate ? 1 : 0, scratch.pointer)
        #expect(bits(c.values) == bits(accumulate ? continued : fresh), "\(set) \(accumulate)")
        #expect(c.isIntact && scratch.isIntact)
      }
    }
  }
}
