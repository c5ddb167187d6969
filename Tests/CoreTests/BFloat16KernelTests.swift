// bfloat16 products are chains over pairs, bit for bit, on every instruction set and whatever is computed beside them.
import CKernels
import ReferenceBackend
import Tensors
import Testing

@Suite struct BFloat16KernelTests {
  /// Odd extents, tails, several blocks of k, several groups of rows.
  static let shapes =
    ProductShape.all
    + [(1, 1, 40), (40, 2, 1), (16, 3, 64), (9, 1100, 37), (2, 8300, 40), (180, 35, 70), (15, 2100, 35)].map {
      ProductShape(m: $0.0, k: $0.1, n: $0.2)
    }

  private func packedFloats(
    _ kernels: ck_bf16_kernels, _ b: [Float], _ stride: Int, _ transposed: Int32, _ shape: ProductShape
  ) -> GuardedBuffer<UInt32> {
    let packed = GuardedBuffer<UInt32>(count: ck_bf16_packed_count(shape.k, shape.n), filledWith: 0xDEAD_BEEF)
    kernels.pack(packed.pointer, b, stride, transposed, shape.k, shape.n, 0, (shape.n + 31) / 32)
    return packed
  }
  private func packedShorts(
    _ kernels: ck_bf16_kernels, _ b: [Float], _ stride: Int, _ transposed: Int32, _ shape: ProductShape
  ) -> GuardedBuffer<UInt32> {
    let packed = GuardedBuffer<UInt32>(count: ck_bf16_packed_count(shape.k, shape.n), filledWith: 0xDEAD_BEEF)
    let shorts = b.map(HalfPrecision.bfloat16)
    kernels.pack_bf16(packed.pointer, shorts, stride, transposed, shape.k, shape.n, 0, (shape.n + 31) / 32)
    return packed
  }
  private func turned(_ b: [Float], _ k: Int, _ n: Int) -> [Float] { (0..<n * k).map { b[$0 % k * n + $0 / k] } }

  @Test(arguments: shapes)
  func everyElementIsOneChainOfPairs(_ shape: ProductShape) {
    let (m, k, n) = (shape.m, shape.k, shape.n)
    let (lda, ldc) = (k + 3, n + 5)
    let (a, b, start) = (numbers(m * lda, seed: 1), numbers(k * n, seed: 2), numbers(m * n, seed: 3))
    let (x, y) = (a.map(BFloat16Chain.rounded), b.map(BFloat16Chain.rounded))
    let fresh = BFloat16Chain.product(shape, { x[$0 * lda + $1] }, { y[$0 * n + $1] })
    let continued = BFloat16Chain.product(shape, { x[$0 * lda + $1] }, { y[$0 * n + $1] }, from: start)
    for (set, table) in availableKernels() {
      let kernels = table.bf16.pointee
      let packed = packedFloats(kernels, b, n, 0, shape)
      let scratch = Floats(count: ck_gemm_scratch(k))
      for accumulate in [false, true] {
        let c = Floats((0..<m * ldc).map { $0 % ldc < n ? start[$0 / ldc * n + $0 % ldc] : 77 })
        kernels.product(
          c.pointer, ldc, a, lda, packed.pointer, m, n, k, 0, (n + 31) / 32, accumulate ? 1 : 0, scratch.pointer)
        let (values, expected) = (c.values, accumulate ? continued : fresh)
        let wrong = expected.indices.filter { i in
          values[i / n * ldc + i % n].bitPattern != expected[i].bitPattern
        }
        #expect(wrong.isEmpty, "\(set) \(accumulate): \(wrong.count) elements, the first at \(wrong.first ?? 0)")
        #expect(values.indices.allSatisfy { $0 % ldc < n || values[$0] == 77 }, "\(set) writes beyond column \(n)")
        #expect(c.isIntact && scratch.isIntact && packed.isIntact, "\(set)")
      }
    }
  }

