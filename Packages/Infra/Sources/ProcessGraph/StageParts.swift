// The shelf of stages: what `stage: grpo` in a recipe can name.
import Plugins
import Recipes

/// Stages, as a kind of part.
public enum StageParts: PartKind {
  public typealias Product = AnyStage
  public static var noun: String { "stage" }
}

extension Registry {
  /// The stages recipes can name.
  public var stages: Catalog<AnyStage> {
    get { self[StageParts.self] }
    set { self[StageParts.self] = newValue }
  }
}

extension Catalog<AnyStage> {
  /// Adds a typed stage made from its typed configuration:
  /// `add("grpo", configuredBy: GRPO.Settings.self) { try GRPO($0) }`.
  public mutating func add<Settings: Configuration, S: Stage>(
    _ name: String, configuredBy settings: Settings.Type, _ maker: @escaping @Sendable (Settings) throws -> S
  ) throws {
    try add(name) { tree, path in AnyStage(try maker(Settings(overlaying: tree, at: path))) }
  }
}
