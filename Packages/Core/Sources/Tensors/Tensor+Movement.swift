// Moving elements without changing them.

extension Tensor {
  public func reshaped(_ shape: Shape) -> Tensor {
    precondition(
      shape.count == self.shape.count, "reshape: \(self.shape) has not the \(shape.count) elements of \(shape)")
    return shape == self.shape ? self : apply(.reshape, to: shape, dtype: dtype)
  }
  /// Axis i of the result is axis permutation[i] of this tensor.
  public func transposed(_ permutation: [Int]) -> Tensor {
    precondition(permutation.sorted() == Array(0..<shape.rank), "transpose: \(permutation) does not permute \(shape)")
    return apply(.transpose(permutation), to: Shape(permutation.map { shape[$0] }), dtype: dtype)
  }
  /// The last two axes exchanged.
  public var transposed: Tensor {
    precondition(shape.rank >= 2, "transposed: \(shape) has fewer than two axes")
    var order = Array(0..<shape.rank)
    order.swapAt(shape.rank - 1, shape.rank - 2)
    return transposed(order)
  }
  /// Repeats axes of extent 1, and missing leading axes, up to `shape`.
  public func broadcast(to shape: Shape) -> Tensor {
    let missing = shape.rank - self.shape.rank
    precondition(
      missing >= 0
        && self.shape.extents.enumerated().allSatisfy { $0.element == 1 || $0.element == shape[missing + $0.offset] },
      "broadcast: \(self.shape) does not repeat to \(shape)")
    return shape == self.shape ? self : apply(.broadcast, to: shape, dtype: dtype)
  }
  /// Elements `range` of one axis.
  public func slice(_ range: Range<Int>, axis: Int) -> Tensor {
    precondition(
      shape.extents.indices.contains(axis) && range.lowerBound >= 0 && range.upperBound <= shape[axis],
      "slice: \(range) of axis \(axis) is not inside \(shape)")
    if range.count == shape[axis] { return self }
    return apply(
      .slice(axis: axis, start: range.lowerBound), to: shape.replacing(axis, with: range.count), dtype: dtype)
  }
  /// Zeros before and after along one axis.
  public func padded(axis: Int, before: Int, after: Int) -> Tensor {
    precondition(before >= 0 && after >= 0, "pad: \(before) and \(after) must not be negative")
    let extent = shape[axis] + before + after
    return apply(.pad(axis: axis, before: before), to: shape.replacing(axis, with: extent), dtype: dtype)
  }
  /// The tensors one after another along an axis; their other extents are equal.
  public static func concatenated(_ parts: [Tensor], axis: Int) -> Tensor {
    precondition(!parts.isEmpty, "concatenate: nothing to join")
    let first = parts[0]
    precondition(
      parts.allSatisfy {
        $0.shape.replacing(axis, with: 0) == first.shape.replacing(axis, with: 0) && $0.dtype == first.dtype
      },
      "concatenate: \(parts.map(\.shape)) differ off axis \(axis)")
    if parts.count == 1 { return first }
    let total = parts.reduce(0) { $0 + $1.shape[axis] }
    return first.apply(
      .concatenate(axis: axis), Array(parts.dropFirst()), to: first.shape.replacing(axis, with: total),
      dtype: first.dtype)
  }
}