  @Test(arguments: shapes)
  func everyWayToPackGivesTheSameWords(_ shape: ProductShape) {
    let (k, n) = (shape.k, shape.n)
    let b = numbers(k * n, seed: 2)
    let expected = (0..<ck_bf16_packed_count(k, n)).map { place -> UInt32 in
      let (pair, j) = (place % ((k + 1) / 2 * 32) / 32, place / ((k + 1) / 2 * 32) * 32 + place % 32)
      let number = { (p: Int) in p < k && j < n ? UInt32(HalfPrecision.bfloat16(b[p * n + j])) : 0 }
      return number(2 * pair) | number(2 * pair + 1) << 16
    }
    for (set, table) in availableKernels() {
      let (kernels, other) = (table.bf16.pointee, turned(b, k, n))
      let ways = [
        packedFloats(kernels, b, n, 0, shape), packedFloats(kernels, other, k, 1, shape),
        packedShorts(kernels, b, n, 0, shape), packedShorts(kernels, other, k, 1, shape),
      ]
      for (way, packed) in ways.enumerated() {
        #expect(packed.values == expected && packed.isIntact, "\(set), way \(way)")
      }
    }
  }

  @Test(arguments: shapes.filter { $0.n > 32 })
  func aRangeOfPanelsIsTheSameAndLeavesTheOthers(_ shape: ProductShape) {
    let (m, k, n) = (shape.m, shape.k, shape.n)
    let (a, b) = (numbers(m * k, seed: 1), numbers(k * n, seed: 2))
    let (x, y) = (a.map(BFloat16Chain.rounded), b.map(BFloat16Chain.rounded))
    let whole = BFloat16Chain.product(shape, { x[$0 * k + $1] }, { y[$0 * n + $1] })
    let panels = (n + 31) / 32
    for (set, table) in availableKernels() {
      let packed = GuardedBuffer<UInt32>(count: ck_bf16_packed_count(k, n), filledWith: 0)
      for panel in 0..<panels { table.bf16.pointee.pack(packed.pointer, b, n, 0, k, n, panel, panel + 1) }
      let scratch = Floats(count: ck_gemm_scratch(k))
      for (first, last) in [(0, 1), (panels - 1, panels), (1, panels)] {
        let c = Floats([Float](repeating: 77, count: m * n))
        table.bf16.pointee.product(c.pointer, n, a, k, packed.pointer, m, n, k, first, last, 0, scratch.pointer)
        let columns = first * 32..<min(n, last * 32)
        let expected = whole.indices.map { columns.contains($0 % n) ? whole[$0] : 77 }
        #expect(bits(c.values) == bits(expected), "\(set) panels \(first)..<\(last)")
        #expect(c.isIntact)
      }
    }
  }

  @Test(arguments: shapes.filter { $0.k > 0 && $0.k < 3000 })
  func theProductWithATransposeIsTheSameChains(_ shape: ProductShape) {
    let (m, k, n) = (shape.m, shape.k, shape.n)
    let (lda, ldb) = (m + 2, n + 1)
    let (a, b, start) = (numbers(k * lda, seed: 1), numbers(k * ldb, seed: 2), numbers(m * n, seed: 3))
    let (x, y) = (a.map(BFloat16Chain.rounded), b.map(BFloat16Chain.rounded))
    let fresh = BFloat16Chain.product(shape, { x[$1 * lda + $0] }, { y[$0 * ldb + $1] })
    let continued = BFloat16Chain.product(shape, { x[$1 * lda + $0] }, { y[$0 * ldb + $1] }, from: start)
    for (set, table) in availableKernels() {
      let scratch = Floats(count: ck_gemm_scratch(k))
      for accumulate in [false, true] {
        let c = Floats(start)
        table.bf16.pointee.product_at(c.pointer, n, a, lda, b, ldb, m, n, k, accumulate ? 1 : 0, scratch.pointer)
        #expect(bits(c.values) == bits(accumulate ? continued : fresh), "\(set) \(accumulate)")
        #expect(c.isIntact && scratch.isIntact)
      }
    }
  }
}

/// What the format itself does to numbers: rounding, its ends, and what is no number.
@Suite struct BFloat16NumberTests {
  /// [m, k] · [k, n] by the kernels of one set.
  private func product(_ table: ck_kernels, _ shape: ProductShape, _ a: [Float], _ b: [Float]) -> [Float] {
    let packed = GuardedBuffer<UInt32>(count: ck_bf16_packed_count(shape.k, shape.n), filledWith: 0)
    let (c, scratch) = (Floats(count: shape.m * shape.n), Floats(count: ck_gemm_scratch(shape.k)))
    let panels = (shape.n + 31) / 32
    table.bf16.pointee.pack(packed.pointer, b, shape.n, 0, shape.k, shape.n, 0, panels)
    table.bf16.pointee.product(
      c.pointer, shape.n, a, shape.k, packed.pointer, shape.m, shape.n, shape.k, 0, panels, 0, scratch.pointer)
    return c.values
  }
  private func same(_ a: Float, _ b: Float) -> Bool { a.bitPattern == b.bitPattern || (a.isNaN && b.isNaN) }

