// How much is read before a text counts as an attack or an accident: what bounds the stack and the time of a reader.

/// Bounds of one text.
public struct JSONLimits: Sendable, Equatable {
  /// Lists and objects inside each other. The reader is recursive: this is what keeps it on its stack.
  public var depth: Int
  /// Values that are built or stepped over, lists and objects included.
  public var values: Int

  public init(depth: Int = 64, values: Int = .max) { (self.depth, self.values) = (depth, values) }
}
