// `fathom verify`: the promises of docs/exactness.md, held against one's own recipe.
import ArgumentParser
import Foundation
import ProcessGraph
import Recipes

struct VerifyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify", abstract: "Proves on your own recipe that results are equal where they must be.",
    discussion: "Trains the recipe's first stage 'pretrain' for a few steps on a few documents, in a temporary "
      + "directory. A step must not depend on micro-batches, order, neighbours or threads, a run that was stopped must "
      + "end in the bytes of one that was not, and a token must be trained with the log-probability that the first "
      + "stage 'grpo' sampled it with. Exits with 1 when something differs; docs/exactness.md says what is promised.")

  @Argument(help: ArgumentHelp("The recipe, a YAML file.", valueName: "recipe.yaml"))
  var recipe: String
  @OptionGroup var changes: RecipeOptions
  @Option(help: "Steps of pretraining; a second run is stopped half-way and resumed.")
  var steps = 6
  @Option(help: "Documents of the corpus at most. A step takes no more tokens than they have.")
  var documents = 64
  @OptionGroup var output: ResultOptions
  @OptionGroup var compute: ComputeOptions

  func validate() throws {
    guard (2...100_000).contains(steps) else {
      throw ValidationError(
        "--steps is \(steps); it must be between 2 and 100000, so that a run can be stopped half-way.")
    }
    try requireOption("documents", documents, in: 1...10_000_000)
  }

  func run() async throws {
    let (parts, progress) = (try compute.parts(), TerminalProgress())
    let outline = try VerifyOutline(
      ConfigTree(yamlFile: recipe).setting(changes.changes), documents: documents, parts.registry)
    let place = FileManager.default.temporaryDirectory.appendingPathComponent("fathom-verify-\(UUID())").path
    defer { try? FileManager.default.removeItem(atPath: place) }
    let verification = Verification(
      recipe: recipe, outline: outline, steps: steps, parts: parts, directory: place, progress: progress)
    let report = try await interruptible("verify", progress) { try await verification.report() }
    try output.print(report, text: report.text)
    if let difference = report.difference { throw CommandError(difference) }
  }
}
