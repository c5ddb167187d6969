// A rubric is a weighted sum that keeps its parts, leaves out abstentions and refuses what is not a number.
import Plugins
import Recipes
import Rewards
import Testing
import Verifiers

@Suite struct RubricTests {
  @Test func totalIsTheWeightedSumOfItsParts() async throws {
    let rubric = try Rubric([
      .init(Constant("a", .score(1)), weight: 2), .init(Constant("b", .score(-0.5)), weight: 0.5),
      .init(Constant("c", .invalid("no form")), weight: 7),
    ])
    let verdict = try await rubric.judge(response("x"), of: capital)
    #expect(verdict == Verdict(total: 1.75, parts: ["a": 1, "b": -0.5, "c": 0], notes: ["c": "no form"]))
  }

  @Test func abstainingRewardsLeaveTheSum() async throws {
    let rubric = try Rubric([.init(Constant("a", .score(0.25))), .init(Constant("b", .abstain("not mine")))])
    let verdict = try await rubric.judge(response("x"), of: capital)
    #expect(verdict == Verdict(total: 0.25, parts: ["a": 0.25], notes: ["b": "not mine"]))
  }

  @Test func whenAllAbstainThereIsNoTotal() async throws {
    let rubric = try Rubric([.init(Constant("a", .abstain("x"))), .init(Constant("b", .abstain("y")))])
    let verdict = try await rubric.judge(response("x"), of: capital)
    #expect(verdict.total == nil)
    #expect(verdict.parts.isEmpty)
    #expect(verdict.notes.count == 2)
  }

  @Test(arguments: [Double.nan, .infinity, -.infinity])
  func aScoreThatIsNoNumberIsAnErrorNamingTheReward(_ value: Double) async throws {
    let rubric = try Rubric([.init(Constant("fine", .score(1))), .init(Constant("broken", .score(value)))])
    let said = await message { _ = try await rubric.judge(response("x"), of: capital) }
    #expect(said.contains("'broken'") && said.contains("'capital'"), "\(said)")
  }

  @Test func overflowOfTheSumIsAnErrorToo() async throws {
    let rubric = try Rubric([.init(Constant("huge", .score(1e300)), weight: 1e300)])
    let said = await message { _ = try await rubric.judge(response("x"), of: capital) }
    #expect(said.contains("'huge'"), "\(said)")
  }

  @Test func manyResponsesKeepTheirOrder() async throws {
    let rubric = try Rubric([.init(Length(), weight: 2)])
    let attempts = (0..<100).map { Attempt(response(String(repeating: "x", count: $0 * 37 % 100)), of: capital) }
    for concurrency in [-1, 1, 7, 1000] {
      let totals = try await rubric.judge(attempts, concurrency: concurrency).map(\.total)
      #expect(totals == attempts.map { 2 * Double($0.response.text.utf8.count) }, "concurrency \(concurrency)")
    }
    #expect(try await rubric.judge([]).isEmpty)
  }

  @Test func oneBrokenResponseFailsTheWholeBatch() async throws {
    let rubric = try Rubric([.init(Constant("broken", .score(.nan)))])
    let attempts = [Attempt](repeating: Attempt(response("x"), of: capital), count: 20)
    #expect(await message { _ = try await rubric.judge(attempts) }.contains("'broken'"))
  }

  @Test func termsMustDifferAndWeighSomethingFinite() async {
    let twice = await message { _ = try Rubric([.init(Constant("a", .score(1))), .init(Constant("a", .score(1)))]) }
    #expect(twice.contains("'a' twice"), "\(twice)")
    let heavy = await message { _ = try Rubric([.init(Constant("a", .score(1)), weight: .infinity)]) }
    #expect(heavy.contains("weight inf"), "\(heavy)")
  }

  @Test func recipesNameRewardsWithWeightsAndSettings() async throws {
    let registry = try Registry([StandardRewards(), WeightedPlugin()])
    let yaml = "rewards: [{name: accuracy}, {name: weighted, weight: 10, settings: {value: 0.5}}]"
    let settings = try RubricSettings(overlaying: ConfigTree(yaml: yaml), at: "grpo.rubric")
    let rubric = try Rubric(settings, from: registry, at: "grpo.rubric")
    let verdict = try await rubric.judge(response("</think><answer>Paris</answer>"), of: capital)
    #expect(verdict == Verdict(total: 6, parts: ["accuracy": 1, "weighted": 0.5]))
  }

  @Test func withoutARecipeARightAnswerCountsOneAndItsFormATenth() async throws {
    let rubric = try Rubric(RubricSettings(), from: Registry([StandardRewards()]))
    let right = try await rubric.judge(response(" so</think> <answer> Paris </answer>"), of: capital)
    #expect(right.total == 1.1)
    let wrong = try await rubric.judge(response(" so</think> <answer> Rome </answer>"), of: capital)
    #expect(wrong.total == 0.1)
  }

  @Test(arguments: [
    ("rewards: []", "grpo.rubric.rewards: expected at least one"),
    ("rewards: [{name: acuracy}]", "did you mean 'accuracy'"),
    ("rewards: [{weight: 2}]", "grpo.rubric.rewards[0].name"),
    ("rewards: [{name: accuracy, weigth: 2}]", "grpo.rubric.rewards[0].weigth"),
    ("rewards: [{name: accuracy, weight: .inf}]", "grpo.rubric.rewards[0].weight"),
    ("rewards: [{name: format}, {name: format}]", "grpo.rubric.rewards[1].name"),
    ("rewards: [{name: format}, {name: weighted, settings: {valve: 1}}]", "grpo.rubric.rewards[1].settings.valve"),
    ("rewards: [{name: accuracy, settings: {strict: true}}]", "grpo.rubric.rewards[0].settings.strict"),
  ])
  func badRecipesAreNamedByTheirPath(_ yaml: String, _ expected: String) async throws {
    let registry = try Registry([StandardRewards(), WeightedPlugin()])
    let said = await message {
      let settings = try RubricSettings(overlaying: ConfigTree(yaml: yaml), at: "grpo.rubric")
      _ = try Rubric(settings, from: registry, at: "grpo.rubric")
    }
    #expect(said.contains(expected), "\(said)")
  }
}
