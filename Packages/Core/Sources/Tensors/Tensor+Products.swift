// Products, reductions and indexed movement.

extension Tensor {
  /// [..., m, k] · [..., k, n] → [..., m, n]; leading axes are equal.
  public func matmul(_ other: Tensor) -> Tensor {
    precondition(
      shape.rank >= 2 && shape.rank == other.shape.rank && shape[-1] == other.shape[-2]
        && shape.extents.dropLast(2) == other.shape.extents.dropLast(2),
      "matmul: \(shape) · \(other.shape): inner extents and leading axes must match")
    return apply(.matmul, [other], to: shape.replacing(shape.rank - 1, with: other.shape[-1]))
  }
  /// The sum over one axis, which stays with extent 1.
  public func sum(axis: Int) -> Tensor { apply(.sum(axis: axis), to: shape.replacing(axis, with: 1)) }
  /// The largest element along one axis, which stays with extent 1. Equal largest elements share the gradient fully.
  public func max(axis: Int) -> Tensor { apply(.max(axis: axis), to: shape.replacing(axis, with: 1)) }
  /// The sum of all elements, as a scalar.
  public func total() -> Tensor { reshaped([1, shape.count]).sum(axis: 1).reshaped([]) }
  /// The mean over one axis, which stays with extent 1.
  public func mean(axis: Int) -> Tensor { sum(axis: axis) * (1 / Float(shape[axis])) }
  /// Softmax over the last axis.
  public func softmax() -> Tensor {
    let last = shape.rank - 1
    let shifted = (self - detached().max(axis: last).broadcast(to: shape)).exp()
    return shifted / shifted.sum(axis: last).broadcast(to: shape)
  }
  /// Logarithm of the softmax over the last axis.
  public func logSoftmax() -> Tensor {
    let last = shape.rank - 1
    let shifted = self - detached().max(axis: last).broadcast(to: shape)
    return shifted - shifted.exp().sum(axis: last).log().broadcast(to: shape)
  }

  /// Rows `index` [R] of this table [N, D]; a negative index gives zeros.
  public func gatherRows(_ index: Tensor) -> Tensor {
    precondition(
      shape.rank == 2 && index.dtype == .int32 && index.shape.rank == 1, "gatherRows: \(shape) by \(index.shape)")
    return apply(.gatherRows, [index], to: [index.shape[0], shape[1]])
  }
  /// A table of `count` rows in which row index[r] has gathered this tensor's row r; negative indices are passed over.
  public func scatterAddRows(_ index: Tensor, count: Int) -> Tensor {
    precondition(
      shape.rank == 2 && index.dtype == .int32 && index.shape == [shape[0]],
      "scatterAddRows: \(shape) by \(index.shape)")
    return apply(.scatterAddRows, [index], to: [count, shape[1]])
  }
  /// x[r, index[r, k]] for an index [R, K].
  public func takeAlongRows(_ index: Tensor) -> Tensor {
    precondition(
      shape.rank == 2 && index.dtype == .int32 && index.shape.rank == 2 && index.shape[0] == shape[0],
      "takeAlongRows: \(shape) by \(index.shape)")
    return apply(.takeAlongRows, [index], to: index.shape)
  }
  /// A tensor [R, width] in which position index[r, k] has gathered this tensor's [r, k].
  public func putAlongRows(_ index: Tensor, width: Int) -> Tensor {
    precondition(index.dtype == .int32 && index.shape == shape, "putAlongRows: \(shape) by \(index.shape)")
    return apply(.putAlongRows, [index], to: [shape[0], width])
  }
}
