// Graphs: a recipe's wiring is checked before work, and its stages run in the order of the wiring.
import Foundation
import Plugins
import ProcessGraph
import Recipes
import Testing

private let recipe = """
  name: demo
  seed: 7
  stages:
    thinker: { stage: grpo, from: base, steps: 120, seed: 3 }
    corpus: { stage: puzzle-corpus, steps: 5 }
    base:   { stage: pretrain, from: corpus, optimizer: { beta: 0.25 } }
    score:  { stage: evaluate, from: thinker }
  """

@Suite struct GraphTests {
  @Test func recipeRunsInTheOrderOfItsWiring() async throws {
    let shop = try Workshop()
    defer { shop.remove() }
    let graph = try shop.graph(recipe)
    #expect(graph.name == "demo" && graph.seed == 7)
    let artifacts = try await graph.run(in: shop.run)
    #expect(shop.tally.ran == ["corpus", "base", "thinker", "score"])
    let base = try #require(artifacts["base"] as? CheckpointArtifact)
    let seen = try String(contentsOfFile: "\(shop.run.directory)/thinker/work.txt", encoding: .utf8)
    #expect(seen == base.fingerprint)

    let resumed = try await shop.graph(recipe).run(in: shop.run)
    #expect(shop.tally.ran.count == 4)
    let score = try #require(resumed["score"] as? EvaluationArtifact)
    #expect(score.figures["n"] == 0.5 && score.figures["pass@1"]?.isNaN == true)
    #expect(resumed["base"] as? CheckpointArtifact == base)
  }

  @Test func mergedRecipeHoldsDefaultsAndSeedsAndRunsAgain() throws {
    let shop = try Workshop()
    let merged = try shop.graph(recipe).recipe
    let expected = try ConfigTree(
      yaml: """
        name: demo
        seed: 7
        stages:
          base: { stage: pretrain, from: corpus, steps: 10, seed: 7, optimizer: { beta: 0.25 } }
          corpus: { stage: puzzle-corpus, steps: 5, seed: 7, optimizer: { beta: 0.5 } }
          score: { stage: evaluate, from: thinker, steps: 10, seed: 7, optimizer: { beta: 0.5 } }
          thinker: { stage: grpo, from: base, steps: 120, seed: 3, optimizer: { beta: 0.5 } }
        """)
    #expect(merged == expected)
    #expect(try Graph(recipe: merged, stages: shop.registry.stages).recipe == merged)
  }

  @Test func resumingWithAnotherRecipeNamesTheDifference() async throws {
    let shop = try Workshop()
    defer { shop.remove() }
    _ = try await shop.graph(recipe).run(in: shop.run)
    let problem = await stageMessage {
      _ = try await shop.graph(recipe.replacingOccurrences(of: "120", with: "200")).run(in: shop.run)
    }
    #expect(problem.contains("recipe.yaml was written by a run of another recipe (stages.thinker.steps: 120, now 200)"))
    #expect(shop.tally.ran.count == 4)
  }

  @Test func recipeIsOnDiskBeforeAnythingStarts() async throws {
    let shop = try Workshop()
    defer { shop.remove() }
    var registry = shop.registry
    let tally = shop.tally
    let file = "\(shop.run.directory)/recipe.yaml"
    let exists: @Sendable () -> Bool = { FileManager.default.fileExists(atPath: file) }
    let found = StageTally()
    try registry.stages.add("look", configuredBy: CorpusStage.Settings.self) {
      try CorpusStage("look", $0, tally) { directory, print in
        if exists() { found.add(directory) }
        return CorpusArtifact(directory: directory, fingerprint: print)
      }
    }
    #expect(!exists())
    _ = try await Graph(recipe: ConfigTree(yaml: "stages: { a: { stage: look } }"), stages: registry.stages)
      .run(in: shop.run)
    #expect(found.ran == ["a"])
  }

