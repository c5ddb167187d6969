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
    var order = root.ancestorsFirst()
    while let origin = order.popLast() {
      guard let g = gradient[ObjectIdentifier(origin)] else { continue }
      if !wanted.contains(ObjectIdentifier(origin)) { gradient[ObjectIdentifier(origin)] = nil }
      origin.makeAgain()
      let first = origin.inputs.first.flatMap { $0.map(ObjectIdentifier.init) }
      // Taken out, so that the pullback is the only one to hold it and may add to it in place.
      var sum = first.flatMap { gradient.removeValue(forKey: $0) }
      let parts = origin.pullback(g, addingTo: &sum)
      if let first { gradient[first] = sum }
      for (input, part) in zip(origin.inputs, parts) {
        guard let source = input, let part else { continue }
        let id = ObjectIdentifier(source)
        if gradient[id]?.add(part) == nil { gradient[id] = part }
      }
      origin.release()
    }
    return parameters.map { $0.origin.flatMap { gradient[ObjectIdentifier($0)] } }
  }
}

extension Origin {
  /// Every node of the graph behind this one and itself, each after all of its own inputs. Iterative: graphs are deep.
  fileprivate func ancestorsFirst() -> [Origin] {
    var order: [Origin] = []
    var seen: Set<ObjectIdentifier> = []
    var stack: [(origin: Origin, isExpanded: Bool)] = [(self, false)]
    while let (origin, isExpanded) = stack.popLast() {
      if isExpanded {
        order.append(origin)
        continue
      }
      guard seen.insert(ObjectIdentifier(origin)).inserted else { continue }
      stack.append((origin, true))
      for case let input? in origin.inputs { stack.append((input, false)) }
    }
    return order
  }

  fileprivate func pullback(_ g: Tensor, addingTo sum: inout Tensor?) -> [Tensor?] {
    switch kind {
    case .parameter, .released: []
    case .primitive(let primitive, let operands, let result): primitive.pullback(g, inputs: operands, output: result)
    case .native(_, let gradient): gradient(g, addingTo: &sum)
    }
  }
}
