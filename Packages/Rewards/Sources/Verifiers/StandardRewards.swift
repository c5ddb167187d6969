// The rewards and the verifier that this package brings, as one plugin.
import Plugins
import Recipes
import Rewards

/// Registers the rewards `accuracy` and `format` and the verifier `exact-match`.
public struct StandardRewards: Plugin {
  /// Nothing to set, so that a setting in a recipe is an error.
  private struct NoSettings: Configuration {}

  public let name = "standard-rewards"
  public init() {}
  public func register(in registry: inout Registry) throws {
    try registry.rewards.add("accuracy", configuredBy: NoSettings.self) { _ in AnswerAccuracy() }
    try registry.rewards.add("format", configuredBy: NoSettings.self) { _ in ThinkAnswerFormat() }
    try registry.verifiers.add("exact-match", configuredBy: NoSettings.self) { _ in ExactMatch() }
  }
}
