// How many multiplications and additions a product is made of, from its shapes.
import Tensors

extension Call {
  /// 2mkn for a matrix product; nil for other primitives.
  var productOperations: Double? {
    guard case .matmul = primitive else { return nil }
    return 2 * Double(result.count) * Double(operands[0].shape[-1])
  }
}

extension FusedOperation {
  /// Multiplications and additions of the products in the operation's definition, going forward; going back there are
  /// twice as many. nil for an operation that is no product. What a kernel computes once more does not count.
  func productOperations(_ inputs: [Tensor]) -> Double? {
    func columns(_ weights: some Sequence<Tensor>) -> Double { weights.reduce(0) { $0 + Double($1.shape[0]) } }
    switch self {
    case is LinearProduct: return 2 * Double(inputs[0].shape.count) * columns(inputs.dropFirst())
    case let grouped as GroupedLinearProduct:
      return 2 * Double(inputs[0].shape.count) * columns(inputs.dropFirst().prefix(grouped.partsPerGroup))
    case let layer as GatedFeedForward:
      let weights = inputs.dropFirst().prefix(3).reduce(0) { $0 + $1.shape.count }
      return layer.offsets.count > 1 ? 2 * Double(inputs[0].shape[0]) * Double(weights) : 0
    case let product as HeadwiseProduct:
      return 2 * Double(inputs[0].shape[0]) * Double(product.heads * product.width * inputs[1].shape[1])
    case let attention as CausalAttention:
      var pairs = attention.rows.reduce(0.0) { total, row in
        let queries = Double(row.queryCount)
        return total + queries * Double(row.first) + queries * (queries + 1) / 2
      }
      if attention.isSelective { pairs = Double(inputs[inputs.count - 1].integers().count { $0 >= 0 }) }
      return 2 * pairs * Double(attention.heads * (attention.d1 + attention.d2 + attention.dv))
    default: return nil
    }
  }
}
