// A rubric as a recipe writes it: rewards by name, each with a weight and settings of its own.
import Plugins
import Recipes

/// One line of a rubric in a recipe: `{name: accuracy, weight: 1}`.
public struct RewardTermSettings: Configuration, Equatable {
  /// The name of an installed reward.
  public var name = ""
  /// Multiplies the score; below 0 it is a penalty.
  public var weight = 1.0
  /// The reward's own section.
  public var settings = ConfigTree.table([:])
  public init() {}
  public init(_ name: String, weight: Double = 1, settings: ConfigTree = .table([:])) {
    (self.name, self.weight, self.settings) = (name, weight, settings)
  }
  public func validate() throws {
    guard !name.isEmpty else {
      throw ConfigError(path: "name", problem: "expected the name of a reward, found nothing")
    }
    guard weight.isFinite else {
      throw ConfigError(path: "weight", problem: "expected a finite number, found \(weight)")
    }
  }
}

/// The rewards of a recipe. By default a right answer counts one, and the right form a tenth.
public struct RubricSettings: Configuration, Equatable {
  public var rewards = [RewardTermSettings("accuracy", weight: 1), RewardTermSettings("format", weight: 0.1)]
  public init() {}
  public init(_ rewards: [RewardTermSettings]) { self.rewards = rewards }
  public func validate() throws {
    guard !rewards.isEmpty else {
      throw ConfigError(path: "rewards", problem: "expected at least one reward, found none")
    }
    var seen: Set<String> = []
    for (index, term) in rewards.enumerated() where !seen.insert(term.name).inserted {
      throw ConfigError(
        path: "rewards[\(index)].name", problem: "the reward '\(term.name)' is listed twice; list it once")
    }
  }
}

extension Rubric {
  /// The rubric that a recipe describes; `path` is where its section stands and begins the path of errors.
  public init(_ settings: RubricSettings, from registry: Registry, at path: String = "") throws {
    let section = path.isEmpty ? "" : "\(path)."
    try self.init(
      settings.rewards.enumerated().map { index, term in
        let place = "\(section)rewards[\(index)]"
        try registry.rewards.require(term.name, at: "\(place).name")
        let reward = try registry.reward(term.name, term.settings, at: "\(place).settings")
        return Term(reward, weight: term.weight)
      })
  }
}
