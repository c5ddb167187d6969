// One row per primitive and shape. Adding a primitive means adding a row: the compiler and a test insist.
import Tensors
import Testing

/// The primitives without their parameters.
enum PrimitiveKind: String, CaseIterable, Sendable {
  case add, subtract, multiply, divide, maximum, lessThan, select, negate, exp, log, sqrt, reciprocal, sigmoid, tanh
  case sin, cos, addScalar, multiplyScalar, reshape, transpose, broadcast, slice, pad, concatenate, sum, max, matmul
  case gatherRows, scatterAddRows, takeAlongRows, putAlongRows, cast

  init(_ primitive: Primitive) {
    self =
      switch primitive {
      case .add: .add
      case .subtract: .subtract
      case .multiply: .multiply
      case .divide: .divide
      case .maximum: .maximum
      case .lessThan: .lessThan
      case .select: .select
      case .negate: .negate
      case .exp: .exp
      case .log: .log
      case .sqrt: .sqrt
      case .reciprocal: .reciprocal
      case .sigmoid: .sigmoid
      case .tanh: .tanh
      case .sin: .sin
      case .cos: .cos
      case .addScalar: .addScalar
      case .multiplyScalar: .multiplyScalar
      case .reshape: .reshape
      case .transpose: .transpose
      case .broadcast: .broadcast
      case .slice: .slice
      case .pad: .pad
      case .concatenate: .concatenate
      case .sum: .sum
      case .max: .max
      case .matmul: .matmul
      case .gatherRows: .gatherRows
      case .scatterAddRows: .scatterAddRows
      case .takeAlongRows: .takeAlongRows
      case .putAlongRows: .putAlongRows
      case .cast: .cast
      }
  }
  /// Whether a change of an operand changes the result smoothly: not for comparisons and rounding.
  var isSmooth: Bool { self != .lessThan && self != .cast }
}

/// One primitive at one set of shapes.
struct PrimitiveRow: Sendable, CustomTestStringConvertible {
  let kind: PrimitiveKind
  let operands: [Operand]
  let run: @Sendable ([Tensor]) -> Tensor
  var testDescription: String { "\(kind.rawValue) of \(operands.map(\.shape.description).joined(separator: " "))" }
  /// Rows with few elements are also differentiated numerically.
  var isSmall: Bool { operands.reduce(0) { $0 + $1.shape.count } <= 100 }

  static let all: [PrimitiveRow] = elementwise + movement + reductions + indexed
}

private typealias Run = @Sendable ([Tensor]) -> Tensor
private let wide: ClosedRange<Float> = -2...2
private let positive: ClosedRange<Float> = 0.3...4

private func rows(
  _ kind: PrimitiveKind, _ shapes: [[Shape]], in ranges: [ClosedRange<Float>] = [wide], _ run: @escaping Run
) -> [PrimitiveRow] {
  shapes.map { PrimitiveRow(kind: kind, operands: Operand.spread($0, in: ranges), run: run) }
}
private let one: [[Shape]] = [[[]], [[1]], [[0]], [[3, 5]], [[2, 3, 4]], [[37]], [[60, 301]]]
private let two: [[Shape]] = one.map { [$0[0], $0[0]] }

private let elementwise: [PrimitiveRow] = [
  rows(.add, two) { $0[0] + $0[1] },
  rows(.subtract, two) { $0[0] - $0[1] },
  rows(.multiply, two) { $0[0] * $0[1] },
  rows(.divide, two, in: [wide, 0.7...3]) { $0[0] / $0[1] },
  rows(.maximum, two) { $0[0].maximum($0[1]) },
  rows(.maximum, two) { $0[0].minimum($0[1]) },
  rows(.lessThan, two) { $0[0].isLess(than: $0[1]) },
  rows(.select, one.map { [$0[0], $0[0], $0[0]] }) {
    $0[1].selected(by: ($0[0] * 1e9).maximum($0[0] * 0), else: $0[2])
  },
  rows(.negate, one) { -$0[0] },
  rows(.exp, one, in: [-4...4]) { $0[0].exp() },
  rows(.log, one, in: [positive]) { $0[0].log() },
  rows(.sqrt, one, in: [positive]) { $0[0].sqrt() },
  rows(.reciprocal, one, in: [0.7...4]) { $0[0].reciprocal() },
  rows(.sigmoid, one, in: [-6...6]) { $0[0].sigmoid() },
  rows(.tanh, one, in: [-4...4]) { $0[0].tanh() },
  rows(.sin, one, in: [-7...7]) { $0[0].sin() },
  rows(.cos, one, in: [-7...7]) { $0[0].cos() },
  rows(.addScalar, one) { $0[0] + 0.75 },
  rows(.multiplyScalar, one) { $0[0] * -1.5 },
  rows(.cast, one) { $0[0].cast(to: .bfloat16).cast(to: .float32) },
].flatMap { $0 }

