// The closed list of operations that every backend implements.
// Closed on purpose: a new case is a compile error in each backend and in the gradient table.

/// What a backend must be able to do. Operands have equal shapes unless a case says otherwise; results are float32
/// unless a case says otherwise.
public enum Primitive: Sendable, Hashable {
  // Element by element.
  case add, subtract, multiply, divide, maximum
  /// 1 where the first operand is smaller, else 0.
  case lessThan
  /// Operands (mask, a, b): a where the mask is not 0, else b.
  case select
  case negate, exp, log, sqrt, reciprocal, sigmoid, tanh, sin, cos
  case addScalar(Float)
  case multiplyScalar(Float)
  // Movement. These keep the dtype of their operand.
  /// The same elements under another shape of equal count.
  case reshape
  /// Axis i of the result is axis permutation[i] of the operand.
  case transpose([Int])
  /// Repeats axes of extent 1 (and missing leading axes) up to the result's shape.
  case broadcast
  /// Elements start ..< start + result extent of one axis.
  case slice(axis: Int, start: Int)
  /// Zeros before and after along one axis.
  case pad(axis: Int, before: Int)
  /// Any number of operands, joined along one axis.
  case concatenate(axis: Int)
  // Reductions over one axis, which stays with extent 1.
  case sum(axis: Int)
  case max(axis: Int)
  /// Operands [..., m, k] and [..., k, n] with equal leading axes.
  case matmul
  /// Operands (table [N, D], index int32 [R]): rows of the table; a negative index gives zeros.
  case gatherRows
  /// Operands (values [R, D], index int32 [R]): the result [N, D] sums the values of equal index.
  case scatterAddRows
  /// Operands (x [R, E], index int32 [R, K]): x[r, index[r, k]].
  case takeAlongRows
  /// Operands (values [R, K], index int32 [R, K]): the result [R, E] has values summed at index.
  case putAlongRows
  /// The nearest values of another dtype. For integers: without the fraction, clamped to their range, and 0 for NaN.
  case cast(DType)
}

extension Primitive {
  /// Whether operands may be quantised blocks.
  var readsBlocks: Bool { self == .gatherRows || self == .cast(.float32) }
}

/// One call of one primitive: what to do, to which operands, and the shape and dtype that the result must have.
public struct Call: Sendable {
  public let primitive: Primitive
  public let operands: [Tensor]
  public let result: Shape
  public let dtype: DType
}
