// Changes in place: what optimizers and memories do.

/// AdamW with decoupled weight decay (Loshchilov and Hutter 2019). Targets: weight, first moment, second moment;
/// input: gradient. `step` counts from 1. Moments may be bfloat16: the step takes their new values before they are
/// rounded to it.
public struct AdamWUpdate: FusedUpdate {
  public let name = "adamw"
  public var learningRate: Float
  public var beta1: Float
  public var beta2: Float
  public var epsilon: Float
  public var weightDecay: Float
  public var step: Int
  /// Multiplies the gradient first (clipping).
  public var gradientScale: Float
  public init(
    learningRate: Float, beta1: Float, beta2: Float, epsilon: Float, weightDecay: Float, step: Int, gradientScale: Float
  ) {
    (self.learningRate, self.beta1, self.beta2, self.epsilon) = (learningRate, beta1, beta2, epsilon)
    (self.weightDecay, self.step, self.gradientScale) = (weightDecay, step, gradientScale)
  }
  /// 1 − βᵗ, by repeated multiplication in double precision so that every platform agrees.
  public static func correction(_ beta: Float, _ step: Int) -> Float {
    var power = 1.0
    var (base, left) = (Double(beta), step)
    while left > 0 {
      if left & 1 == 1 { power *= base }
      base *= base
      left >>= 1
    }
    return Float(1 - power)
  }
  public func definition(_ targets: [Tensor], _ inputs: [Tensor]) -> [Tensor] {
    let g = inputs[0] * gradientScale
    let m = targets[1].cast(to: .float32) * beta1 + g * (1 - beta1)
    let v = targets[2].cast(to: .float32) * beta2 + g * g * (1 - beta2)
    let direction = m * (1 / Self.correction(beta1, step)) / ((v * (1 / Self.correction(beta2, step))).sqrt() + epsilon)
    return [targets[0] * (1 - learningRate * weightDecay) + direction * -learningRate]
      + zip([m, v], targets.dropFirst()).map { $0.cast(to: $1.dtype) }
  }
}

/// target = target · decay + input · factor.
public struct ScaledAddition: FusedUpdate {
  public let name = "scaled-addition"
  public var decay: Float
  public var factor: Float
  public init(decay: Float, factor: Float) { (self.decay, self.factor) = (decay, factor) }
  public func definition(_ targets: [Tensor], _ inputs: [Tensor]) -> [Tensor] {
    [targets[0] * decay + inputs[0] * factor]
  }
}

/// Rows of a table replaced: target[index[r]] = rows[r]. Inputs: rows [R, D], index int32 [R] without repeats and
/// inside the table.
public struct RowReplacement: FusedUpdate {
  public let name = "row-replacement"
  public init() {}
  /// Traps unless the rows fit the table and every index is one of its rows.
  package func check(_ targets: [Tensor], _ inputs: [Tensor]) {
    let (table, rows, index) = (targets[0].shape, inputs[0].shape, inputs[1])
    precondition(
      table.rank == 2 && rows.rank == 2 && table[1] == rows[1] && index.shape == [rows[0]],
      "row-replacement: \(rows) at \(index.shape) do not fit a table \(table)")
    if let wrong = index.integers().first(where: { $0 < 0 || Int($0) >= table[0] }) {
      preconditionFailure("row-replacement: index \(wrong) is not a row of a table \(table)")
    }
  }
  public func definition(_ targets: [Tensor], _ inputs: [Tensor]) -> [Tensor] {
    check(targets, inputs)
    let count = targets[0].shape[0]
    let ones = Tensor(repeating: 1, shape: inputs[0].shape, on: inputs[0].device)
    let isReplaced = ones.scatterAddRows(inputs[1], count: count)
    return [inputs[0].scatterAddRows(inputs[1], count: count).selected(by: isReplaced, else: targets[0])]
  }
}
