// What a profile says about one operation.
import Tensors

/// The part of a training step that an operation ran in.
public enum ProfilePhase: String, Sendable, CaseIterable {
  /// Sampling, where a step begins with it.
  case rollout
  case forward, backward, update
}

/// All calls of one operation in one phase.
public struct OperationMeasurement: Sendable, Equatable {
  /// A fused operation's or a primitive's name, "read" and "write" for bytes from and to the host, or "host" for host
  /// work on the backend's threads.
  public let operation: String
  public let phase: ProfilePhase
  public let calls: Int
  /// Of the caller, without what other operations took that ran inside.
  public let seconds: Double
  /// Multiplications and additions of products; nil for operations that are none.
  public let operations: Double?

  /// Billions of multiplications and additions a second; nil for what is no product.
  public var gigaflops: Double? { operations.map { seconds > 0 ? $0 / seconds / 1e9 : 0 } }
}

extension Primitive {
  /// The case without its values: "slice" for `.slice(axis: 0, start: 3)`.
  var name: String { String("\(self)".prefix { $0 != "(" }) }
}
