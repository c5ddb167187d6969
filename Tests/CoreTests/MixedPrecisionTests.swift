// Linear maps in bfloat16 inside the gradient graph: their definition, their chains, and what they leave behind.
import CPUBackend
import Layers
import Tensors
import Testing

@Suite struct MixedPrecisionTests {
  /// Every linear operation at even and odd extents; results are the sums or rounded.
  static func cases(roundsResult: Bool) -> [FusedCase] {
    func random(_ shapes: Shape...) -> [Operand] {
      shapes.enumerated().map { .random($0.element, seed: UInt64($0.offset) + 31) }
    }
    let linear = LinearProduct(.bfloat16, roundsResult: roundsResult)
    let two = GroupedLinearProduct(
      offsets: [0, 0, 3, 10], partsPerGroup: 2, .bfloat16, roundsResult: roundsResult)
    let one = GroupedLinearProduct(offsets: [0, 5], partsPerGroup: 1, .bfloat16, roundsResult: roundsResult)
    return [
      FusedCase("one number", linear, random([1, 1], [1, 1])),
      FusedCase("one row", linear, random([1, 40], [70, 40])),
      FusedCase("even parts", linear, random([7, 24], [6, 24], [34, 24], [1, 24])),
      FusedCase("odd parts", linear, random([7, 25], [5, 25], [33, 25], [1, 25])),
      FusedCase("long rows", linear, random([35, 1100], [45, 1100])),
      FusedCase("many rows", linear, random([190, 48], [100, 48])),
      FusedCase("no rows", linear, random([0, 4], [3, 4])),
      FusedCase("no columns", linear, random([3, 0], [4, 0])),
      FusedCase("odd groups", two, random([10, 20], [6, 20], [9, 20], [6, 20], [9, 20], [6, 20], [9, 20])),
      FusedCase("even groups", two, random([10, 20], [6, 20], [8, 20], [6, 20], [8, 20], [6, 20], [8, 20])),
      FusedCase("one group", one, random([5, 8], [40, 8])),
    ]
  }
  static let headwise = [
    FusedCase(
      "as it is", HeadwiseProduct(heads: 3, offset: 2, width: 5, isTransposed: false, .bfloat16),
      [.random([4, 15], seed: 1), .random([27, 33], seed: 2)]),
    FusedCase(
      "transposed", HeadwiseProduct(heads: 3, offset: 4, width: 5, isTransposed: true, .bfloat16),
      [.random([4, 99], seed: 1), .random([27, 33], seed: 2)]),
  ]

