// Every fused operation at the extents and layouts that models use, and at the awkward ones.
import Tensors
import Testing

/// One fused operation with operands for it.
struct FusedCase: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let operation: any FusedOperation
  let operands: [Operand]
  /// The operands whose gradients a backend that accelerates the operation promises.
  let tracked: Set<Int>

  init(_ description: String, _ operation: any FusedOperation, _ operands: [Operand], tracked: Set<Int>? = nil) {
    (testDescription, self.operation, self.operands) = ("\(operation.name): \(description)", operation, operands)
    self.tracked = tracked ?? Set(operands.indices.filter { operands[$0].isFloat })
  }

  /// The elements of all operands.
  var size: Int { operands.reduce(0) { $0 + $1.shape.count } }

  static let all: [FusedCase] = linear + grouped + feedForward + headwise + rows + rotary + attention + experts
}

private func random(_ shapes: Shape...) -> [Operand] {
  shapes.enumerated().map { Operand.random($0.element, seed: UInt64($0.offset) + 31) }
}

private let linear: [FusedCase] = [
  FusedCase("one number", LinearProduct(), random([1, 1], [1, 1])),
  FusedCase("one row", LinearProduct(), random([1, 40], [70, 40])),
  FusedCase("three weights", LinearProduct(), random([7, 24], [5, 24], [33, 24], [1, 24])),
  FusedCase("long rows", LinearProduct(), random([35, 600], [45, 600])),
  FusedCase("many rows", LinearProduct(), random([190, 48], [100, 48])),
  FusedCase(
    "so many rows that weights' gradients are sums of parts", LinearProduct(), random([4099, 5], [7, 5], [3, 5])),
  FusedCase("no rows", LinearProduct(), random([0, 4], [3, 4])),
  FusedCase("no columns", LinearProduct(), random([3, 0], [4, 0])),
  FusedCase("nothing from the first weight", LinearProduct(), random([3, 5], [0, 5], [2, 5])),
]
private let grouped: [FusedCase] = [
  FusedCase(
    "two parts, empty groups", GroupedLinearProduct(offsets: [0, 0, 3, 3, 10, 10], partsPerGroup: 2),
    random(
      [10, 20], [6, 20], [9, 20], [6, 20], [9, 20], [6, 20], [9, 20], [6, 20], [9, 20], [6, 20], [9, 20])),
  FusedCase("one group", GroupedLinearProduct(offsets: [0, 5], partsPerGroup: 1), random([5, 8], [40, 8])),
  FusedCase("no rows", GroupedLinearProduct(offsets: [0, 0, 0], partsPerGroup: 1), random([0, 8], [4, 8], [4, 8])),
]
private let feedForward: [FusedCase] = [
  FusedCase(
    "empty groups", GatedFeedForward(offsets: [0, 0, 3, 3, 10, 10]),
    random(
      [10, 20], [6, 20], [6, 20], [9, 6], [6, 20], [6, 20], [9, 6], [6, 20], [6, 20], [9, 6], [6, 20], [6, 20], [9, 6],
      [6, 20], [6, 20], [9, 6])),
  FusedCase("many rows", GatedFeedForward(offsets: [0, 300]), random([300, 33], [40, 33], [40, 33], [35, 40])),
  FusedCase("no rows", GatedFeedForward(offsets: [0, 0]), random([0, 8], [4, 8], [4, 8], [8, 4])),
  FusedCase("nothing between", GatedFeedForward(offsets: [0, 3]), random([3, 8], [0, 8], [0, 8], [8, 0])),
]
private let headwise: [FusedCase] = [
  FusedCase(
    "as it is", HeadwiseProduct(heads: 3, offset: 2, width: 5, isTransposed: false), random([4, 15], [27, 33])),
  FusedCase(
    "transposed", HeadwiseProduct(heads: 3, offset: 4, width: 5, isTransposed: true), random([4, 99], [27, 33])),
  FusedCase(
    "no rows", HeadwiseProduct(heads: 3, offset: 2, width: 5, isTransposed: false), random([0, 15], [27, 33])),
  FusedCase(
    "no width", HeadwiseProduct(heads: 3, offset: 2, width: 0, isTransposed: false), random([4, 0], [27, 33])),
]
private let rows: [FusedCase] =
  [[1, 1], [3, 7], [5, 64], [1100, 33], [0, 7], [3, 0], [0, 0]].map {
    FusedCase("\($0)", RMSNormalization(epsilon: 1e-5), random(Shape($0), [$0[1]]))
  }
  + [[1, 2], [3, 14], [5, 128], [300, 66], [0, 8], [3, 0], [0, 0]].map {
    FusedCase("\($0)", SwiGLU(), random(Shape($0)))
  }
  + [[1, 1], [3, 32], [5, 200], [300, 33], [0, 7]].map {
    FusedCase("\($0)", Softmax(), random(Shape($0)))
  }
  + [
    FusedCase("ignored targets", CrossEntropy(), random([6, 37]) + [.integers([0, 36, -1, 5, -1, 17], [6])]),
    FusedCase("only ignored targets", CrossEntropy(), random([2, 5]) + [.integers([-1, -1], [2])]),
    FusedCase("no rows", CrossEntropy(), random([0, 5]) + [.integers([], [0])]),
    FusedCase("nothing", CrossEntropy(), random([0, 0]) + [.integers([], [0])]),
    FusedCase("one class", CrossEntropy(), random([2, 1]) + [.integers([0, 0], [2])]),
    FusedCase(
      "large logits", CrossEntropy(), [.floats([200, -200, 0, 1, 300, 299], [2, 3]), .integers([0, 2], [2])]),
    FusedCase(
      "many rows", CrossEntropy(), random([90, 300]) + [.integers((0..<90).map { $0 * 3 % 300 }, [90])]),
  ]
