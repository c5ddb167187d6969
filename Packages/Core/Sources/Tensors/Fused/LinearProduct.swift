// y = x · Wᵀ, for one weight or for several that read the same input.
// In a precision below float32 the factors of all three products, forward and back, are rounded to it and summed in
// float32. The result is rounded too, so that whoever keeps it in that precision loses nothing. In fp8 the result has the
// numbers of bfloat16.

/// Inputs: x [T, K], then weights [N, K]; the result [T, ΣN] has one weight's columns after another's.
/// In float32 a weight may also be stored as bfloat16, float16 or float8, which are read as float32 numbers, or in
/// quantised blocks, whose product `BlockRow` and its file define; one call may mix them. Codes have no gradient.
public struct LinearProduct: FusedOperation {
  public let name = "linear"
  public let precision: Precision
  /// Whether the result has the numbers of `precision`, and not the float32 sums.
  public let roundsResult: Bool
  /// What fp8 does with the factors; other precisions do not look at it.
  public let form: Float8Form
  public init(_ precision: Precision = .float32, roundsResult: Bool = true, form: Float8Form = Float8Form()) {
    (self.precision, self.roundsResult, self.form) = (precision, roundsResult, form)
  }
  public func definition(_ inputs: [Tensor]) -> Tensor {
    if precision == .float8 {
      let sums = form.definedProduct(inputs[0], Array(inputs.dropFirst()))
      return roundsResult ? sums.rounded(to: precision) : sums
    }
    if precision == .float32 {
      return Tensor.concatenated(inputs.dropFirst().map { inputs[0].storedProduct($0) }, axis: 1)
    }
    let x = inputs[0].rounded(to: precision)
    let products = inputs.dropFirst().map { x.matmul($0.rounded(to: precision).transposed) }
    let sums = Tensor.concatenated(products, axis: 1).roundingGradient(to: precision)
    return roundsResult ? sums.rounded(to: precision) : sums
  }
}

/// `LinearProduct` for rows that belong to different experts. Inputs: x [R, K] with the rows of one group together,
/// then for each group its weights [N, K] in turn (`partsPerGroup` of them); the result is [R, ΣN].
public struct GroupedLinearProduct: FusedOperation {
  public let name = "grouped-linear"
  /// Group g owns rows offsets[g] ..< offsets[g + 1]; the first is 0 and the last the number of rows.
  public let offsets: [Int]
  public let partsPerGroup: Int
  public let precision: Precision
  /// Whether the result has the numbers of `precision`, and not the float32 sums.
  public let roundsResult: Bool
  /// What fp8 does with the factors; other precisions do not look at it.
  public let form: Float8Form
  public init(
    offsets: [Int], partsPerGroup: Int, _ precision: Precision = .float32, roundsResult: Bool = true,
    form: Float8Form = Float8Form()
  ) {
    precondition(
      partsPerGroup >= 1 && offsets.count >= 2, "grouped-linear: needs at least one group and one weight per group")
    precondition(
      offsets[0] == 0 && zip(offsets, offsets.dropFirst()).allSatisfy { $0 <= $1 },
      "grouped-linear: offsets \(offsets) do not begin at 0 and grow")
    (self.offsets, self.partsPerGroup) = (offsets, partsPerGroup)
    (self.precision, self.roundsResult, self.form) = (precision, roundsResult, form)
  }
  public var groups: Int { offsets.count - 1 }
  /// Traps unless the inputs fit the offsets and each other.
  package func check(_ inputs: [Tensor]) {
    precondition(
      inputs.count == 1 + groups * partsPerGroup,
      "grouped-linear: \(inputs.count - 1) weights for \(groups) groups of \(partsPerGroup)")
    let x = inputs[0].shape
    precondition(offsets.last == x[0], "grouped-linear: offsets \(offsets) do not end at the rows of \(x)")
    precondition(
      (1..<inputs.count).allSatisfy {
        inputs[$0].shape == inputs[1 + ($0 - 1) % partsPerGroup].shape && inputs[$0].shape[-1] == x[-1]
      },
      "grouped-linear: weights \(inputs.dropFirst().map(\.shape)) do not fit \(x) or differ between groups")
  }
  public func definition(_ inputs: [Tensor]) -> Tensor {
    check(inputs)
    let parts = (0..<groups).map { group in
      let rows = inputs[0].slice(offsets[group]..<offsets[group + 1], axis: 0)
      let weights = inputs[(1 + group * partsPerGroup)..<(1 + (group + 1) * partsPerGroup)]
      return LinearProduct(precision, roundsResult: roundsResult, form: form).definition([rows] + weights)
    }
    return Tensor.concatenated(parts, axis: 0)
  }
}

/// A linear map of each head's own slice, by one weight that holds all heads (latent attention's absorbed form).
/// Inputs: x [T, H·A], W [H·S, B]; head h uses rows h·S + offset ..< + width of W, as W_h [width, B].
/// Not transposed: y_h = x_h · W_h (A = width, result [T, H·B]).
/// Transposed: y_h = x_h · W_hᵀ (A = B, result [T, H·width]). In this form W may have quantised blocks.
/// In float32 W may be bfloat16, float16 or float8 in both.
public struct HeadwiseProduct: FusedOperation {
  public let name = "headwise"
  public let heads: Int
  public let offset: Int
  public let width: Int
  public let isTransposed: Bool
  /// The result has its numbers too. There is no such product in fp8: it is computed in bfloat16.
  public let precision: Precision
  public init(heads: Int, offset: Int, width: Int, isTransposed: Bool, _ precision: Precision = .float32) {
    (self.heads, self.offset, self.width, self.isTransposed) = (heads, offset, width, isTransposed)
    self.precision = precision.betweenLinearMaps
  }
  public func definition(_ inputs: [Tensor]) -> Tensor {
    if inputs[1].dtype.blocks != nil { return blockDefinition(inputs[0], inputs[1]) }
    let (x, w) = (inputs[0].rounded(to: precision), inputs[1].cast(to: .float32).rounded(to: precision))
    let (a, rows) = (x.shape[1] / heads, w.shape[0] / heads)
    let parts = (0..<heads).map { h in
      let own = w.slice(h * rows + offset..<h * rows + offset + width, axis: 0)
      return x.slice(h * a..<(h + 1) * a, axis: 1).matmul(isTransposed ? own.transposed : own)
    }
    return Tensor.concatenated(parts, axis: 1).roundingGradient(to: precision).rounded(to: precision)
  }
  /// Blocks lie along B, so the product that sums over B is the only one.
  private func blockDefinition(_ x: Tensor, _ w: Tensor) -> Tensor {
    precondition(
      isTransposed && precision == .float32,
      "headwise: \(w.dtype) blocks are multiplied transposed and in float32; asked for \(precision)")
    let (a, rows) = (x.shape[1] / heads, w.shape[0] / heads)
    let parts = (0..<heads).map { h in
      x.slice(h * a..<(h + 1) * a, axis: 1).blockProduct(w, rows: h * rows + offset..<h * rows + offset + width)
    }
    return Tensor.concatenated(parts, axis: 1)
  }
}
