// `fathom bench precision`: what a lower precision costs in learning. One recipe is trained from the same seed in two
// precisions; the figure is how far the losses are apart at the end.
import ArgumentParser
import Foundation
import ProcessGraph
import Recipes
import RunStore
import Tensors

struct BenchPrecisionCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "precision", abstract: "Trains the demo's base model in two precisions and compares the losses.",
    discussion: "Both runs have the same seed, data and order. The figure is the relative difference of the losses, "
      + "averaged over the last tenth of the steps. The curves stay in the run store, on the run's page of "
      + "`fathom serve`.")

  @Option(help: "The precision that is judged.")
  var precision = Precision.float8
  @Option(help: "The precision that it is compared with.")
  var against = Precision.bfloat16
  @Flag(help: "The whole base of the demo, and not that of the reduced one.")
  var full = false
  @Flag(help: "Print one line of JSON.")
  var json = false
  @OptionGroup var changes: RecipeOptions
  @OptionGroup var runs: RunsOptions
  @OptionGroup var compute: ComputeOptions

  func validate() throws {
    guard precision == against else { return }
    throw ValidationError("--precision and --against are both \(precision.rawValue); two different ones are compared.")
  }

  func run() async throws {
    let parts = try compute.parts()
    let graph = try Graph(recipe: recipe(), stages: parts.registry.stages)
    let session = try await RunSession.begin(
      "precision", recipe: graph.recipe, in: runs.directory, parts: parts, progress: TerminalProgress())
    let (judged, other) = (precision.rawValue, against.rawValue)
    let curves = try await session.conduct { session in
      _ = try await session.perform(graph)
      func losses(_ stage: String) async throws -> [Int: Double] {
        let series = try await session.store.series(run: session.id, stage: stage, metric: "loss")
        return Dictionary(series.map { ($0.step, $0.value) }, uniquingKeysWith: { $1 })
      }
      return PrecisionCurves(judged: try await losses(judged), other: try await losses(other))
    }
    guard let summary = curves.summary(judged, other) else {
      throw CommandError("\(session.directory): the two runs have no step in common; each needs at least one")
    }
    if json { try Output.json(summary) } else { try Output.write(curves.text(summary)) }
  }

  /// The demo's corpus, and its base once for each precision.
  private func recipe() throws -> ConfigTree {
    let kept = ["stages.corpus.", "stages.base."]
    let reductions = full ? [] : DemoRecipe.reductions.filter { change in kept.contains { change.hasPrefix($0) } }
    let demo = try ConfigTree(yaml: DemoRecipe.text, source: "the demo's recipe").setting(reductions + changes.changes)
    guard let corpus = demo["stages"]?["corpus"], case .table(let base)? = demo["stages"]?["base"] else {
      throw ConfigError(path: "stages", problem: "expected the demo's stages 'corpus' and 'base'")
    }
    var stages = ["corpus": corpus]
    for precision in [against, precision] {
      stages[precision.rawValue] = .table(base.merging(["precision": .string(precision.rawValue)]) { $1 })
    }
    return .table(["name": .string("precision"), "seed": demo["seed"] ?? .int(0), "stages": .table(stages)])
  }
}
