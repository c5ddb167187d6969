// What each primitive computes, element by element.
import Tensors

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

extension Call {
  /// The elements of the result. Sums run in order of the index, in double precision.
  func define(_ x: [Elements]) -> [Double] {
    switch primitive {
    case .add: pairwise(x) { $0 + $1 }
    case .subtract: pairwise(x) { $0 - $1 }
    case .multiply: pairwise(x) { $0 * $1 }
    case .divide: pairwise(x) { $0 / $1 }
    case .maximum: pairwise(x, larger)
    case .lessThan: pairwise(x) { $0 < $1 ? 1 : 0 }
    case .select: x[0].values.indices.map { x[0].values[$0] != 0 ? x[1].values[$0] : x[2].values[$0] }
    case .negate: x[0].values.map { -$0 }
    case .exp: x[0].values.map { Glibc.exp($0) }
    case .log: x[0].values.map { Glibc.log($0) }
    case .sqrt: x[0].values.map { $0.squareRoot() }
    case .reciprocal: x[0].values.map { 1 / $0 }
    case .sigmoid: x[0].values.map { 1 / (1 + Glibc.exp(-$0)) }
    case .tanh: x[0].values.map { Glibc.tanh($0) }
    case .sin: x[0].values.map { Glibc.sin($0) }
    case .cos: x[0].values.map { Glibc.cos($0) }
    case .addScalar(let c): x[0].values.map { $0 + Double(c) }
    case .multiplyScalar(let c): x[0].values.map { $0 * Double(c) }
    case .reshape, .cast: x[0].values
    case .transpose, .broadcast, .slice, .pad, .concatenate: moved(x)
    case .sum(let axis): reduced(x[0], axis: axis, from: 0) { $0 + $1 }
    case .max(let axis): reduced(x[0], axis: axis, from: -.infinity, larger)
    case .matmul: product(x[0], x[1])
    case .gatherRows, .scatterAddRows, .takeAlongRows, .putAlongRows: indexed(x[0], by: x[1].values.map { Int($0) })
    }
  }

  /// The larger number; NaN when either is.
  private func larger(_ a: Double, _ b: Double) -> Double { a < b || b.isNaN ? b : a }

  private func pairwise(_ x: [Elements], _ combine: (Double, Double) -> Double) -> [Double] {
    zip(x[0].values, x[1].values).map(combine)
  }

  /// The coordinates of element `flat` of `shape`.
  private func coordinates(_ flat: Int, in shape: Shape) -> [Int] {
    zip(shape.strides, shape.extents).map { flat / $0 % $1 }
  }
  private func position(_ coordinates: [Int], in shape: Shape) -> Int {
    zip(coordinates, shape.strides).reduce(0) { $0 + $1.0 * $1.1 }
  }

  private func moved(_ x: [Elements]) -> [Double] {
    (0..<result.count).map { flat in
      var at = coordinates(flat, in: result)
      switch primitive {
      case .transpose(let permutation):
        var source = at
        for (i, axis) in permutation.enumerated() { source[axis] = at[i] }
        return x[0].values[position(source, in: x[0].shape)]
      case .broadcast:
        let source = zip(at.suffix(x[0].shape.rank), x[0].shape.extents).map { $1 == 1 ? 0 : $0 }
        return x[0].values[position(source, in: x[0].shape)]
      case .slice(let axis, let start):
        at[axis] += start
        return x[0].values[position(at, in: x[0].shape)]
      case .pad(let axis, let before):
        at[axis] -= before
        return at[axis] >= 0 && at[axis] < x[0].shape[axis] ? x[0].values[position(at, in: x[0].shape)] : 0
      case .concatenate(let axis):
        var part = 0
        while at[axis] >= x[part].shape[axis] {
          at[axis] -= x[part].shape[axis]
          part += 1
        }
        return x[part].values[position(at, in: x[part].shape)]
      default: preconditionFailure("moved: \(primitive) is not a movement")
      }
    }
  }

  private func reduced(
    _ x: Elements, axis: Int, from start: Double, _ combine: (Double, Double) -> Double
  ) -> [Double] {
    let stride = x.shape.strides[axis]
    return (0..<result.count).map { flat in
      let first = position(coordinates(flat, in: result), in: x.shape)
      return (0..<x.shape[axis]).reduce(start) { combine($0, x.values[first + $1 * stride]) }
    }
  }

  private func product(_ a: Elements, _ b: Elements) -> [Double] {
    let (m, k, n) = (a.shape[-2], a.shape[-1], b.shape[-1])
    return (0..<result.count).map { flat in
      let (batch, i, j) = (flat / (m * n), flat / n % m, flat % n)
      return (0..<k).reduce(0.0) { $0 + a.values[(batch * m + i) * k + $1] * b.values[(batch * k + $1) * n + j] }
    }
  }

  private func indexed(_ x: Elements, by index: [Int]) -> [Double] {
    var out = [Double](repeating: 0, count: result.count)
    let (width, taken) = (x.shape[-1], result[-1])
    switch primitive {
    case .gatherRows:
      for (r, row) in index.enumerated() where row >= 0 {
        for c in 0..<width { out[r * width + c] = x.values[row * width + c] }
      }
    case .scatterAddRows:
      for (r, row) in index.enumerated() where row >= 0 {
        for c in 0..<width { out[row * width + c] += x.values[r * width + c] }
      }
    case .takeAlongRows:
      for (i, column) in index.enumerated() { out[i] = x.values[i / taken * width + column] }
    case .putAlongRows:
      for (i, column) in index.enumerated() { out[i / width * taken + column] += x.values[i] }
    default: preconditionFailure("indexed: \(primitive) has no index")
    }
    return out
  }
}
