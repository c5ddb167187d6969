// Options that several commands have, so that they are called the same everywhere.
import ArgumentParser
import Tensors
import Text

/// How much of the machine to use.
struct ComputeOptions: ParsableArguments {
  @Option(help: "Threads of the kernels; every core that this process may use if left out.")
  var threads: Int?

  func validate() throws {
    guard let threads, !(1...1024).contains(threads) else { return }
    throw ValidationError("--threads is \(threads); it must be between 1 and 1024.")
  }

  /// The app's parts on that many threads.
  func parts() throws -> Parts { try Parts(threads: threads) }
}

/// The values of `--precision`, as recipes have them.
extension Precision: @retroactive ExpressibleByArgument {}

/// Where runs are kept.
struct RunsOptions: ParsableArguments {
  @Option(help: "The directory that holds the runs; 'runs' in the working directory if left out.")
  var runs: String?

  var directory: RunsDirectory { RunsDirectory(runs) }
}

/// Changes to a recipe.
struct RecipeOptions: ParsableArguments {
  @Option(
    name: .customLong("set"), parsing: .upToNextOption,
    help: ArgumentHelp("Settings that differ from the recipe, as stages.base.steps=200.", valueName: "path=value"))
  var changes: [String] = []
}

/// Token ids as one argument: "1,2,3".
struct TokenList: ExpressibleByArgument {
  let tokens: [TokenID]

  init?(argument: String) {
    let numbers = argument.split(separator: ",", omittingEmptySubsequences: false).map { part in
      Int32(part.filter { $0 != " " })
    }
    let ids = numbers.compactMap { $0 }
    guard ids.count == numbers.count else { return nil }
    tokens = ids.map { TokenID(rawValue: $0) }
  }
}
