// What a demo's recipe amounts to, known before its first second of work: the checked graph, the size of the model,
// and the sentences that say what is about to happen.
import LanguageModels
import Plugins
import ProcessGraph
import Recipes
import TrainingStages

/// The stages that the demo speaks about, by their names in the recipe.
enum DemoNode: String, CaseIterable {
  case corpus, base, thinker
  case base3 = "base_3"
  case base2 = "base_2"
  case final3 = "final_3"
  case final2 = "final_2"

  /// The kind of stage that each of them is.
  var kind: String {
    switch self {
    case .corpus: "corpus"
    case .base: "pretrain"
    case .thinker: "grpo"
    case .base3, .base2, .final3, .final2: "evaluate"
    }
  }
}

/// A recipe in which the demo's stages were found.
struct DemoOutline: Sendable {
  let graph: Graph
  let model: ModelDescription

  /// Throws `ConfigError` when the recipe has lost one of the demo's stages, and what a wrong recipe throws anyhow.
  init(_ recipe: ConfigTree, _ registry: Registry) throws {
    graph = try Graph(recipe: recipe, stages: registry.stages)
    try graph.check(in: registry)
    for node in DemoNode.allCases {
      let found = graph.nodes.first { $0.name == node.rawValue }?.stage.name
      guard found != node.kind else { continue }
      throw ConfigError(
        path: "stages.\(node.rawValue)",
        problem: "the demo reports on this stage of kind '\(node.kind)', found \(found.map { "'\($0)'" } ?? "none"); "
          + "`fathom run` takes recipes of any shape")
    }
    model = try Self.model(graph.recipe, registry)
  }

  /// The model as its section describes it. The tokenizer may learn fewer tokens than it is allowed to.
  private static func model(_ recipe: ConfigTree, _ registry: Registry) throws -> ModelDescription {
    guard case .table(var keys)? = recipe["stages"]?["base"]?["model"] else {
      throw ConfigError(path: "stages.base.model", problem: "expected a section, the model's config.json")
    }
    keys["vocab_size"] = keys["vocab_size"] ?? recipe["stages"]?["corpus"]?["vocabularySize"]
    let configuration = Array(ConfigTree.table(keys).canonicalJSON.utf8)
    let family = try registry.families.make(ModelType.read(configuration, from: "stages.base.model"))
    return try family.describe(configuration)
  }

  /// What is about to happen, and where.
  func introduction(of run: RunSession, at address: String?) -> String {
    let answers = number(.thinker, "promptsPerStep") * number(.thinker, "groupSize")
    let puzzles = number(.base3, "count") + number(.base2, "count")
    var facts = TextTable(.left(""), .left(""))
    facts.add(
      "model", "\(model.modelType), \(model.layers) layers, about \(Figures.count(model.parameters)) parameters")
    facts.add("run", run.directory)
    if let address { facts.add("charts", "\(address)/run") }
    facts.add("Ctrl-C", "stops it; `\(run.continuation)` goes on")
    return """
      Fathom's demo grows a small reasoning model from nothing, on this machine.

      1. It reads \(Figures.grouped(number(.corpus, "count"))) texts on puzzles of knights and knaves, most of them \
      solved carelessly: \(number(.base, "steps")) steps.
      2. It tries new ones and is rewarded for right answers, \(answers) at a time: \(number(.thinker, "steps")) steps \
      of GRPO.
      3. Before and after, \(Figures.grouped(puzzles)) puzzles that it never learns from show what it can do.

      \(facts.text)

      """
  }

  private func number(_ node: DemoNode, _ setting: String) -> Int {
    guard case .int(let value)? = graph.recipe["stages"]?[node.rawValue]?[setting] else { return 0 }
    return value
  }
}