  @Test func bothFactorsAreRoundedAsTheDefinitionSays() {
    var random = RandomStream(seed: 5)
    var x = (0..<4000).map { _ in Float(bitPattern: UInt32(truncatingIfNeeded: random.next())) }
    // Ties between neighbours, and the ends of the range.
    x += (0..<512).map { Float(bitPattern: 0x3F80_8000 + UInt32($0) << 16) }
    x += [.infinity, -.infinity, .nan, 0, .greatestFiniteMagnitude, .leastNormalMagnitude, .leastNonzeroMagnitude]
    x += [Float.leastNormalMagnitude.nextDown, -Float.leastNormalMagnitude.nextDown, 0x1.FEFFFEp127, 0x1.FFp127]
    let expected = x.map { BFloat16Chain.rounded($0) + 0 }
    for (set, table) in availableKernels() {
      let left = product(table, ProductShape(m: x.count, k: 1, n: 1), x, [1])
      let right = product(table, ProductShape(m: 1, k: 1, n: x.count), [1], x)
      let wrong = x.indices.filter { !same(left[$0], expected[$0]) || !same(right[$0], expected[$0]) }
      #expect(wrong.isEmpty, "\(set) rounds \(wrong.prefix(3).map { x[$0] }) wrongly")
    }
  }

  @Test func sumsBelowTheNormalRangeAreZeros() {
    let shape = ProductShape(m: 24, k: 6, n: 70)
    var random = RandomStream(seed: 6)
    // Products between 2^-134 and 2^-118: some are subnormal, some sums climb out again.
    let numbers = { (count: Int) -> [Float] in
      (0..<count).map { _ in
        Float(sign: .plus, exponent: -67 + Int(random.next() % 9), significand: 1 + random.uniform())
          * (random.uniform() < 0.5 ? -1 : 1)
      }
    }
    let (a, b) = (numbers(shape.m * shape.k), numbers(shape.k * shape.n))
    let (x, y) = (a.map(BFloat16Chain.rounded), b.map(BFloat16Chain.rounded))
    let expected = BFloat16Chain.product(shape, { x[$0 * shape.k + $1] }, { y[$0 * shape.n + $1] })
    let flushed = (0..<shape.m * shape.n).filter { place in
      let sum = (0..<shape.k).reduce(Float(0)) { sum, p in
        sum.addingProduct(x[place / shape.n * shape.k + p], y[p * shape.n + place % shape.n])
      }
      return abs(sum - expected[place]) > 0x1p-130
    }
    #expect(flushed.count > 20, "the numbers are too large for this test to tell")
    for (set, table) in availableKernels() {
      #expect(bits(product(table, shape, a, b)) == bits(expected), "\(set)")
    }
  }

  @Test func arithmeticAfterwardsKnowsSmallNumbersAgain() {
    for (set, table) in availableKernels() {
      let small = product(table, ProductShape(m: 1, k: 1, n: 1), [1], [0x1p-100])[0] * 0x1p-40
      // Bits, because a processor that still flushes takes both sides of a comparison for zeros.
      #expect(small.bitPattern == 0x200, "\(set) leaves the processor flushing")
    }
  }

  @Test(arguments: [Float.infinity, -.infinity, .nan])
  func whatIsNoNumberStaysInItsRowAndColumn(_ value: Float) {
    let shape = ProductShape(m: 15, k: 9, n: 41)
    let (a, b) = (numbers(shape.m * shape.k, seed: 7), numbers(shape.k * shape.n, seed: 8))
    for p in [0, 3, 8] {
      var (rows, columns) = (a, b)
      rows[4 * shape.k + p] = value
      columns[p * shape.n + 33] = value
      let (x, y) = (rows.map(BFloat16Chain.rounded), columns.map(BFloat16Chain.rounded))
      let expected = BFloat16Chain.product(shape, { x[$0 * shape.k + $1] }, { y[$0 * shape.n + $1] })
      #expect(expected.indices.allSatisfy { expected[$0].isFinite != ($0 / 41 == 4 || $0 % 41 == 33) })
      for (set, table) in availableKernels() {
        let found = product(table, shape, rows, columns)
        #expect(zip(found, expected).allSatisfy(same), "\(set), number \(p)")
      }
    }
  }
}
