// How a tracked tensor came to be.
// Owned by the tensors that need it, so there is no tape to open, close or leak.

/// One node of the gradient graph.
package final class Origin: @unchecked Sendable {  // changes only in `release` and `deinit`, by the graph's only owner
  package enum Kind: Sendable {
    case parameter
    case primitive(Primitive)
    case native(String, @Sendable (Tensor) -> [Tensor?])
    case released
  }
  package private(set) var kind: Kind
  package private(set) var inputs: [Tensor]
  package init(_ kind: Kind, inputs: [Tensor] = []) { (self.kind, self.inputs) = (kind, inputs) }

  /// Drops what the gradient no longer needs, so that memory shrinks while the walk goes back through the graph.
  package func release() {
    if case .parameter = kind { return }
    kind = .released
    inputs = []
  }

  deinit {
    // Unlink in a loop. Left to itself ARC recurses once per operation and overflows the stack near 30,000.
    var pending = Self.takeOrigins(from: &inputs)
    while var next = pending.popLast() {
      if isKnownUniquelyReferenced(&next) { pending += Self.takeOrigins(from: &next.inputs) }
    }
  }
  private static func takeOrigins(from inputs: inout [Tensor]) -> [Origin] {
    defer { inputs = [] }
    return inputs.compactMap(\.origin)
  }
}