  private func compare(_ row: FusedCase, output: Float, gradient: Float) throws {
    let slow = Evaluation(Inputs(row.operands, tracked: row.tracked, on: .reference())) { row.operation($0) }
    for set in InstructionSet.available {
      let inputs = Inputs(row.operands, tracked: row.tracked, on: .cpu(set))
      _ = try #require(inputs.tensors[0].device.backend.accelerate(row.operation, inputs.tensors))
      let fast = Evaluation(inputs) { row.operation($0) }
      #expect(fast.shape == slow.shape)
      let error = distance(fast.output, slow.output)
      #expect(error <= output, "output on \(set) differs by \(error)")
      for (i, (f, s)) in zip(fast.gradients, slow.gradients).enumerated() {
        let error = distance(try #require(f), try #require(s))
        #expect(error <= gradient, "gradient of input \(i) on \(set) differs by \(error)")
      }
    }
  }

  @Test(arguments: cases(roundsResult: false))
  func sumsAndGradientsAreTheDefinitions(_ row: FusedCase) throws { try compare(row, output: 3e-5, gradient: 1e-4) }

  /// Two sums that differ in their last bits may be rounded to neighbours: 2^-7 of them apart at most.
  @Test(arguments: cases(roundsResult: true) + headwise)
  func roundedResultsAreTheDefinitionsOrTheirNeighbours(_ row: FusedCase) throws {
    try compare(row, output: 0x1p-7, gradient: 1e-4)
  }

  @Test(arguments: InstructionSet.available, [[1, 1, 1], [3, 7, 5], [13, 66, 34], [90, 129, 70], [8, 200, 300]])
  func theThreeProductsAreTheirChains(_ set: InstructionSet, _ e: [Int]) throws {
    let (t, k, n) = (e[0], e[1], e[2])
    let inputs = Inputs([.random([t, k], seed: 1), .random([n, k], seed: 2)], on: .cpu(set))
    let found = Evaluation(inputs) { LinearProduct(.bfloat16)($0) }
    let x = inputs.tensors[0].floats().map(BFloat16Chain.rounded)
    let w = inputs.tensors[1].floats().map(BFloat16Chain.rounded)
    let g = Operand.random([t * n], seed: 99).tensor(on: .cpu(set)).floats().map(BFloat16Chain.rounded)
    let y = BFloat16Chain.product(ProductShape(m: t, k: k, n: n), { x[$0 * k + $1] }, { w[$1 * k + $0] })
    let dx = BFloat16Chain.product(ProductShape(m: t, k: n, n: k), { g[$0 * n + $1] }, { w[$0 * k + $1] })
    let dw = BFloat16Chain.product(ProductShape(m: n, k: t, n: k), { g[$1 * n + $0] }, { x[$0 * k + $1] })
    #expect(bits(found.output) == bits(y.map(BFloat16Chain.rounded)))
    #expect(bits(try #require(found.gradients[0])) == bits(dx))
    #expect(bits(try #require(found.gradients[1])) == bits(dw))
  }

  @Test(arguments: InstructionSet.available, [[5, 3], [40, 45], [600, 70], [2060, 33]])
  func aRowIsTheSameAloneAndAmongOtherExperts(_ set: InstructionSet, _ extents: [Int]) {
    let (k, n) = (extents[0], extents[1])
    let device = Device.cpu(set)
    let x = Operand.random([101, k], seed: 1).tensor(on: device)
    let weights = [Operand.random([n, k], seed: 2), .random([8, k], seed: 3)].map { $0.tensor(on: device) }
    let whole = LinearProduct(.bfloat16)([x] + weights).floats()
    let width = n + 8
    for (start, count) in [(0, 1), (17, 1), (100, 1), (3, 2), (5, 6), (8, 13), (20, 32), (21, 80)] {
      let part = LinearProduct(.bfloat16)([x.slice(start..<start + count, axis: 0)] + weights).floats()
      #expect(bits(part) == bits(Array(whole[start * width..<(start + count) * width])), "\(start) and \(count)")
    }
    let grouped = GroupedLinearProduct(offsets: [0, 7, 7, 101], partsPerGroup: 2, .bfloat16)
    let experts = grouped([x] + [weights, weights, weights].joined()).floats()
    #expect(bits(experts) == bits(whole))
  }

  @Test(arguments: [
    FusedCase(
      "cut rows", LinearProduct(.bfloat16), [.random([700, 96], seed: 1), .random([130, 96], seed: 2)]),
    FusedCase("cut panels", LinearProduct(.bfloat16), [.random([4, 512], seed: 1), .random([700, 512], seed: 2)]),
    FusedCase(
      "experts", GroupedLinearProduct(offsets: [0, 90, 400], partsPerGroup: 2, .bfloat16),
      [.random([400, 64], seed: 1)] + (2..<6).map { .random([50, 64], seed: $0) }),
  ])
  func outputsAndGradientsDoNotDependOnTheNumberOfThreads(_ row: FusedCase) {
    let results = [1, 2, 3].map { threads in
      Evaluation(Inputs(row.operands, on: .cpu(threads: threads))) { row.operation($0) }
    }
    for other in results.dropFirst() {
      #expect(bits(other.output) == bits(results[0].output))
      for (a, b) in zip(other.gradients, results[0].gradients) { #expect(a.map(bits) == b.map(bits)) }
    }
  }

  /// Operations that keep bfloat16, beside themselves with float32, on inputs that bfloat16 holds.
  @Test func whatIsKeptInBFloat16LosesNothing() throws {
    func rounded(_ shape: Shape, _ seed: UInt64) -> Operand {
      .floats(Operand.random(shape, seed: seed).tensor(on: .reference()).floats().map(BFloat16Chain.rounded), shape)
    }
    let slots = Operand.integers((0..<40).map { Int32(($0 * 7) % 20) }, [20, 2])
    let pairs: [(any FusedOperation, any FusedOperation, [Operand])] = [
      (SwiGLU(), SwiGLU(keeping: .bfloat16), [rounded([33, 30], 1)]),
      (SwiGLU(), SwiGLU(keeping: .bfloat16), [rounded([33, 128], 1)]),
      (ExpertCombine(), ExpertCombine(keeping: .bfloat16), [rounded([20, 15], 1), .random([20, 2], seed: 2), slots]),
    ]
    for (whole, kept, operands) in pairs {
      let results = [whole, kept].map { operation in Evaluation(Inputs(operands, on: .cpu())) { operation($0) } }
      #expect(bits(results[0].output) == bits(results[1].output))
      for (a, b) in zip(results[0].gradients, results[1].gradients) { #expect(a.map(bits) == b.map(bits)) }
    }
  }

  private static func attention(_ rows: [AttentionRow], isAbsorbed: Bool = false, _ width: Int = 12) -> CausalAttention
  {
    isAbsorbed
      ? CausalAttention(
        heads: 2, d1: 24, d2: 8, dv: 24, keyStride: 0, valueOffset: 0, valueStride: 0, scale: 0.2, rows: rows, .bfloat16
      )
      : CausalAttention(
        heads: 2, d1: width, d2: 8, dv: 10, keyStride: width + 10, valueOffset: width, valueStride: width + 10,
        scale: 0.2, rows: rows, .bfloat16)
  }

  /// Probabilities are rounded, and a row of them sums to 1: 2^-9 of the largest value, and a rounded result.
  @Test(arguments: InstructionSet.available, [1, 2, 9, 63, 64, 65, 150, 200])
  func attentionIsItsDefinitionToEightBits(_ set: InstructionSet, _ length: Int) throws {
    let rows = [
      AttentionRow(queryStart: 0, queryCount: 7, keyStart: 0),
      AttentionRow(queryStart: 7, queryCount: length, keyStart: 7),
    ]
    for width in [12, 13] {  // an odd one is left to the float32 kernels
      let operation = Self.attention(rows, width)
      let operands: [Operand] = [
        .random([length + 7, 2 * (width + 8)], seed: 1), .random([length + 7, 2 * (width + 10)], seed: 2),
        .random([length + 7, 8], seed: 3),
      ]
      let slow = Evaluation(Inputs(operands, on: .reference())) { operation($0) }
      let fast = Evaluation(Inputs(operands, on: .cpu(set))) { operation($0) }
      #expect(distance(fast.output, slow.output) < 0x1p-7)
      for (i, (f, s)) in zip(fast.gradients, slow.gradients).enumerated() {
        let error = distance(try #require(f), try #require(s))
        #expect(error < 0x1p-5, "gradient of input \(i) of width \(width) differs by \(error)")
      }
    }
  }

  @Test(arguments: InstructionSet.available, [false, true])
  func aQueryIsTheSameAloneInChunksAndInABatch(_ set: InstructionSet, _ isAbsorbed: Bool) {
    let device = Device.cpu(set)
    let (width, kvWidth, out) = isAbsorbed ? (64, 24, 48) : (40, 44, 20)
    let length = 150
    let q = Operand.random([length + 9, width], seed: 1).tensor(on: device)
    let kv = Operand.random([length + 9, kvWidth], seed: 2).tensor(on: device)
    let shared = Operand.random([length + 9, 8], seed: 3).tensor(on: device)
    let batch = [
      AttentionRow(queryStart: 0, queryCount: 9, keyStart: 0),
      AttentionRow(queryStart: 9, queryCount: length, keyStart: 9),
    ]
    let whole = Self.attention(batch, isAbsorbed: isAbsorbed)(q, kv, shared).floats()
    let parts = [(0, 1), (1, 1), (63, 1), (64, 1), (149, 1), (0, 150), (60, 10), (64, 64), (100, 50), (3, 2), (3, 7)]
    for (first, count) in parts {
      let row = AttentionRow(queryStart: 0, queryCount: count, first: first, keyStart: 9)
      let part = Self.attention([row], isAbsorbed: isAbsorbed)(
        q.slice(9 + first..<9 + first + count, axis: 0), kv, shared)
      let expected = Array(whole[(9 + first) * out..<(9 + first + count) * out])
      #expect(bits(part.floats()) == bits(expected), "queries \(first)..<\(first + count)")
    }
  }

  /// Heads in groups, and queries that choose their keys, at widths that the kernels of bfloat16 take and at odd ones.
  private static func shared(_ rows: [AttentionRow], _ width: Int, isSelective: Bool) -> CausalAttention {
    CausalAttention(
      heads: 4, d1: width, d2: 0, dv: width, keyStride: width, valueOffset: 2 * width, valueStride: width, scale: 0.2,
      rows: rows, groupSize: 2, isSelective: isSelective, .bfloat16)
  }
  /// Query i sees every key up to the twentieth, then every third and itself.
  private static func seen(_ count: Int) -> [Int32] {
    (0..<count).flatMap { i in
      let keys = (0...i).filter { i < 20 || $0 % 3 == i % 3 }.map { Int32($0) }
      return keys + [Int32](repeating: -1, count: count - keys.count)
    }
  }

  @Test(arguments: InstructionSet.available, [false, true])
  func groupsAndChoicesAreTheirDefinitionToEightBits(_ set: InstructionSet, _ isSelective: Bool) throws {
    let row = AttentionRow(queryStart: 0, queryCount: 70, keyStart: 0)
    for width in [12, 13] {
      let operation = Self.shared([row], width, isSelective: isSelective)
      let operands: [Operand] =
        [.random([70, 4 * width], seed: 1), .random([70, 4 * width], seed: 2)]
        + (isSelective ? [.integers(Self.seen(70), [70, 70])] : [])
      let slow = Evaluation(Inputs(operands, tracked: [0, 1], on: .reference())) { operation($0) }
      let fast = Evaluation(Inputs(operands, tracked: [0, 1], on: .cpu(set))) { operation($0) }
      #expect(distance(fast.output, slow.output) < 0x1p-7)
      for i in 0..<2 {
        let error = distance(try #require(fast.gradients[i]), try #require(slow.gradients[i]))
        #expect(error < 0x1p-5, "gradient of input \(i) of width \(width) differs by \(error)")
      }
    }
  }

  @Test(arguments: InstructionSet.available, [false, true])
  func aQueryInGroupsOrThatChoosesIsTheSameAlone(_ set: InstructionSet, _ isSelective: Bool) {
    let device = Device.cpu(set)
    let (count, width) = (90, 12)
    let inputs = [Operand.random([count, 48], seed: 1), .random([count, 48], seed: 2)].map { $0.tensor(on: device) }
    let chosen = Self.seen(count)
    func run(_ queries: Range<Int>) -> [UInt32] {
      let row = AttentionRow(queryStart: 0, queryCount: queries.count, first: queries.lowerBound, keyStart: 0)
      let own = Array(chosen[queries.lowerBound * count..<queries.upperBound * count])
      let selection = isSelective ? [Tensor(own, shape: [queries.count, count], on: device)] : []
      let attention = Self.shared([row], width, isSelective: isSelective)
      return bits(attention([inputs[0].slice(queries, axis: 0), inputs[1]] + selection).floats())
    }
    let whole = run(0..<count)
    for queries in [0..<1, 1..<2, 19..<20, 20..<21, 89..<90, 10..<30, 64..<90] {
      #expect(run(queries) == Array(whole[queries.lowerBound * 48..<queries.upperBound * 48]), "\(queries)")
    }
  }

  @Test func rotationRoundsItsResultAndNotItsGradient() throws {
    func rotary(_ precision: Precision) -> RotaryEmbedding {
      RotaryEmbedding(heads: 3, offset: 6, width: 8, isInterleaved: true, precision)
    }
    let operands: [Operand] = [
      .random([5, 51], seed: 1), .random([9, 4], seed: 3), .random([9, 4], seed: 4), .integers([0, 8, 3, 3, 1], [5]),
    ]
    let results = [Precision.float32, .bfloat16].map { precision in
      Evaluation(Inputs(operands, tracked: [0], on: .cpu())) { rotary(precision)($0) }
    }
    #expect(bits(results[1].output) == bits(results[0].output.map(BFloat16Chain.rounded)))
    #expect(results[1].gradients[0].map(bits) == results[0].gradients[0].map(bits))
  }

  /// A graph holds what gradients read again, and nothing else: not the float32 input of a product in bfloat16.
  @Test func anInputThatWasRoundedIsGivenBack() throws {
    let held = [Precision.float32, .bfloat16].map { precision in
      let backend = CPUBackend(threads: 1)
      let device = Device(backend)
      let x = Operand.random([64, 64], seed: 1).tensor(on: device)
      let w = Operand.random([64, 64], seed: 2).tensor(on: device)
      let before = backend.memoryStatistics.bytesInUse
      var after = 0
      _ = valueAndGradients(of: Pair(x: x, w: w)) { pair in
        let y = LinearProduct(precision)(pair.x * 2, pair.w)
        after = backend.memoryStatistics.bytesInUse - before
        return weightedTotal(y)
      }
      return after
    }
    // The result, and in either precision the packed weight and the input, 64 × 64 each.
    #expect(held == [3 * 64 * 64 * 4, 64 * 64 * (4 + 2 + 2)])
  }

  private struct Pair: Module {
    var x: Tensor
    var w: Tensor
    mutating func visit(_ visitor: inout some ParameterVisitor) {
      visitor("x", &x)
      visitor("w", &w)
    }
  }
}
