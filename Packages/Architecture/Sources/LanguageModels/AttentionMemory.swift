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
  public var byteCount: Int { layers.joined().reduce(0) { $0 + $1.shape.count * $1.dtype.byteWidth } }

  /// Writes rows [T, width] into one table, in place when nobody else holds it.
  public mutating func write(_ rows: Tensor, at index: Tensor, layer: Int, table: Int) {
    var targets = [layers[layer][table].taken()]
    RowReplacement()(&targets, [rows, index])
    layers[layer][table] = targets[0]
  }
}
