// `fathom bench`: how fast this machine trains and multiplies, beside what others reach on it.
import ArgumentParser

struct BenchCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench", abstract: "Measures how fast this machine trains and multiplies.",
    discussion: "Measure on a machine that does nothing else; docs/benchmarks.md says what is timed and how.",
    subcommands: [BenchTrainCommand.self, BenchKernelsCommand.self])
}
