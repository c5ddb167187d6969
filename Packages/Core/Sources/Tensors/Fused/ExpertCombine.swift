// Bringing the experts' outputs back to their tokens.

/// y[t] = Σ_k weight[t, k] · output[slot[t, k]], the k in order. Inputs: outputs [R, D], weights [T, K],
/// slots int32 [T, K]; a negative slot adds nothing. The result is [T, D]. A row of outputs that is
/// named more than once gathers its gradients in the order of the slots; one that is not named has gradient 0.
public struct ExpertCombine: FusedOperation {
  public let name = "expert-combine"
  /// What the outputs wait for the way back in. Nothing is lost where they have the numbers of that precision.
  public let kept: Precision
  public init(keeping kept: Precision = .float32) { self.kept = kept }
  public func definition(_ inputs: [Tensor]) -> Tensor {
    let (outputs, weights, slots) = (inputs[0], inputs[1], inputs[2])
    let (tokens, chosen, width) = (slots.shape[0], slots.shape[1], outputs.shape[1])
    let rows = outputs.gatherRows(slots.reshaped([tokens * chosen]))
    let weighted = rows * weights.reshaped([tokens * chosen, 1]).broadcast(to: rows.shape)
    return weighted.reshaped([tokens, chosen, width]).sum(axis: 1).reshaped([tokens, width])
  }
}
