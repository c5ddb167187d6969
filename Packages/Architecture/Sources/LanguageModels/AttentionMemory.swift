// What attention remembers between steps.
import Tensors

/// Which form latent attention computes in. The two round differently, so whoever compares log-probabilities bit for
/// bit uses one form on both sides.
public enum AttentionForm: String, Sendable, Codable, CaseIterable {
  /// Keys and values are expanded from the latent and kept: the form of training.
  case textbook
  /// Only the latent and the rotated shared key are kept; the up-projections move into query and output.
  case absorbed
}

/// Tables of what each layer keeps, with `capacity` positions for each of `slots` sequences.
public struct AttentionMemory: Sendable {
  /// Sequences that it can hold at once.
  public let slots: Int
  /// Positions of each slot.
  public let capacity: Int
  public let form: AttentionForm
  /// Per layer, tables of slots · capacity rows. Their number and widths are the model's.
  public var layers: [[Tensor]]

  /// `widths` are the widths of every layer's tables.
  public init(slots: Int, capacity: Int, form: AttentionForm, layers: Int, widths: [Int], on device: Device) {
    precondition(slots > 0 && capacity > 0, "AttentionMemory: \(slots) slots of \(capacity) positions hold nothing")
    (self.slots, self.capacity, self.form) = (slots, capacity, form)
    self.layers = (0..<layers).map { _ in
      widths.map { Tensor(repeating: 0, shape: [slots * capacity, $0], on: device) }
    }
  }
  /// Bytes of all tables.
  public var byteCount: Int { layers.joined().reduce(0) { $0 + $1.byteCount } }

  /// Writes rows [T, width] into one table, in place when nobody else holds it.
  public mutating func write(_ rows: Tensor, at index: Tensor, layer: Int, table: Int) {
    var targets = [layers[layer][table].taken()]
    RowReplacement()(&targets, [rows, index])
    layers[layer][table] = targets[0]
  }

  /// The first `count` positions of one slot, to be taken over by another.
  public struct Copy: Sendable, Hashable {
    public var source: Int
    public var target: Int
    public var count: Int
    public init(from source: Int, to target: Int, count: Int) {
      (self.source, self.target, self.count) = (source, target, count)
    }
  }

  /// Copies positions between slots in every layer. All sources are read before any target is written, and no two
  /// targets are the same slot. By row-exactness a copied position is what reading its token again would write.
  public mutating func copy(_ copies: [Copy]) {
    for copy in copies {
      precondition(
        (0..<slots).contains(copy.source) && (0..<slots).contains(copy.target) && (0...capacity).contains(copy.count),
        "AttentionMemory: \(copy) is not inside \(slots) slots of \(capacity) positions")
    }
    let from = copies.flatMap { copy in (0..<copy.count).map { Int32(copy.source * capacity + $0) } }
    let to = copies.flatMap { copy in (0..<copy.count).map { Int32(copy.target * capacity + $0) } }
    guard !from.isEmpty, let device = layers.first?.first?.device else { return }
    let (sources, targets) = (
      Tensor(from, shape: [from.count], on: device), Tensor(to, shape: [to.count], on: device)
    )
    for layer in layers.indices {
      for table in layers[layer].indices {
        write(layers[layer][table].gatherRows(sources), at: targets, layer: layer, table: table)
      }
    }
  }
}
