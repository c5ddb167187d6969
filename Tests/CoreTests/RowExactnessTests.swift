// A row's result does not depend on its neighbours in the batch, nor any result on the number of threads.
import CPUBackend
import Layers
import Tensors
import Testing

@Suite struct RowExactnessTests {
  private func rows(_ x: [Float], _ width: Int, _ r: Int) -> [UInt32] { bits(Array(x[r * width..<(r + 1) * width])) }

  @Test(arguments: InstructionSet.available, [[5, 3], [40, 45], [600, 70], [1030, 33]])
  func aRowOfALinearProductIsTheSameAlone(_ set: InstructionSet, _ extents: [Int]) {
    let (k, n) = (extents[0], extents[1])
    let device = Device.cpu(set)
    let x = Operand.random([101, k], seed: 1).tensor(on: device)
    let weights = [Operand.random([n, k], seed: 2), .random([7, k], seed: 3)].map { $0.tensor(on: device) }
    let whole = LinearProduct()([x] + weights).floats()
    for (start, count) in [(0, 1), (1, 1), (17, 1), (100, 1), (3, 2), (5, 6), (8, 13), (20, 32), (21, 80)] {
      let part = LinearProduct()([x.slice(start..<start + count, axis: 0)] + weights).floats()
      let same = bits(part) == bits(Array(whole[start * (n + 7)..<(start + count) * (n + 7)]))
      #expect(same, "rows \(start)..<\(start + count) of \(k) × \(n)")
    }
  }

  @Test(arguments: InstructionSet.available)
  func anExpertsRowIsTheSameAmongOtherExperts(_ set: InstructionSet) {
    let device = Device.cpu(set)
    let x = Operand.random([40, 70], seed: 1).tensor(on: device)
    let weights = (0..<4).map { Operand.random([37, 70], seed: 10 + $0).tensor(on: device) }
    let offsets = [0, 1, 1, 18, 40]
    let whole = GroupedLinearProduct(offsets: offsets, partsPerGroup: 1)([x] + weights).floats()
    for group in 0..<4 {
      for r in offsets[group]..<offsets[group + 1] {
        let alone = LinearProduct()(x.slice(r..<r + 1, axis: 0), weights[group]).floats()
        #expect(bits(alone) == rows(whole, 37, r), "row \(r) of group \(group)")
      }
    }
  }

  @Test(arguments: InstructionSet.available)
  func normalisedAndGatedAndScoredRowsAreTheSameAlone(_ set: InstructionSet) {
    let device = Device.cpu(set)
    for width in [2, 30, 64, 258] {
      let x = Operand.random([50, width], seed: 1).tensor(on: device)
      let w = Operand.random([width], seed: 2).tensor(on: device)
      let targets = Tensor((0..<50).map { Int32($0 % 7 == 0 ? -1 : $0 % width) }, shape: [50], on: device)
      let normalised = RMSNormalization(epsilon: 1e-6)(x, w).floats()
      let gated = SwiGLU()(x).floats()
      let scored = CrossEntropy()(x, targets).floats()
      for r in [0, 1, 23, 49] {
        let row = x.slice(r..<r + 1, axis: 0)
        #expect(bits(RMSNormalization(epsilon: 1e-6)(row, w).floats()) == rows(normalised, width, r), "norm \(r)")
        #expect(bits(SwiGLU()(row).floats()) == rows(gated, width / 2, r), "swiglu \(r)")
        let alone = CrossEntropy()(row, targets.slice(r..<r + 1, axis: 0)).floats()
        #expect(bits(alone) == rows(scored, 1, r), "cross-entropy \(r)")
      }
    }
  }

  private func attention(_ rows: [AttentionRow], isAbsorbed: Bool) -> CausalAttention {
    isAbsorbed
      ? CausalAttention(
        heads: 2, d1: 24, d2: 8, dv: 24, keyStride: 0, valueOffset: 0, valueStride: 0, scale: 0.2, rows: rows)
      : CausalAttention(
        heads: 2, d1: 12, d2: 8, dv: 10, keyStride: 22, valueOffset: 12, valueStride: 22, scale: 0.2, rows: rows)
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
    let whole = attention(batch, isAbsorbed: isAbsorbed)(q, kv, shared).floats()
    for (first, count) in [(0, 1), (1, 1), (63, 1), (64, 1), (149, 1), (0, 150), (60, 10), (64, 64), (100, 50), (3, 2)]
    {
      let row = AttentionRow(queryStart: 0, queryCount: count, first: first, keyStart: 9)
      let part = attention([row], isAbsorbed: isAbsorbed)(q.slice(9 + first..<9 + first + count, axis: 0), kv, shared)
      let expected = Array(whole[(9 + first) * out..<(9 + first + count) * out])
      #expect(bits(part.floats()) == bits(expected), "queries \(first)..<\(first + count)")
    }
  }

