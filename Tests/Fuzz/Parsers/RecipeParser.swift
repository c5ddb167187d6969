// Recipes, and settings changed on the command line: read, wired, checked, written back.
import ProcessGraph
import Recipes

struct RecipeParser: FuzzParser {
  let name = "recipe"
  let parts: FuzzParts

  func seeds() throws -> [FuzzInput] {
    ([Self.whole, Self.small] + Self.attacks).map {
      FuzzInput([.init("recipe.yaml", $0), .init("set.txt", "stages.base.optimizer.learningRate=1e-3")])
    }
      + ["a[0].b=[1, 2]", "=", "a..b=1", "a[=1", "a[99999999999999999999]=1", "a={", "stages.base=null", "x='\\x00'"]
      .map {
        FuzzInput([.init("recipe.yaml", Self.small), .init("set.txt", $0)])
      }
  }

  private static let whole = """
    name: demo
    seed: 7
    stages:
      corpus:
        stage: corpus
        documents: {name: knights-and-knaves, settings: {people: [{people: 2, weight: 0.25}, {people: 3}]}}
        count: 90000
        vocabularySize: 512
        preTokenizer: whitespace
      base:
        stage: pretrain
        from: corpus
        steps: 1600
        batchTokens: 3840
        sequenceLength: 352
        model: {model_type: deepseek_v3, hidden_size: 128, num_hidden_layers: 4, first_k_dense_replace: 1,
          intermediate_size: 384, moe_intermediate_size: 96, n_routed_experts: 4, n_shared_experts: 1,
          num_experts_per_tok: 2, num_attention_heads: 4, q_lora_rank: null, kv_lora_rank: 64, qk_nope_head_dim: 16,
          qk_rope_head_dim: 16, v_head_dim: 32, rope_theta: 1000.0, max_position_embeddings: 384}
        objective: {mtpLossWeight: 0.3, balanceLossWeight: 0.0001, biasUpdateRate: 0.001}
        optimizer: {kind: muon, learningRate: 0.003, schedule: {warmupSteps: 30, decayFraction: 0.4}}
      base_3: &three
        stage: evaluate
        from: base
        problems: {name: knights-and-knaves, settings: {people: [3]}}
        count: 400
        maxTokens: 340
      thinker:
        stage: grpo
        from: base
        problems: {name: knights-and-knaves, settings: {people: [3, 3, 3, 2]}}
        rewards: [{name: accuracy}, {name: format, weight: 0.2}]
        steps: 60
        promptsPerStep: 16
        groupSize: 8
        maxTokens: 340
      final_3: {<<: *three, from: thinker}
    """

  private static let small = """
    stages:
      base:
        stage: corpus
        documents: {name: text-files, settings: {paths: [a, b]}}
    """

  /// Aliases that unfold without end, nesting, circles, names that leave the directory.
  private static let attacks = [
    "a: &a [x, x]\nb: &b [*a, *a, *a, *a]\nc: &c [*b, *b, *b, *b]\nd: &d [*c, *c, *c, *c]\ne: &e [*d, *d, *d, *d]\n"
      + "f: &f [*e, *e, *e, *e]\ng: &g [*f, *f, *f, *f]\nh: &h [*g, *g, *g, *g]\ni: &i [*h, *h, *h, *h]\nj: [*i, *i, *i, *i]",
    "a: &a [*a]", "a: &a {b: *a}", String(repeating: "[", count: 20_000), String(repeating: "{a: ", count: 20_000),
    String(repeating: "- ", count: 20_000), String(repeating: "? ", count: 20_000), "a: *nothing", "!!binary x", "\t",
    "---\n---\n",
    "stages: {a: {stage: pretrain, from: b}, b: {stage: pretrain, from: a}}", "stages: {a: {stage: pretrain, from: a}}",
    "stages: {../../x: {stage: corpus}}", "stages: {\"a\\nb\\x1b[2J\": {stage: corpus}}", "stages: {}", "stages: []",
    "",
    "stages: {a: {stage: corpus, count: 9223372036854775807, vocabularySize: 9223372036854775807}}",
    "name: \"\\uD800\"",
    "? [a, b]\n: 1", "{a: 1, a: 2}", "<<: 5", "<<: [5]", "a: !x 5", "\"\\x00\": \"\\x00\"",
    "a: \"" + String(repeating: "x", count: 5000) + "\"",
  ]

  func attempt(_ input: FuzzInput, in directory: String) async throws -> String {
    var tree = try ConfigTree(yamlFile: "\(directory)/recipe.yaml")
    let written = try tree.yaml()
    guard try ConfigTree(yaml: written).canonicalJSON == (tree == .table([:]) ? "{}" : tree.canonicalJSON) else {
      throw Violation("a recipe reads back as another one")
    }
    let change = String(decoding: input["set.txt"], as: UTF8.self)
    do {
      tree = try tree.setting([change])
    } catch let error as ConfigError {
      try SentenceRule.check(error)
    }
    let graph = try Graph(recipe: tree, stages: parts.registry.stages)
    try graph.check(in: parts.registry)
    return "a graph"
  }
}
