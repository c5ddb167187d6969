// The calculus of every primitive, in one table.
import Tensors

extension Primitive {
  /// The vector-Jacobian product: from `g`, the gradient of the output `y`, to the gradient of each input in `x`.
  /// nil where there is none (masks and indices).
  func pullback(_ g: Tensor, inputs x: [Tensor], output y: Tensor) -> [Tensor?] {
    switch self {
    case .add: [g, g]
    case .subtract: [g, -g]
    case .multiply: [g * x[1], g * x[0]]
    case .divide: [g / x[1], -(g * y / x[1])]
    case .maximum:
      // Equal operands: the first has the gradient.
      [g * (x[0].isLess(than: x[1]) * -1 + 1), g * x[0].isLess(than: x[1])]
    case .lessThan: [nil, nil]
    case .select: [nil, g.selected(by: x[0], else: g * 0), (g * 0).selected(by: x[0], else: g)]
    case .negate: [-g]
    case .exp: [g * y]
    case .log: [g / x[0]]
    case .sqrt: [g / (y * 2)]
    case .reciprocal: [-(g * y * y)]
    case .sigmoid: [g * y * (y * -1 + 1)]
    case .tanh: [g * (y * y * -1 + 1)]
    case .sin: [g * x[0].cos()]
    case .cos: [-(g * x[0].sin())]
    case .addScalar: [g]
    case .multiplyScalar(let c): [g * c]
    case .reshape: [g.reshaped(x[0].shape)]
    case .transpose(let permutation): [g.transposed(permutation.indices.map { permutation.firstIndex(of: $0)! })]
    case .broadcast: [g.summed(to: x[0].shape)]
    case .slice(let axis, let start):
      [g.padded(axis: axis, before: start, after: x[0].shape[axis] - start - g.shape[axis])]
    case .pad(let axis, let before): [g.slice(before..<before + x[0].shape[axis], axis: axis)]
    case .concatenate(let axis):
      x.indices.map { i in
        let start = x[..<i].reduce(0) { $0 + $1.shape[axis] }
        return g.slice(start..<start + x[i].shape[axis], axis: axis)
      }
    case .sum: [g.broadcast(to: x[0].shape)]
    case .max:
      [g.broadcast(to: x[0].shape) * (x[0].isLess(than: y.broadcast(to: x[0].shape)) * -1 + 1)]
    case .matmul: [g.matmul(x[1].transposed), x[0].transposed.matmul(g)]
    case .gatherRows: [g.scatterAddRows(x[1], count: x[0].shape[0]), nil]
    case .scatterAddRows: [g.gatherRows(x[1]), nil]
    case .takeAlongRows: [g.putAlongRows(x[1], width: x[0].shape[1]), nil]
    case .putAlongRows: [g.takeAlongRows(x[1]), nil]
    case .cast: [g.cast(to: x[0].dtype)]
    }
  }
}

extension Tensor {
  /// The sum over every axis that a broadcast from `shape` has repeated.
  fileprivate func summed(to shape: Shape) -> Tensor {
    var result = self
    let missing = self.shape.rank - shape.rank
    for axis in 0..<self.shape.rank where axis < missing || (shape[axis - missing] == 1 && self.shape[axis] != 1) {
      result = result.sum(axis: axis)
    }
    return result.reshaped(shape)
  }
}
