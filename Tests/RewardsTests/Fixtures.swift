// Small judges and problems that the tests of this folder share.
import Plugins
import Recipes
import Rewards

/// A reward that always says the same.
struct Constant: Reward {
  var name: String
  var verdict: Score
  init(_ name: String, _ verdict: Score) { (self.name, self.verdict) = (name, verdict) }
  func score(_ response: Response, of problem: Problem) -> Score { verdict }
}

/// A reward that scores the number of bytes, after giving others a turn.
struct Length: Reward {
  let name = "length"
  func score(_ response: Response, of problem: Problem) async -> Score {
    await Task.yield()
    return .score(Double(response.text.utf8.count))
  }
}

/// A reward with settings, to be found through a registry.
struct Weighted: Reward {
  struct Settings: Configuration {
    var value = 1.0
  }
  let name = "weighted"
  let settings: Settings
  func score(_ response: Response, of problem: Problem) -> Score { .score(settings.value) }
}

struct WeightedPlugin: Plugin {
  let name = "weighted-plugin"
  func register(in registry: inout Registry) throws {
    try registry.rewards.add("weighted", configuredBy: Weighted.Settings.self) { Weighted(settings: $0) }
  }
}

let capital = Problem(
  id: "capital", prompt: "Q: the capital of France\nA:<think>", question: "the capital of France", answer: "Paris",
  verifier: "exact-match")

func response(_ text: String, isTruncated: Bool = false) -> Response {
  Response(text: text, tokenCount: 3, isTruncated: isTruncated)
}

/// What an error says; a sentence that no test expects when nothing is thrown.
func message(_ work: () async throws -> Void) async -> String {
  do {
    try await work()
    return "nothing was thrown"
  } catch {
    return "\(error)"
  }
}
