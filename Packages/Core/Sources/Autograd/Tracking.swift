// Where gradients begin.
import Tensors

extension Tensor {
  /// This tensor as a parameter that gradients can be asked for.
  public func tracked() -> Tensor { from(Origin(.parameter)) }
}
