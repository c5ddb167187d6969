// The walk back from a scalar to the parameters it depends on.
import Tensors

extension Tensor {
  /// d(self)/d(parameter) for each parameter, in order; nil where self does not depend on it. The graph is taken
  /// apart on the way, so that activations are given back as soon as they have served.
  package func consumingGradients(for parameters: [Tensor]) -> [Tensor?] {
    precondition(shape.count == 1, "gradients: the value must be one number, not \(shape)")
    guard let root = origin else { return parameters.map { _ in nil } }
    var gradient = [ObjectIdentifier(root): Tensor(repeating: 1, shape: shape, on: device)]
    let wanted = Set(parameters.compactMap { $0.origin.map(ObjectIdentifier.init) })
    var order = ancestorsFirst()
    while let tensor = order.popLast() {
      guard let origin = tensor.origin, let g = gradient[ObjectIdentifier(origin)] else { continue }
      if !wanted.contains(ObjectIdentifier(origin)) { gradient[ObjectIdentifier(origin)] = nil }
      for (input, part) in zip(origin.inputs, origin.pullback(g, output: tensor)) {
        guard let source = input.origin, let part else { continue }
        let id = ObjectIdentifier(source)
        if gradient[id]?.add(part) == nil { gradient[id] = part }
      }
      origin.release()
    }
    return parameters.map { $0.origin.flatMap { gradient[ObjectIdentifier($0)] } }
  }

  /// Every tracked tensor this one was made from, each after all of its own inputs. Iterative: graphs are deep.
  private func ancestorsFirst() -> [Tensor] {
    var order: [Tensor] = []
    var seen: Set<ObjectIdentifier> = []
    var stack: [(tensor: Tensor, isExpanded: Bool)] = [(self, false)]
    while let (tensor, isExpanded) = stack.popLast() {
      guard let origin = tensor.origin else { continue }
      if isExpanded {
        order.append(tensor)
        continue
      }
      guard seen.insert(ObjectIdentifier(origin)).inserted else { continue }
      stack.append((tensor, true))
      stack += origin.inputs.map { ($0, false) }
    }
    return order
  }
}

extension Origin {
  func pullback(_ g: Tensor, output: Tensor) -> [Tensor?] {
    switch kind {
    case .parameter, .released: []
    case .primitive(let primitive):
      primitive.pullback(g, inputs: inputs.map { $0.detached() }, output: output.detached())
    case .native(_, let gradient): gradient(g)
    }
  }
}