  /// A query that is told to see everything before it does so as in dense attention, to the last bit.
  @Test(arguments: InstructionSet.available, [false, true])
  func choosingEveryKeyIsChoosingNone(_ set: InstructionSet, _ isAbsorbed: Bool) {
    let device = Device.cpu(set)
    let (width, kvWidth) = isAbsorbed ? (64, 24) : (40, 44)
    let rows = [
      AttentionRow(queryStart: 0, queryCount: 70, keyStart: 0),
      AttentionRow(queryStart: 70, queryCount: 3, first: 67, keyStart: 0),
    ]
    let inputs = [
      Operand.random([73, width], seed: 1), .random([70, kvWidth], seed: 2), .random([70, 8], seed: 3),
    ].map { $0.tensor(on: device) }
    let all = rows.flatMap { row in
      (0..<row.queryCount).flatMap { i in (0..<70).map { $0 <= row.first + i ? Int32($0) : -1 } }
    }
    var selective = attention(rows, isAbsorbed: isAbsorbed)
    selective.isSelective = true
    let found = selective(inputs + [Tensor(all, shape: [73, 70], on: device)])
    #expect(bits(found.floats()) == bits(attention(rows, isAbsorbed: isAbsorbed)(inputs).floats()))
  }

  @Test(arguments: InstructionSet.available)
  func aQueryThatChoosesIsTheSameAlone(_ set: InstructionSet) {
    let device = Device.cpu(set)
    let inputs = [Operand.random([100, 40], seed: 1), .random([100, 44], seed: 2), .random([100, 8], seed: 3)].map {
      $0.tensor(on: device)
    }
    // Query i sees every third key, and itself.
    let chosen = (0..<100).map { i in
      let seen = (0...i).filter { $0 % 3 == i % 3 }.map { Int32($0) }
      return seen + [Int32](repeating: -1, count: 34 - seen.count)
    }
    func run(_ queries: Range<Int>) -> [Float] {
      let row = AttentionRow(queryStart: 0, queryCount: queries.count, first: queries.lowerBound, keyStart: 0)
      var selective = attention([row], isAbsorbed: false)
      selective.isSelective = true
      let selection = Tensor(chosen[queries].flatMap { $0 }, shape: [queries.count, 34], on: device)
      return selective([inputs[0].slice(queries, axis: 0), inputs[1], inputs[2], selection]).floats()
    }
    let whole = run(0..<100)
    for queries in [0..<1, 1..<2, 5..<6, 63..<64, 99..<100, 10..<30, 60..<100] {
      #expect(bits(run(queries)) == bits(Array(whole[queries.lowerBound * 20..<queries.upperBound * 20])), "\(queries)")
    }
  }

  @Test(arguments: FusedCase.all + threadedCases)
  func outputsAndGradientsDoNotDependOnTheNumberOfThreads(_ row: FusedCase) {
    let results = [1, 2, 3].map { threads in
      Evaluation(Inputs(row.operands, tracked: row.tracked, on: .cpu(threads: threads))) { row.operation($0) }
    }
    for other in results.dropFirst() {
      #expect(bits(other.output) == bits(results[0].output))
      for (i, (a, b)) in zip(other.gradients, results[0].gradients).enumerated() {
        #expect(a.map(bits) == b.map(bits), "gradient of input \(i)")
      }
    }
  }
}

/// Large enough that the backend cuts the work into pieces.
private let threadedCases: [FusedCase] = [
  FusedCase(
    "cut rows", LinearProduct(), [([700, 96], 1), ([130, 96], 2), ([60, 96], 3)].map { .random($0.0, seed: $0.1) }),
  FusedCase("cut panels", LinearProduct(), [.random([4, 512], seed: 1), .random([700, 512], seed: 2)]),
  FusedCase("cut blocks", RMSNormalization(epsilon: 1e-6), [.random([2000, 40], seed: 1), .random([40], seed: 2)]),
  FusedCase("cut rows", SwiGLU(), [.random([700, 100], seed: 1)]),
]
