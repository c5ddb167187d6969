// A recipe's stages, wired by `from` and checked port by port before anything runs.
import Plugins
import Recipes

/// Stages as nodes, artifacts as edges, in an order in which every input is ready.
public struct Graph: Sendable {
  /// One entry of a recipe's `stages`.
  public struct Node: Sendable {
    /// Also the name of its directory.
    public let name: String
    /// The node whose result it takes; nil for stages that start from nothing.
    public let source: String?
    public let stage: AnyStage
    /// Its place in the recipe: `stages.base`.
    public var path: String { Graph.path(of: name) }
  }

  /// The recipe's own name, when it has one.
  public let name: String?
  /// The seed of every stage that has a `seed` setting and does not set it.
  public let seed: Int?
  /// In running order.
  public let nodes: [Node]
  /// The recipe with every stage's defaults filled in: what a run writes as recipe.yaml.
  public let recipe: ConfigTree

  /// Makes every stage through the catalog and checks the wiring.
  public init(recipe: ConfigTree, stages catalog: Catalog<AnyStage>) throws {
    let outline: Outline = try recipe.decode()
    guard !outline.stages.isEmpty else { throw ConfigError(path: "stages", problem: "expected at least one stage") }
    (name, seed) = (outline.name, outline.seed)
    let drafts = try outline.stages.sorted { $0.key < $1.key }.map { name, section in
      try Draft(name, section, seed: outline.seed, catalog: catalog)
    }
    nodes = try Self.ordered(drafts.map(\.node))
    try Self.checkPorts(nodes)
    var merged = outline
    merged.stages = Dictionary(uniqueKeysWithValues: drafts.map { ($0.node.name, $0.merged) })
    self.recipe = try ConfigTree(encoding: merged)
  }

  /// Throws what any stage can say before any work, so that a misspelt reward is not met after hours of pretraining.
  public func check(in registry: Registry) throws {
    for node in nodes { try node.stage.check(in: registry, at: node.path) }
  }

  /// Performs every node, one after another. Finished ones return their artifacts without running.
  public func run(in run: Run) async throws -> [String: any Artifact] {
    try check(in: run.registry)
    try RecipeRecord.settle(recipe, in: run.directory)
    var artifacts: [String: any Artifact] = [:]
    for node in nodes {
      try Task.checkCancellation()
      let input = node.source.flatMap { artifacts[$0] } ?? Nothing()
      artifacts[node.name] = try await run.perform(node.stage, on: input, as: node.name)
    }
    return artifacts
  }

  static func path(of node: String) -> String { "stages.\(node)" }

  /// What a recipe has at its top.
  private struct Outline: Codable {
    var name: String?
    var seed: Int?
    var stages: [String: ConfigTree]
  }
}

extension Graph {
  /// Every node after the node it takes from; otherwise by name.
  private static func ordered(_ nodes: [Node]) throws -> [Node] {
    let byName = Dictionary(uniqueKeysWithValues: nodes.map { ($0.name, $0) })
    var placed: Set<String> = []
    var order: [Node] = []
    for node in nodes {
      var waiting: [Node] = []
      var next: Node? = node
      while let current = next, !placed.contains(current.name) {
        if let loop = waiting.firstIndex(where: { $0.name == current.name }) {
          throw GraphError.cycle(waiting[loop...].map(\.name))
        }
        waiting.append(current)
        guard let source = current.source else { break }
        guard let found = byName[source] else {
          throw GraphError.unknownSource(source, at: current.path, nodes: nodes.map(\.name))
        }
        next = found
      }
      order += waiting.reversed()
      placed.formUnion(waiting.map(\.name))
    }
    return order
  }

  private static func checkPorts(_ nodes: [Node]) throws {
    let kinds = Dictionary(uniqueKeysWithValues: nodes.map { ($0.name, $0.stage.outputKind) })
    for node in nodes {
      let takes = node.stage.inputKind
      guard let source = node.source else {
        if takes == Nothing.kind { continue }
        let makers = nodes.filter { $0.stage.outputKind == takes && $0.name != node.name }.map(\.name).sorted()
        throw GraphError.unwired(stage: node.stage.name, at: node.path, takes: takes, candidates: makers)
      }
      let found = kinds[source] ?? Nothing.kind
      guard takes == found else {
        throw GraphError.mismatch(
          stage: node.stage.name, at: node.path, takes: takes, wiredTo: found, from: source)
      }
    }
  }
}
