// A plugin that brings one reward, to be copied. It pays for short responses, so that a model does not think forever.
//
// Use it in three steps:
// 1. depend on this package, and list `TemplatePlugin()` among the plugins of the app's registry;
// 2. name it in a rubric: `rewards: [{name: accuracy}, {name: brevity, weight: 0.1, settings: {budget: 200}}]`;
// 3. to write another, rename the two types, change `score` and the settings, and keep the rules of `Reward`: return
//    for any text, never trap, and give the gold answer full marks.
import Plugins
import Recipes
import Rewards

/// Registers the reward `brevity`.
public struct TemplatePlugin: Plugin {
  public let name = "template"
  public init() {}
  public func register(in registry: inout Registry) throws {
    try registry.rewards.add("brevity", configuredBy: Brevity.Settings.self) { Brevity(settings: $0) }
  }
}

/// 1 up to `budget` tokens, falling in a straight line to 0 at twice as many; silence is invalid.
struct Brevity: Reward {
  struct Settings: Configuration {
    var budget = 512
    func validate() throws {
      if budget < 1 { throw ConfigError(path: "budget", problem: "expected 1 or more tokens, found \(budget)") }
    }
  }
  let name = "brevity"
  let settings: Settings
  func score(_ response: Response, of problem: Problem) -> Score {
    guard response.text.contains(where: { !$0.isWhitespace }) else { return .invalid("the response is empty") }
    let excess = Double(response.tokenCount - settings.budget) / Double(settings.budget)
    return .score(min(1, max(0, 1 - excess)))
  }
}
