// How a tracked tensor came to be.
// Owned by the tensors that need it, so there is no tape to open, close or leak.

/// One node of the gradient graph.
package final class Origin: @unchecked Sendable {  // changes only by the graph's only owner, going forward or back
  package enum Kind: Sendable {
    case parameter
    /// Operands and result as far as the gradient reads them again; of the others the outlines.
    case primitive(Primitive, operands: [Tensor], result: Tensor)
    case native(String, Pullback)
    case released
  }
  package private(set) var kind: Kind
  /// Where each input came from; nil for one that is not tracked. The inputs themselves are not held: what the gradient
  /// reads again, the kind has.
  package private(set) var inputs: [Origin?]
  /// What the pullback may read and a `Recomputation` has given back by then.
  private var recomputed: [Storage]
  package init(_ kind: Kind, inputs: [Tensor] = []) {
    (self.kind, self.inputs) = (kind, inputs.map(\.origin))
    let read =
      switch kind {
      case .parameter, .released: [Tensor]()
      case .primitive(_, let operands, let result): operands + [result]
      case .native: inputs
      }
    recomputed = read.map(\.storage).filter(\.isRecomputed)
  }

  /// Says that the result is recomputed, for pullbacks that read it.
  func recomputesResult(in storage: Storage) { recomputed.append(storage) }
  /// Has everything made again that the pullback may read.
  package func makeAgain() {
    for storage in recomputed { storage.makeAgain() }
  }

  /// Drops what the gradient no longer needs, so that memory shrinks while the walk goes back through the graph.
  package func release() {
    if case .parameter = kind { return }
    (kind, inputs, recomputed) = (.released, [], [])
  }

  deinit {
    // Unlink in a loop. Left to itself ARC recurses once per operation and overflows the stack near 30,000.
    var pending = Self.takeOrigins(from: &inputs)
    while var next = pending.popLast() {
      if isKnownUniquelyReferenced(&next) { pending += Self.takeOrigins(from: &next.inputs) }
    }
  }
  private static func takeOrigins(from inputs: inout [Origin?]) -> [Origin] {
    defer { inputs = [] }
    return inputs.compactMap { $0 }
  }
}
