// How a package, or somebody else's, brings its parts: one value that puts makers on the shelves of a registry.

/// A set of parts. An app lists the plugins it wants, in source order.
public protocol Plugin: Sendable {
  /// Named in errors when two plugins bring the same part.
  var name: String { get }
  /// Called once, while the registry is being built; adds makers, does no work.
  func register(in registry: inout Registry) throws
}

/// A kind of part. The registry finds a kind's catalog by its type, so a plugin can bring a kind nobody knew.
///
///     public enum RewardParts: PartKind {
///       public typealias Product = any Reward
///       public static var noun: String { "reward" }
///     }
///     extension Registry {
///       public var rewards: Catalog<any Reward> {
///         get { self[RewardParts.self] }
///         set { self[RewardParts.self] = newValue }
///       }
///     }
public protocol PartKind {
  associatedtype Product: Sendable
  /// What one such part is called in a sentence: "reward", "stage", "model family".
  static var noun: String { get }
}
