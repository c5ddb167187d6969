// A whole feed-forward layer, or all experts of one, in float32.

/// down(silu(gate(x)) · up(x)) for rows that belong to different experts. Inputs: x [R, D] with the rows of one group
/// together, then for each group its gate [I, D], up [I, D] and down [E, I]; the result is [R, E]. It is what
/// `GroupedLinearProduct`, `SwiGLU` and another `GroupedLinearProduct` give, bit for bit, forward and back; a backend may
/// take some rows through all three while they are near.
public struct GatedFeedForward: FusedOperation {
  public let name = "gated-feed-forward"
  /// Group g owns rows offsets[g] ..< offsets[g + 1]; the first is 0 and the last the number of rows.
  public let offsets: [Int]
  public init(offsets: [Int]) { self.offsets = offsets }

  /// The product of gates and ups, and that of downs.
  package var products: (gateUp: GroupedLinearProduct, down: GroupedLinearProduct) {
    (
      GroupedLinearProduct(offsets: offsets, partsPerGroup: 2), GroupedLinearProduct(offsets: offsets, partsPerGroup: 1)
    )
  }
  /// The weights of both products, from gate, up and down of each group in turn.
  package func split<Weight>(_ weights: ArraySlice<Weight>) -> (gateUp: [Weight], down: [Weight]) {
    precondition(
      weights.count == 3 * (offsets.count - 1), "\(name): \(weights.count) weights for \(offsets.count - 1) groups of 3"
    )
    let numbered = Array(weights).enumerated()
    return (
      numbered.filter { $0.offset % 3 < 2 }.map(\.element), numbered.filter { $0.offset % 3 == 2 }.map(\.element)
    )
  }

  /// In the operations that it stands for.
  public func definition(_ inputs: [Tensor]) -> Tensor {
    let (x, weights) = (inputs[0], split(inputs.dropFirst()))
    if offsets.count == 2 { return LinearProduct()([SwiGLU()(LinearProduct()([x] + weights.gateUp))] + weights.down) }
    return products.down([SwiGLU()(products.gateUp([x] + weights.gateUp))] + weights.down)
  }
}
