// In which form a model holds what its files hold.

/// Whether weights are widened when they are read.
public enum WeightForm: String, Sendable, Codable, CaseIterable {
  /// Matrices stay in the form of their file, quantised or of sixteen bits, and are multiplied in it; everything else is
  /// float32. For inference: such weights have no gradients.
  case stored
  /// Everything is float32.
  case float32
}
