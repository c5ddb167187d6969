// `fathom bench`: how fast this machine trains, samples and multiplies, beside what others reach on it.
import ArgumentParser
import Foundation

struct BenchCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench", abstract: "Measures how fast this machine trains, answers, samples and multiplies.",
    discussion: "Measure on a machine that does nothing else; docs/benchmarks.md says what is timed and how.",
    subcommands: [
      BenchTrainCommand.self, BenchPrecisionCommand.self, BenchRolloutCommand.self, BenchKernelsCommand.self,
      BenchModelCommand.self, BenchDecodeCommand.self, BenchPrefillCommand.self, BenchBatchCommand.self,
      BenchStartCommand.self, BenchTokenizerCommand.self,
    ])
}

/// How busy the machine was before anything was measured.
struct BenchLoad {
  /// Processes that ran or wanted to, averaged over the last minute.
  let average: Double

  init() {
    var averages = [0.0]
    average = getloadavg(&averages, 1) == 1 ? averages[0] : 0
  }

  /// Says so when others take a good part of a core: a comparison is then worth little, because threads that meet at
  /// a barrier wait for the one without a core, and not every program loses the same.
  func warn(_ progress: TerminalProgress) {
    guard average >= 0.3 else { return }
    progress.note("bench: this machine is not idle (load \(Figures.short(average))); its figures will not say much")
  }
}
