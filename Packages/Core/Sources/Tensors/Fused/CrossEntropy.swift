// How likely a model finds the tokens that were written.

/// The natural logarithm of the probability of each row's target. Inputs: logits [T, V], targets int32 [T]; a target
/// of −1 gives 0 and no gradient. The result is [T].
public struct CrossEntropy: FusedOperation {
  public let name = "cross-entropy"
  public init() {}
  public func definition(_ inputs: [Tensor]) -> Tensor {
    let targets = inputs[1].integers()
    let rows = targets.count
    let device = inputs[0].device
    let index = Tensor(targets.map { Int32(Swift.max($0, 0)) }, shape: [rows, 1], on: device)
    let isCounted = Tensor(targets.map { $0 < 0 ? Float(0) : 1 }, shape: [rows], on: device)
    return inputs[0].logSoftmax().takeAlongRows(index).reshaped([rows]) * isCounted
  }
}
