// `fathom bench train`: tokens a second of training, ours alone or in turns with torch.
import ArgumentParser
import CPUBackend
import Foundation
import Instruments
import Tensors

struct BenchTrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train", abstract: "Measures tokens per second of training.",
    discussion: "Trains a fresh model on random tokens: forward, backward, clipping and AdamW. The figure "
      + "is the median over the timed steps. With --against both sides take turns, so that both see the same machine.")

  @Option(help: "What to train: \(BenchShape.allCases.map(\.rawValue).joined(separator: " or ")).")
  var shape = BenchShape.mini
  @Option(help: "What products are computed in; the peer uses torch's autocast for bf16.")
  var precision = Precision.float32
  @Option(help: "Timed steps; with --against rounded up to whole rounds.")
  var steps = 12
  @Option(help: ArgumentHelp(BenchPeer.help, valueName: "python"))
  var against: String?
  @Flag(help: "Also show which operations the time goes to.")
  var profile = false
  @Flag(help: "Print one line of JSON.")
  var json = false
  @OptionGroup var compute: ComputeOptions

  /// Turns that each side has in a comparison.
  private static let rounds = 4
  private static let warmupSteps = 2

  func validate() throws {
    guard (1...100_000).contains(steps) else {
      throw ValidationError("--steps is \(steps); it must be between 1 and 100000.")
    }
    guard precision != .float8 || against == nil else {
      throw ValidationError("--precision fp8 has no peer: torch's autocast knows float32 and bf16.")
    }
    guard !profile || against == nil else {
      throw ValidationError("--profile slows our side a little, so it does not go with --against; run them apart.")
    }
  }

  func run() throws {
    let parts = try compute.parts()
    let (progress, load) = (TerminalProgress(), BenchLoad())
    defer { progress.clear() }
    load.warn(progress)
    let profiling = profile ? ProfilingBackend(parts.device.backend) : nil
    var trainer = try BenchTrainer(shape, in: precision, on: parts.device, profiling)
    let peer = try against.map {
      try BenchPeer(
        python: $0, "torch_train.py", shape.configuration,
        [
          "--batch", "\(shape.batch)", "--length", "\(shape.sequenceLength)", "--threads", "\(parts.threads)",
          "--precision", precision.rawValue,
        ])
    }
    defer { peer?.end() }
    if peer != nil { progress.note("bench: the peer is loading and tries which of its forms is the fastest") }
    var result = BenchTrainResult(
      shape, precision, threads: parts.threads, parameters: trainer.parameterCount, load: load.average,
      peer: try peer?.description())
    try result.check()

    let turns = peer == nil ? 1 : Self.rounds
    let each = (steps + turns - 1) / turns
    _ = try trainer.timed(Self.warmupSteps)
    for turn in 0..<turns {
      let glance = result.glance
      result.ours += try trainer.timed(each) { step in
        progress.report(
          stage: "bench", done: turn * each + step, of: turns * each, unit: "step", detail: glance)
      }
      result.theirs += try peer?.timed(each) ?? []
    }
    result.profile = profiling.map { BenchProfile($0.measurements, stepSeconds: result.ours) }
    if let backend = parts.device.backend as? CPUBackend {
      result.peakBytes = backend.memoryStatistics.peakBytesInUse
      result.keptBytes = trainer.bytesKept { backend.memoryStatistics.bytesInUse }
    }
    progress.clear()
    if json { try Output.json(result.summary) } else { try Output.write(result.text) }
  }
}
