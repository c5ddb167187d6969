// What the commands that measure inference share: their options, their turns and how results are shown.
import ArgumentParser
import Foundation
import LanguageModels

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
  @Flag(help: "Print one line of JSON.")
  var json = false
  @OptionGroup var arithmetic: ModelOptions
  @OptionGroup var compute: ComputeOptions

  func validate() throws {
    guard (1...1000).contains(turns) else {
      throw ValidationError("--turns is \(turns); it must be between 1 and 1000.")
    }
    guard !profile || against == nil else {
      throw ValidationError("--profile slows our side a little, so it does not go with --against; run them apart.")
    }
  }

  func peer(_ threads: Int) throws -> LlamaPrograms? {
    try against.map { try LlamaPrograms($0, model: model, threads: threads) }
  }
  /// Throws `ValidationError` for a number that no sequence can have.
  static func check(_ name: String, _ value: Int, upTo most: Int = 1_000_000) throws {
    guard (1...most).contains(value) else {
      throw ValidationError("--\(name) is \(value); it must be between 1 and \(most).")
    }
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