private let movement: [PrimitiveRow] = [
  rows(.reshape, [[[3, 4]], [[2, 6]], [[12]]]) { $0[0].reshaped([2, 1, 6]) },
  rows(.transpose, [[[3, 5]], [[2, 3, 4]], [[1, 7]], [[130, 70]], [[0, 3]]]) { $0[0].transposed },
  rows(.transpose, [[[2, 3, 4]], [[1, 5, 2]], [[20, 30, 40]]]) { $0[0].transposed([2, 0, 1]) },
  rows(.transpose, [[[2, 3, 2, 4]]]) { $0[0].transposed([0, 2, 1, 3]) },
  rows(.broadcast, [[[]], [[4]], [[3, 1]], [[2, 1, 1]], [[1, 3, 4]]]) { $0[0].broadcast(to: [2, 3, 4]) },
  rows(.broadcast, [[[300]], [[70, 1]]]) { $0[0].broadcast(to: [70, 300]) },
  rows(.slice, [[[6]], [[6, 5]], [[6, 2, 3]], [[6, 5000]]]) { $0[0].slice(2..<5, axis: 0) },
  rows(.slice, [[[2, 6]], [[3, 6, 2]], [[4000, 7]]]) { $0[0].slice(1..<4, axis: 1) },
  rows(.slice, [[[2, 6]]]) { $0[0].slice(3..<3, axis: 1) },
  rows(.pad, [[[4]], [[2, 3]], [[2, 1, 3]], [[0, 3]]]) { $0[0].padded(axis: 0, before: 2, after: 1) },
  rows(.pad, [[[2, 3]], [[2, 3, 4]], [[4000, 3]]]) { $0[0].padded(axis: 1, before: 0, after: 3) },
  rows(.concatenate, [[[2, 3], [1, 3], [4, 3]], [[2], [0], [3]], [[2, 2, 2], [1, 2, 2], [1, 2, 2]]]) {
    Tensor.concatenated($0, axis: 0)
  },
  rows(.concatenate, [[[2, 3], [2, 1]], [[2, 3, 2], [2, 2, 2]], [[4000, 3], [4000, 5]]]) {
    Tensor.concatenated($0, axis: 1)
  },
].flatMap { $0 }

private let reductions: [PrimitiveRow] = [
  rows(.sum, [[[4]], [[4, 5]], [[4, 2, 3]], [[300, 70]], [[0, 3]]]) { $0[0].sum(axis: 0) },
  rows(.sum, [[[4, 5]], [[3, 0]], [[4, 2, 3]], [[70, 333]], [[2, 1]]]) { $0[0].sum(axis: 1) },
  rows(.max, [[[4]], [[4, 5]], [[4, 2, 3]], [[300, 70]]]) { $0[0].max(axis: 0) },
  rows(.max, [[[4, 5]], [[4, 2, 3]], [[70, 333]], [[2, 1]]]) { $0[0].max(axis: 1) },
  rows(
    .matmul,
    [
      [[3, 5], [5, 4]], [[1, 1], [1, 1]], [[2, 0], [0, 3]], [[0, 2], [2, 3]], [[2, 3, 4], [2, 4, 2]],
      [[7, 90], [90, 45]], [[3, 40, 70], [3, 70, 50]], [[100, 64], [64, 33]],
    ]
  ) { $0[0].matmul($0[1]) },
].flatMap { $0 }

private func indexedRows(
  _ kind: PrimitiveKind, _ shapes: [(Shape, [Int32], Shape)], _ run: @escaping Run
) -> [PrimitiveRow] {
  shapes.map { shape, index, indexShape in
    PrimitiveRow(kind: kind, operands: Operand.spread([shape], in: [wide]) + [.integers(index, indexShape)], run: run)
  }
}
private let indexed: [PrimitiveRow] = [
  indexedRows(.gatherRows, [([4, 3], [2, 0, 2, -1, 3], [5]), ([4, 1], [], [0]), ([5, 700], [4, 4, -1], [3])]) {
    $0[0].gatherRows($0[1])
  },
  indexedRows(.scatterAddRows, [([5, 3], [2, 0, 2, -1, 3], [5]), ([3, 700], [5, 5, 1], [3]), ([0, 4], [], [0])]) {
    $0[0].scatterAddRows($0[1], count: 6)
  },
  indexedRows(.takeAlongRows, [([2, 5], [4, 0, 4, 1, 2, 3], [2, 3]), ([3, 1], [0, 0, 0], [3, 1])]) {
    $0[0].takeAlongRows($0[1])
  },
  indexedRows(.putAlongRows, [([2, 3], [4, 0, 4, 1, 2, 3], [2, 3]), ([3, 1], [0, 0, 5], [3, 1])]) {
    $0[0].putAlongRows($0[1], width: 6)
  },
].flatMap { $0 }