private let rotary: [FusedCase] =
  [(true, 0), (true, 6), (false, 0), (false, 6)].map { rotary(isInterleaved: $0, offset: $1, [0, 8, 3, 3, 1]) }
  + [rotary(isInterleaved: true, offset: 6, [])]
private func rotary(isInterleaved: Bool, offset: Int, _ positions: [Int32]) -> FusedCase {
  let tables = [Operand.random([9, 4], seed: 3), .random([9, 4], seed: 4)]
  return FusedCase(
    "\(isInterleaved ? "interleaved" : "halves") at \(offset), \(positions.count) rows",
    RotaryEmbedding(heads: 3, offset: offset, width: 8, isInterleaved: isInterleaved),
    random([positions.count, 3 * 17]) + tables + [.integers(positions, [positions.count])], tracked: [0])
}

/// Sequences of the given lengths, one after another.
private func ragged(_ lengths: Int...) -> [AttentionRow] {
  var start = 0
  return lengths.map { length in
    defer { start += length }
    return AttentionRow(queryStart: start, queryCount: length, keyStart: start)
  }
}
/// Sequences that continue behind keys of an earlier step.
private let continued = [
  AttentionRow(queryStart: 0, queryCount: 3, first: 70, keyStart: 1),
  AttentionRow(queryStart: 3, queryCount: 1, first: 0, keyStart: 80),
  AttentionRow(queryStart: 4, queryCount: 2, first: 5, keyStart: 81),
]
private func textbook(_ rows: [AttentionRow]) -> CausalAttention {
  CausalAttention(
    heads: 3, d1: 8, d2: 4, dv: 6, keyStride: 14, valueOffset: 8, valueStride: 14, scale: 0.3, rows: rows)
}
private func absorbed(_ rows: [AttentionRow]) -> CausalAttention {
  CausalAttention(
    heads: 3, d1: 20, d2: 4, dv: 20, keyStride: 0, valueOffset: 0, valueStride: 0, scale: 0.3, rows: rows)
}
private func unshared(_ rows: [AttentionRow]) -> CausalAttention {
  CausalAttention(
    heads: 2, d1: 16, d2: 0, dv: 16, keyStride: 16, valueOffset: 32, valueStride: 16, scale: 0.25, rows: rows)
}
/// Six heads of queries on three keys and values.
private func grouped(_ rows: [AttentionRow]) -> CausalAttention {
  CausalAttention(
    heads: 6, d1: 8, d2: 0, dv: 8, keyStride: 8, valueOffset: 24, valueStride: 8, scale: 0.35, rows: rows, groupSize: 2)
}
/// Each query sees all keys up to the fourth, and then four that differ from query to query, its own among them.
private func selection(_ rows: [AttentionRow]) -> Operand {
  let chosen = rows.flatMap { row in
    (0..<row.queryCount).flatMap { i -> [Int32] in
      let own = row.first + i
      if own < 4 { return (0..<4).map { $0 <= own ? Int32($0) : -1 } }
      let others = Set((1...3).map { (own * 7 + $0 * 5) % own }).sorted()
      return others.map { Int32($0) } + [Int32(own)] + [Int32](repeating: -1, count: 3 - others.count)
    }
  }
  return .integers(chosen, [chosen.count / 4, 4])
}
private func selective(_ attention: CausalAttention) -> CausalAttention {
  var copy = attention
  copy.isSelective = true
  return copy
}
private let attention: [FusedCase] = [
  FusedCase("grouped, ragged", grouped(ragged(5, 1, 70)), random([76, 48], [76, 48])),
  FusedCase("grouped, continued", grouped(continued), random([6, 48], [90, 48]), tracked: []),
  FusedCase(
    "one key for all",
    CausalAttention(
      heads: 5, d1: 6, d2: 3, dv: 7, keyStride: 6, valueOffset: 6, valueStride: 7, scale: 0.4, rows: ragged(9, 66),
      groupSize: 5), random([75, 45], [75, 13], [75, 3])),
  FusedCase(
    "selective, textbook", selective(textbook(ragged(5, 1, 30))),
    random([36, 36], [36, 42], [36, 4]) + [selection(ragged(5, 1, 30))]),
  FusedCase(
    "selective, absorbed", selective(absorbed(ragged(20, 3))),
    random([23, 72], [23, 20], [23, 4]) + [selection(ragged(20, 3))]),
  FusedCase(
    "selective, grouped", selective(grouped(ragged(25))), random([25, 48], [25, 48]) + [selection(ragged(25))]),
  FusedCase(
    "selective, continued", selective(absorbed(continued)),
    random([6, 72], [90, 20], [90, 4]) + [selection(continued)], tracked: []),
  FusedCase("textbook, ragged", textbook(ragged(5, 1, 70)), random([76, 36], [76, 42], [76, 4])),
  FusedCase("textbook, one token", textbook(ragged(1)), random([1, 36], [1, 42], [1, 4])),
  FusedCase("textbook, continued", textbook(continued), random([6, 36], [90, 42], [90, 4]), tracked: []),
  FusedCase("no shared key, ragged", unshared(ragged(3, 66, 2)), random([71, 32], [71, 64])),
  FusedCase("no shared key, continued", unshared(continued), random([6, 32], [90, 64]), tracked: []),
  FusedCase("absorbed, ragged", absorbed(ragged(5, 1, 70)), random([76, 72], [76, 20], [76, 4])),
  FusedCase("absorbed, continued", absorbed(continued), random([6, 72], [90, 20], [90, 4]), tracked: []),
  FusedCase("absorbed, one token", absorbed(ragged(1)), random([1, 72], [1, 20], [1, 4])),
  FusedCase(
    "keys of a head beside its neighbour's values",
    CausalAttention(
      heads: 2, d1: 6, d2: 0, dv: 5, keyStride: 4, valueOffset: 2, valueStride: 3, scale: 0.5, rows: ragged(9, 4)),
    random([13, 12], [13, 10])),
  FusedCase("no sequences", textbook(ragged()), random([0, 36], [0, 42], [0, 4])),
  FusedCase("a sequence without queries", textbook(ragged(0, 3)), random([3, 36], [3, 42], [3, 4])),
  FusedCase(
    "odd widths",
    CausalAttention(
      heads: 2, d1: 5, d2: 3, dv: 7, keyStride: 12, valueOffset: 5, valueStride: 12, scale: 0.4, rows: ragged(33, 2)),
    random([35, 16], [35, 24], [35, 3])),
  FusedCase(
    "narrow widths",
    CausalAttention(
      heads: 2, d1: 1, d2: 0, dv: 1, keyStride: 2, valueOffset: 1, valueStride: 2, scale: 1, rows: ragged(1, 65)),
    random([66, 2], [66, 4])),
  FusedCase(
    "DeepSeek-V3's widths",
    CausalAttention(
      heads: 1, d1: 128, d2: 64, dv: 128, keyStride: 256, valueOffset: 128, valueStride: 256, scale: 0.07,
      rows: ragged(90, 40)), random([130, 192], [130, 256], [130, 64])),
  FusedCase(
    "DeepSeek-V3's absorbed widths",
    CausalAttention(
      heads: 2, d1: 512, d2: 64, dv: 512, keyStride: 0, valueOffset: 0, valueStride: 0, scale: 0.07,
      rows: [AttentionRow(queryStart: 0, queryCount: 2, first: 67, keyStart: 0)]),
    random([2, 1152], [69, 512], [69, 64]), tracked: []),
]
private let experts: [FusedCase] = [
  FusedCase("two of each", ExpertCombine(), random([6, 9], [3, 2]) + [.integers([4, 0, 1, 5, 3, 2], [3, 2])]),
  FusedCase(
    "rows named again, and not at all", ExpertCombine(),
    random([6, 40], [4, 2]) + [.integers([4, 0, 4, 2, 0, 4, 2, 4], [4, 2])]),
  FusedCase("no tokens", ExpertCombine(), random([6, 9], [0, 2]) + [.integers([], [0, 2])]),
  FusedCase("no choices", ExpertCombine(), random([6, 9], [3, 0]) + [.integers([], [3, 0])]),
  FusedCase("no width", ExpertCombine(), random([6, 0], [3, 1]) + [.integers([1, 0, 4], [3, 1])]),
  FusedCase("one wide", ExpertCombine(), random([2, 70], [2, 1]) + [.integers([1, 0], [2, 1])]),
]
