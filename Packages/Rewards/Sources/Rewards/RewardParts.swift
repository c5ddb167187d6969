// The shelf of rewards: what `name: accuracy` in a rubric can mean.
import Plugins
import Recipes

/// Rewards, as a kind of part.
public enum RewardParts: PartKind {
  public typealias Product = any Reward
  public static var noun: String { "reward" }
}

/// A reward that compares answers with references. It is registered knowing no verifier, because a plugin installed
/// later may bring the one it needs, and is given them all when it is taken from a finished registry.
public protocol ComparingReward: Reward {
  /// The same reward, able to use `verifiers`.
  func comparing(with verifiers: VerifierSet) -> any Reward
}

extension Registry {
  /// The rewards that recipes can name. To use one, ask `reward(_:_:at:)`, which also hands it the verifiers.
  public var rewards: Catalog<any Reward> {
    get { self[RewardParts.self] }
    set { self[RewardParts.self] = newValue }
  }

  /// Makes a reward from its section of the recipe, ready to score.
  public func reward(
    _ name: String, _ settings: ConfigTree = .table([:]), at path: String? = nil
  ) throws -> any Reward {
    let reward = try rewards.make(name, settings, at: path)
    guard let comparing = reward as? any ComparingReward else { return reward }
    return comparing.comparing(with: try VerifierSet(from: self))
  }
}
