// What of a recipe is verified: its first stage that pretrains, what that learns from, and its first stage of GRPO.
import Plugins
import ProcessGraph
import Recipes
import TrainingStages

/// The stages that take part, reduced to a few documents, steps and answers. All else is the recipe's own.
struct VerifyOutline: Sendable {
  let pretrain: Graph.Node
  /// What the pretraining learns from, in running order: as a rule one stage that makes a corpus.
  let sources: [Graph.Node]
  /// Nil when the recipe has none.
  let grpo: Graph.Node?

  /// Answers of one rollout, and tokens of one answer, at most: enough for every position of a small context.
  private static let (prompts, groupSize, answerTokens) = (4, 4, 128)

  /// Throws `ConfigError` when the recipe pretrains nothing, and what a wrong recipe throws anyhow.
  init(_ recipe: ConfigTree, documents: Int, _ registry: Registry) throws {
    let whole = try Graph(recipe: recipe, stages: registry.stages)
    try whole.check(in: registry)
    guard let found = whole.nodes.first(where: { $0.stage.name == "pretrain" }) else {
      let kinds = Set(whole.nodes.map(\.stage.name)).sorted()
      throw ConfigError(
        path: "stages",
        problem: "has no stage 'pretrain', and its steps are what is verified; found \(kinds.joined(separator: ", "))")
    }
    let reductions = Self.sources(of: found, in: whole).compactMap { node -> String? in
      guard case .int(let count)? = node.stage.settings["count"] else { return nil }
      return "\(node.path).count=\(count == 0 ? documents : min(count, documents))"
    }
    let graph = try Graph(recipe: whole.recipe.setting(reductions), stages: registry.stages)
    (pretrain, sources) = (found, Self.sources(of: found, in: graph))
    grpo = graph.nodes.first { $0.stage.name == "grpo" }
  }

  /// The nodes whose results lead to `node`, the first of them first.
  private static func sources(of node: Graph.Node, in graph: Graph) -> [Graph.Node] {
    var (found, next) = ([Graph.Node](), node.source)
    while let name = next, let source = graph.nodes.first(where: { $0.name == name }) {
      found.insert(source, at: 0)
      next = source.source
    }
    return found
  }

  /// The recipe's pretraining of `steps` steps, none of more than `tokens` tokens, saved at the end and where it stops.
  func pretrainSettings(steps: Int, tokens: Int) throws -> PretrainSettings {
    var settings = try PretrainSettings(overlaying: pretrain.stage.settings, at: pretrain.path)
    (settings.steps, settings.saveEvery) = (steps, steps)
    settings.batchTokens = max(settings.sequenceLength, min(settings.batchTokens, tokens))
    return settings
  }

  /// The recipe's GRPO with few and short answers; nil when it has none.
  func grpoSettings() throws -> GRPOSettings? {
    guard let grpo else { return nil }
    var settings = try GRPOSettings(overlaying: grpo.stage.settings, at: grpo.path)
    settings.promptsPerStep = min(settings.promptsPerStep, Self.prompts)
    settings.groupSize = min(settings.groupSize, Self.groupSize)
    settings.maxTokens = min(settings.maxTokens, Self.answerTokens)
    return settings
  }
}