  @Test(arguments: [
    (
      "{ corpus: { stage: puzzle-corpus }, thinker: { stage: grpo, from: corpus } }",
      "stage 'grpo' (stages.thinker) takes a checkpoint, but it is wired to a corpus ('corpus')"
    ),
    (
      "{ c: { stage: puzzle-corpus }, base: { stage: pretrain, from: c }, e: { stage: evaluate, from: base }, "
        + "t: { stage: grpo, from: e } }",
      "stage 'grpo' (stages.t) takes a checkpoint, but it is wired to an evaluation ('e')"
    ),
    (
      "{ corpus: { stage: puzzle-corpus, from: base }, base: { stage: pretrain, from: base2 }, "
        + "base2: { stage: pretrain, from: corpus } }",
      "stages wait for each other in a circle: base <- base2 <- corpus <- base"
    ),
    ("{ a: { stage: grpo, from: a } }", "stages wait for each other in a circle: a <- a"),
    (
      "{ x: { stage: puzzle-corpus }, y: { stage: puzzle-corpus, from: x } }",
      "stage 'puzzle-corpus' (stages.y) takes nothing, but it is wired to a corpus ('x')"
    ),
    (
      "{ corpus: { stage: puzzle-corpus }, base: { stage: pretrain } }",
      "stage 'pretrain' (stages.base) takes a corpus, but it has no 'from'; nodes that make one: corpus"
    ),
    (
      "{ base: { stage: pretrain } }",
      "stage 'pretrain' (stages.base) takes a corpus, but it has no 'from'; no node makes one"
    ),
    (
      "{ corpus: { stage: puzzle-corpus }, base: { stage: pretrain, from: corpse } }",
      "stages.base.from: there is no node 'corpse'; this recipe has: base, corpus (did you mean 'corpus'?)"
    ),
    (
      "{ base: { stage: pretrian, from: corpus } }",
      "config: stages.base.stage: no stage 'pretrian'; installed: evaluate, grpo, pretrain, puzzle-corpus (did you mean 'pretrain'?)"
    ),
    (
      "{ corpus: { stage: puzzle-corpus, step: 3 } }",
      "config: stages.corpus.step: no such setting; this section has: optimizer, seed, steps (did you mean 'steps'?)"
    ),
    ("{ a: { steps: 3 } }", "config: stages.a: has no 'stage'; installed: evaluate, grpo, pretrain, puzzle-corpus"),
    ("{ a: { stage: [x] } }", "config: stages.a.stage: expected a name, found a list of 1"),
    (
      "{ a: pretrain }",
      "config: stages.a: expected a section such as { stage: pretrain, from: corpus }, found the text 'pretrain'"
    ),
    ("{}", "config: stages: expected at least one stage"),
    (
      #"{ "a\nb\e[2J": { stage: puzzle-corpus } }"#,
      "'a b [2J' cannot name a stage's directory; use letters, digits, '-' and '_'"
    ),
    ("{ ../a: { stage: puzzle-corpus } }", "'../a' cannot name a stage's directory; use letters, digits, '-' and '_'"),
  ])
  func wrongWiringIsFoundBeforeAnythingRuns(stages: String, expected: String) throws {
    let shop = try Workshop()
    #expect(shop.problem("stages: \(stages)") == expected)
    #expect(shop.tally.ran.isEmpty)
  }

  @Test func topOfARecipeIsCheckedToo() throws {
    let shop = try Workshop()
    #expect(
      shop.problem("{ sed: 7, stages: { a: { stage: puzzle-corpus } } }")
        == "config: sed: no such setting; this section has: name, seed, stages (did you mean 'seed'?)")
    #expect(shop.problem("name: x").hasPrefix("config: stages: is required"))
    #expect(shop.problem("").hasPrefix("config: <root>: expected a section"))
  }

  @Test func sharedAncestorsRunOnce() async throws {
    let shop = try Workshop()
    defer { shop.remove() }
    let graph = try shop.graph(
      "stages: { a: { stage: grpo, from: z }, b: { stage: grpo, from: z }, z: { stage: pretrain, from: zz }, "
        + "zz: { stage: puzzle-corpus } }")
    _ = try await graph.run(in: shop.run)
    #expect(shop.tally.ran == ["zz", "z", "a", "b"])
  }
}
