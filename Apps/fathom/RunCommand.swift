// `fathom run RECIPE.yaml`: any graph of stages, recorded in the run store and resumable.
import ArgumentParser
import Foundation
import ProcessGraph
import Recipes

struct RunCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Runs the stages of a recipe.",
    discussion: "The recipe as it was run is written to recipe.yaml in the run's directory. A run that stopped is "
      + "continued with --resume, which needs no recipe.")

  @Argument(help: ArgumentHelp("The recipe, a YAML file.", valueName: "recipe.yaml"))
  var recipe: String?
  @OptionGroup var changes: RecipeOptions
  @Option(help: ArgumentHelp("The run to continue: its id, the beginning of one, or 'latest'.", valueName: "run"))
  var resume: String?
  @OptionGroup var runs: RunsOptions
  @OptionGroup var compute: ComputeOptions

  func validate() throws {
    if recipe == nil, let last = changes.changes.last, !last.contains("=") {
      throw ValidationError("'\(last)' stands where --set takes path=value; write the recipe before --set.")
    }
    if recipe == nil && resume == nil {
      throw ValidationError("There is nothing to run; name a recipe, or a run with --resume.")
    }
    if resume != nil && (recipe != nil || !changes.changes.isEmpty) {
      throw ValidationError("--resume continues a run with its own recipe; leave the recipe and --set out.")
    }
  }

  func run() async throws {
    let parts = try compute.parts()
    if let resume {
      let session = try await RunSession.resume(resume, in: runs.directory, parts: parts)
      try await GraphRun(session: session, graph: Graph(recipe: session.recipe, stages: parts.registry.stages)).run()
    } else if let recipe {
      let tree = try ConfigTree(yamlFile: recipe).setting(changes.changes)
      let file = URL(fileURLWithPath: recipe).deletingPathExtension().lastPathComponent
      try await GraphRun.begin(tree, name: file, in: runs.directory, parts: parts).run()
    }
  }
}

/// A graph in its session: what `run` and `train` do once they have a recipe.
struct GraphRun {
  let session: RunSession
  let graph: Graph

  /// Checks the whole recipe before it enters the run. The recipe's own name goes before `name`.
  static func begin(_ recipe: ConfigTree, name: String, in runs: RunsDirectory, parts: Parts) async throws -> GraphRun {
    let graph = try Graph(recipe: recipe, stages: parts.registry.stages)
    try graph.check(in: parts.registry)
    let session = try await RunSession.begin(graph.name ?? name, recipe: graph.recipe, in: runs, parts: parts)
    return GraphRun(session: session, graph: graph)
  }

  /// Performs the graph and prints what it made.
  func run() async throws {
    session.progress.note("run \(session.id) in \(session.directory)")
    let graph = graph
    let artifacts = try await session.conduct { try await $0.perform(graph) }
    var table = TextTable(.left("stage"), .left("made"), .left("where"), .left("fingerprint"))
    for node in graph.nodes {
      guard let artifact = artifacts[node.name] else { continue }
      table.add(
        node.name, type(of: artifact).kind, artifact.directory, String(artifact.fingerprint.prefix(12)))
    }
    try Output.write(table.text)
    try printFigures(artifacts)
  }

  /// What evaluations found.
  private func printFigures(_ artifacts: [String: any Artifact]) throws {
    var table = TextTable(.left("evaluation"), .left("figure"), .right("value"))
    for node in graph.nodes {
      guard let evaluation = artifacts[node.name] as? EvaluationArtifact else { continue }
      for (name, value) in evaluation.figures.sorted(by: { $0.key < $1.key }) {
        table.add(node.name, name, Figures.short(value))
      }
    }
    if !table.isEmpty { try Output.write("\n\(table.text)") }
  }
}
