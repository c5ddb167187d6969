// `fathom bench precision`: what a lower precision costs in learning. One recipe is trained from the same seeds in
// several precisions; the figure is how far the losses are apart at the end.
import ArgumentParser
import Foundation
import ProcessGraph
import Recipes
import RunStore
import Tensors

struct BenchPrecisionCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "precision", abstract: "Trains the demo's base model in several precisions and compares the losses.",
    discussion: "Runs of one seed have the same weights to begin with, the same data and the same order. The figure "
      + "is the relative difference of their losses, averaged over the last tenth of the steps; over several seeds its "
      + "mean and the standard error of that. A comparison that was stopped, or wants more seeds, is taken up with "
      + "--resume: runs that are complete are not repeated. The curves stay in the run store, on the run's page of "
      + "`fathom serve`.")

  @Option(
    parsing: .upToNextOption,
    help: "The precisions that are judged: fp8 if left out; with --resume, in any case those that were.")
  var precision: [Precision] = []
  @Option(help: "The precision that they are compared with.")
  var against = Precision.bfloat16
  @Option(help: "How many seeds, from the recipe's on; with --resume, as many as before if left out.")
  var seeds: Int?
  @Flag(help: "The whole base of the demo, and not that of the reduced one.")
  var full = false
  @Option(help: ArgumentHelp("The comparison to take up: its id, the beginning of one, or 'latest'.", valueName: "run"))
  var resume: String?
  @Flag(help: "Print one line of JSON for each precision.")
  var json = false
  @OptionGroup var changes: RecipeOptions
  @OptionGroup var runs: RunsOptions
  @OptionGroup var compute: ComputeOptions

  func validate() throws {
    if precision.contains(against) {
      throw ValidationError("\(against.rawValue) is judged and compared with; two different precisions are needed.")
    }
    try requireOption("seeds", seeds, in: 1...1000)
    if resume != nil && (full || !changes.changes.isEmpty) {
      throw ValidationError("--resume takes up a comparison with its own recipe; leave --full and --set out.")
    }
  }

  func run() async throws {
    let parts = try compute.parts()
    let (session, recipe) = try await begin(parts)
    session.progress.note("comparison \(session.id) in \(session.directory)")
    let other = against.rawValue
    let comparison = try await session.conduct { try await Self.train(recipe, against: other, in: $0) }
    for name in recipe.precisions(besides: against) {
      guard let summary = comparison.summary(of: name) else {
        throw CommandError(
          "\(session.directory): the runs in \(name) and \(other) have no step in common; each needs at least one")
      }
      if json { try Output.json(summary) } else { try Output.write(summary.text) }
    }
  }

  /// The run and what it trains, new or taken up.
  private func begin(_ parts: Parts) async throws -> (session: RunSession, recipe: PrecisionRecipe) {
    if let resume {
      // Read before the run is taken up, so that one of another kind stays as it is.
      let record = try await runs.directory.openStore().run(resume)
      var recipe = try PrecisionRecipe(
        ConfigTree(yamlFile: "\(record.directory)/\(RunSession.recipeName)"), of: record.directory)
      recipe.add([against] + precision, seeds: seeds ?? 0)
      let whole = try Graph(recipe: recipe.tree, stages: parts.registry.stages).recipe
      let session = try await RunSession.resume(
        record.id, in: runs.directory, parts: parts, command: PrecisionRecipe.command)
      try session.rewrite(whole)
      return (session, recipe)
    }
    var recipe = try PrecisionRecipe(demo: full, changes.changes)
    recipe.add([against] + (precision.isEmpty ? [.float8] : precision), seeds: seeds ?? 1)
    let session = try await RunSession.begin(
      "precision", recipe: Graph(recipe: recipe.tree, stages: parts.registry.stages).recipe, in: runs.directory,
      parts: parts, command: PrecisionRecipe.command)
    return (session, recipe)
  }

  /// Every run in turn, those that are complete apart, with the figure so far behind each pair.
  private static func train(
    _ recipe: PrecisionRecipe, against other: String, in session: RunSession
  ) async throws -> PrecisionComparison {
    var comparison = PrecisionComparison(against: other)
    for (index, member) in recipe.members.enumerated() {
      session.progress.note(
        "bench: run \(index + 1) of \(recipe.members.count): \(member.precision), seed \(member.seed)")
      let graph = try Graph(recipe: recipe.tree(of: member), stages: session.run.registry.stages)
      _ = try await session.perform(graph)
      let series = try await session.store.series(
        run: session.id, stage: PrecisionRecipe.stage(of: member), metric: "loss")
      comparison.add(member, Dictionary(series.map { ($0.step, $0.value) }, uniquingKeysWith: { $1 }))
      if member.precision != other, let summary = comparison.summary(of: member.precision) {
        session.progress.note("bench: \(summary.line)")
      }
    }
    return comparison
  }
}
