// A reward of the app's own, and the plugin that brings it: one file, and one word in the list of plugins.
import Plugins
import Rewards

/// Pays for answers that try at least two assignments before they decide.
struct SecondLook: Reward, Plugin {
  let name = "second-look"
  func register(in registry: inout Registry) throws { try registry.rewards.add(name) { _, _ in self } }
  func score(_ response: Response, of problem: Problem) -> Score {
    .score(response.text.split(separator: " ").count { $0 == "try" } >= 2 ? 1 : 0)
  }
}
