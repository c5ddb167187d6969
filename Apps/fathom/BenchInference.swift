// What the commands that measure inference share: their options, their turns and how results are shown.
import ArgumentParser
import Foundation
import LanguageModels
import Layers

/// Options of `fathom bench decode|prefill|batch|start`.
struct BenchInferenceOptions: ParsableArguments {
  @Argument(help: ArgumentHelp("A .gguf file, or a model's directory.", valueName: "model"))
  var model: String
  @Option(help: ArgumentHelp(LlamaPrograms.help, valueName: "directory"))
  var against: String?
  @Option(help: "Turns of each side; the medians count.")
  var turns = 3
  @Flag(help: "Also show which operations our side's time goes to.")
  var profile = false
  @OptionGroup var output: ResultOptions
  @OptionGroup var arithmetic: ModelOptions
  @OptionGroup var compute: ComputeOptions

  func validate() throws {
    try requireOption("turns", turns, in: 1...1000)
    try BenchProfile.check(isWanted: profile, against: against)
  }

  /// Fills in a result, in turns with the peer where there is one.
  typealias Measuring =
    @Sendable (
      inout BenchInferenceResult, Parts, LlamaPrograms?, TerminalProgress
    ) async throws -> Void

  /// Has `measure` fill in a result in `unit`, in a way that Ctrl-C stops, and prints it.
  func report(_ unit: String, _ measure: @escaping Measuring) async throws {
    let (parts, progress, load) = (try compute.parts(), TerminalProgress(), BenchLoad())
    load.warn(progress)
    let peer = try against.map { try LlamaPrograms($0, model: model, threads: parts.threads) }
    let begun = BenchInferenceResult(
      model: model, weights: arithmetic.form(of: ModelDirectory(model)).rawValue, threads: parts.threads,
      load: load.average, unit: unit)
    let result = try await interruptible("bench", progress) {
      var result = begun
      try await measure(&result, parts, peer, progress)
      return result
    }
    try output.print(result, text: result.text)
  }
}

/// The lengths of what `fathom bench decode|batch` has a model write.
struct BenchAnswerOptions: ParsableArguments {
  @Option(help: "Tokens of an answer.")
  var tokens = 64
  @Option(help: "Tokens of the prompt before it.")
  var prompt = 32

  /// Positions of one sequence.
  var capacity: Int { prompt + tokens + 2 }

  func validate() throws {
    try requireOption("tokens", tokens, in: 1...1_000_000)
    try requireOption("prompt", prompt, in: 1...1_000_000)
  }
}

/// What such a command found, for people and as JSON.
struct BenchInferenceResult: Encodable {
  let model: String
  let weights: String
  let threads: Int
  /// The machine's load before the first turn.
  let load: Double
  /// Of the weights' files.
  var weightBytes = 0
  /// Bytes of attention memory that a decoded token reads for each position before it.
  var memoryBytesPerPosition = 0
  /// The same in bfloat16, from the model's description.
  var describedBytesPerPosition: Int?
  var openingSeconds: Double?
  var peakResidentBytes: Int?
  let unit: String
  var results: [BenchRates] = []
  /// GB of weights that decoding read a second, where every token reads all of them.
  var gigabytesPerSecond: Double?
  /// What `--profile` found.
  var profile: BenchProfile.Summary?

  var text: String {
    let hasPeer = results.contains { $0.peerMedian != nil }
    var table = TextTable(
      .left(""), .right(unit), .right(hasPeer ? "llama.cpp" : ""), .right(hasPeer ? "ratio" : ""))
    for rates in results {
      table.add(
        rates.name, Figures.short(rates.median), rates.peerMedian.map { Figures.short($0) } ?? "",
        rates.ratio.map { Figures.short($0) } ?? "")
    }
    var lines = ["\(model), weights \(weights), \(threads) thread\(threads == 1 ? "" : "s")"]
    if weightBytes > 0 {
      lines.append(
        "\(Figures.bytes(weightBytes)) of weights; a token reads \(Figures.grouped(memoryBytesPerPosition)) bytes of "
          + "attention memory for each before it"
          + (describedBytesPerPosition.map { " (\(Figures.grouped($0)) in bfloat16)" } ?? ""))
    }
    if let gigabytesPerSecond { lines.append("weights read at \(Figures.short(gigabytesPerSecond)) GB/s") }
    if let peakResidentBytes { lines.append("peak memory \(Figures.bytes(peakResidentBytes))") }
    return lines.joined(separator: "\n") + "\n\n" + table.text
  }
}
