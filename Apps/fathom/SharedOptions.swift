// Options that several commands have, so that they are called the same everywhere.
import ArgumentParser
import LanguageModels
import Tensors
import Text

/// Throws `ValidationError` for a value that the option `name` does not take; one that is left out is right.
func requireOption(_ name: String, _ value: Int?, in range: ClosedRange<Int>) throws {
  guard let value, !range.contains(value) else { return }
  throw ValidationError("--\(name) is \(value); it must be between \(range.lowerBound) and \(range.upperBound).")
}

/// How much of the machine to use.
struct ComputeOptions: ParsableArguments {
  @Option(help: "Threads of the kernels; every core that this process may use if left out.")
  var threads: Int?

  func validate() throws { try requireOption("threads", threads, in: 1...1024) }

  /// The app's parts on that many threads.
  func parts() throws -> Parts { try Parts(threads: threads) }
}

/// The values of `--precision`, as recipes have them.
extension Precision: @retroactive ExpressibleByArgument {}

/// How a command prints its result.
struct ResultOptions: ParsableArguments {
  @Flag(help: "Print one line of JSON.")
  var json = false

  /// Prints a result, or what people read of it.
  func print(_ result: some Encodable, text: @autoclosure () -> String) throws {
    if json { try Output.json(result) } else { try Output.write(text()) }
  }
}

/// How a command prints what is there to look up.
struct ListingOptions: ParsableArguments {
  @Flag(help: "Print JSON.")
  var json = false

  /// Prints a listing, or what people read of it.
  func print(_ listing: some Encodable, text: @autoclosure () -> String) throws {
    if json { try Output.json(listing, isPretty: true) } else { try Output.write(text()) }
  }
}

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

/// The tokenizer that a command is about.
struct TokenizerOptions: ParsableArguments {
  @Argument(
    help: ArgumentHelp("A model's directory, a GGUF file, or a tokenizer.json.", valueName: "model-or-tokenizer"))
  var tokenizer: String

  func pipeline() throws -> TokenizerPipeline { try ModelDirectory(tokenizer).tokenizer() }
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

extension Sequence<TokenID> {
  /// Throws `CommandError` for an id that no token of the vocabulary has: the mathematics and the tables trust theirs.
  func requireTokens(of vocabularySize: Int) throws {
    guard let bad = first(where: { $0.rawValue < 0 || Int($0.rawValue) >= vocabularySize }) else { return }
    throw CommandError("token \(bad) is outside the vocabulary; ids are 0 to \(vocabularySize - 1)")
  }
}
