// Models as values made of parameters.
import Autograd
import Tensors

/// A value made of parameters. Copying it is a snapshot; sending it to another task is safe.
public protocol Module: Sendable {
  /// Names every parameter once. Saving, loading, counting, optimising and sharding all walk this list.
  mutating func visit(_ visitor: inout some ParameterVisitor)
}

/// Walks the parameters of a module by name.
public protocol ParameterVisitor {
  var path: [String] { get set }
  /// `isTrained` is false for state that is saved with the model but never touched by an optimizer.
  mutating func visit(_ tensor: inout Tensor, isTrained: Bool)
}

extension ParameterVisitor {
  /// The full name of the parameter being visited, for example "model.layers.3.mlp.gate.weight".
  public var name: String { path.joined(separator: ".") }
  public mutating func callAsFunction(_ name: String, _ tensor: inout Tensor, isTrained: Bool = true) {
    path.append(name)
    visit(&tensor, isTrained: isTrained)
    path.removeLast()
  }
  public mutating func callAsFunction(_ name: String, _ tensor: inout Tensor?, isTrained: Bool = true) {
    guard var present = tensor else { return }
    tensor = nil  // as below
    self(name, &present, isTrained: isTrained)
    tensor = present
  }
  public mutating func callAsFunction(_ name: String, _ module: inout some Module) {
    path.append(name)
    module.visit(&self)
    path.removeLast()
  }
  public mutating func callAsFunction(_ name: String, _ module: inout (some Module)?) {
    guard var present = module else { return }
    module = nil  // so that `present` is the only owner while it is visited, and updates happen in place
    self(name, &present)
    module = present
  }
  public mutating func callAsFunction(_ name: String, _ modules: inout [some Module], startingAt first: Int = 0) {
    for index in modules.indices {
      path.append(name)
      path.append(String(index + first))
      modules[index].visit(&self)
      path.removeLast(2)
    }
  }
}

/// One parameter as found by a walk.
public struct NamedParameter: Sendable {
  public let name: String
  public let tensor: Tensor
  public let isTrained: Bool
}

private struct Collect: ParameterVisitor {
  var path: [String] = []
  var parameters: [NamedParameter] = []
  mutating func visit(_ tensor: inout Tensor, isTrained: Bool) {
    parameters.append(NamedParameter(name: name, tensor: tensor.detached(), isTrained: isTrained))
  }
}

extension Module {
  /// Every parameter, in the order of the walk.
  public var parameters: [NamedParameter] {
    var copy = self
    var collect = Collect()
    copy.visit(&collect)
    return collect.parameters
  }
}

/// The gradients of a scalar with respect to a module's trained parameters.
public struct Gradients: Sendable {
  public var byName: [String: Tensor]
  public init(byName: [String: Tensor]) { self.byName = byName }

  /// √Σ g² over all parameters, summed in order of their names so that it never depends on hashing.
  public func norm() -> Double {
    byName.keys.sorted().reduce(0) { $0 + byName[$1]!.sumOfSquares() }.squareRoot()
  }
}

private struct Track: ParameterVisitor {
  var path: [String] = []
  var parameters: [(name: String, tensor: Tensor)] = []
  mutating func visit(_ tensor: inout Tensor, isTrained: Bool) {
    guard isTrained else { return }
    tensor = tensor.tracked()
    parameters.append((name, tensor))
  }
}

/// Runs `loss` on a tracked copy of `model`; the model itself is never changed and never tracked.
public func valueAndGradients<M: Module>(of model: M, _ loss: (M) -> Tensor) -> (value: Tensor, gradients: Gradients) {
  var (tracked, track) = (model, Track())
  tracked.visit(&track)
  let value = loss(tracked)
  // What was packed for going forward has served, and its memory is what the gradients need. Going back packs anew.
  for parameter in track.parameters { parameter.tensor.storage.forgetDerived() }
  let parts = value.consumingGradients(for: track.parameters.map(\.tensor))
  let pairs = zip(track.parameters, parts).compactMap { entry, g in g.map { (entry.name, $0) } }
  return (value.detached(), Gradients(byName: Dictionary(pairs, uniquingKeysWith: { first, _ in first })))
}
