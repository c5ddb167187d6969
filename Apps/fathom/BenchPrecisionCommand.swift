// `fathom bench precision`: what a lower precision costs in learning. One recipe is trained from the same seed in two
// precisions; the figure is how far the losses are apart at the end.
import ArgumentParser
import Foundation
import ProcessGraph
import Recipes
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

/// The losses of both runs by step.
struct PrecisionCurves: Sendable {
  /// What `--json` prints. Losses are means over the last tenth of the steps, and the difference is the mean of the
  /// steps' relative differences, signed and by size.
  struct Summary: Encodable {
    let precision: String
    let against: String
    let steps: Int
    let loss: Double
    let lossAgainst: Double
    let relativeDifference: Double
    let meanAbsoluteDifference: Double
  }
  let judged: [Int: Double]
  let other: [Int: Double]

  private var steps: [Int] { judged.keys.filter { other[$0] != nil }.sorted() }

  /// Nil when there is no step that both have.
  func summary(_ judgedName: String, _ otherName: String) -> Summary? {
    let steps = steps
    guard !steps.isEmpty else { return nil }
    let last = steps.suffix(max(1, steps.count / 10))
    func mean(_ value: (Int) -> Double) -> Double { last.reduce(0) { $0 + value($1) } / Double(last.count) }
    func relative(_ step: Int) -> Double { (judged[step] ?? .nan) / (other[step] ?? .nan) - 1 }
    return Summary(
      precision: judgedName, against: otherName, steps: steps.count, loss: mean { judged[$0] ?? .nan },
      lossAgainst: mean { other[$0] ?? .nan }, relativeDifference: mean(relative),
      meanAbsoluteDifference: mean { abs(relative($0)) })
  }

  /// A dozen steps of both curves, and the figure.
  func text(_ summary: Summary) -> String {
    let steps = steps
    var table = TextTable(.right("step"), .right(summary.against), .right(summary.precision), .right("difference"))
    let stride = max(1, (steps.count + 11) / 12)
    for (index, step) in steps.enumerated() where index % stride == 0 || index == steps.count - 1 {
      guard let own = judged[step], let base = other[step] else { continue }
      table.add(
        "\(step)", String(format: "%.4f", base), String(format: "%.4f", own), Self.percent(own / base - 1))
    }
    return """
      \(table.text)
      last tenth of \(summary.steps) steps: loss \(String(format: "%.4f", summary.loss)) in \(summary.precision), \
      \(String(format: "%.4f", summary.lossAgainst)) in \(summary.against): \
      \(Self.percent(summary.relativeDifference)) apart, step by step \(Self.percent(summary.meanAbsoluteDifference))

      """
  }

  private static func percent(_ share: Double) -> String { String(format: "%+.3f %%", share * 100) }
}
