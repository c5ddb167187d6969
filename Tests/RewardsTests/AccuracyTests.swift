// Accuracy hands the one answer section to the problem's verifier; every registered reward passes its examination.
import Plugins
import Recipes
import Rewards
import Testing
import Verifiers

@Suite struct AccuracyTests {
  private let registry: Registry
  init() throws { registry = try Registry([StandardRewards()]) }

  @Test(arguments: ["accuracy", "format"])
  func theGoldAnswerEarnsOneAndSilenceNothing(_ name: String) async throws {
    let reward = try registry.reward(name)
    #expect(reward.name == name)
    #expect(try await reward.score(response("why</think><answer>Paris</answer>"), of: capital) == .score(1))
    for silence in ["", " ", "\n", "</think>", "<answer></answer>"] {
      guard case .invalid = try await reward.score(response(silence), of: capital) else {
        Issue.record("\(name) does not find '\(silence)' invalid")
        continue
      }
    }
  }

  @Test func theTableAboveHoldsEveryRegisteredReward() {
    #expect(registry.rewards.names == ["accuracy", "format"])
    #expect(registry.verifiers.names == ["exact-match"])
  }

  @Test func wrongAnswersEarnNothing() async throws {
    let reward = try registry.reward("accuracy")
    #expect(try await reward.score(response("<answer>Rome</answer>"), of: capital) == .score(0))
    #expect(try await reward.score(response("<answer>Paris Paris</answer>"), of: capital) == .score(0))
    #expect(try await reward.score(response("<answer>\n Paris </answer>"), of: capital) == .score(1))
  }

  @Test func truncatedResponsesAreInvalidEvenWhenTheAnswerIsThere() async throws {
    let reward = try registry.reward("accuracy")
    let cut = response("</think><answer>Paris</answer>", isTruncated: true)
    #expect(try await reward.score(cut, of: capital) == .invalid("the response was cut off at 3 tokens"))
  }

  @Test func severalAnswersAreInvalidEvenWhenOneIsRight() async throws {
    let reward = try registry.reward("accuracy")
    for text in ["<answer>Paris</answer><answer>Rome</answer>", "<answer><answer>Paris</answer>", "Paris"] {
      guard case .invalid = try await reward.score(response(text), of: capital) else {
        Issue.record("'\(text)' was read")
        continue
      }
    }
  }

  @Test func aMissingVerifierIsAnErrorThatNamesProblemAndVerifiers() async throws {
    var problem = capital
    problem.verifier = "equation"
    let reward = try registry.reward("accuracy")
    let said = await message { _ = try await reward.score(response("<answer>1</answer>"), of: problem) }
    #expect(
      said == "the problem 'capital' names the verifier 'equation', which is not installed; installed: exact-match")
  }

  @Test func verifiersOfLaterPluginsAreFoundByEarlierRewards() async throws {
    struct Anything: Verifier { func verify(_ answer: String, against problem: Problem) -> Score { .score(0.75) } }
    struct Late: Plugin {
      let name = "late"
      func register(in registry: inout Registry) throws { try registry.verifiers.add("any") { _, _ in Anything() } }
    }
    var problem = capital
    problem.verifier = "any"
    let reward = try Registry([StandardRewards(), Late()]).reward("accuracy")
    #expect(try await reward.score(response("<answer>?</answer>"), of: problem) == .score(0.75))
  }

  @Test func verifiersPassTheirOwnReference() {
    #expect(ExactMatch().verify(capital.answer, against: capital) == .score(1))
    #expect(ExactMatch().verify("", against: capital) == .invalid("the answer is empty"))
  }
}
