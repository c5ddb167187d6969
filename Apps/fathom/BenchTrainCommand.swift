// `fathom bench train`: tokens a second of training, ours alone or in turns with torch.
import ArgumentParser
import CPUBackend
import Foundation
import Instruments
import LanguageModels
import Tensors

struct BenchTrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train", abstract: "Measures tokens per second of training.",
    discussion: "Trains a fresh model on random tokens: forward, backward, clipping and AdamW. The figure "
      + "is the median over the timed steps. With --against both sides take turns, so that both see the same machine. "
      + "Memory is the largest resident size of a process that does just this.")

  @Option(help: "What to train: \(BenchShape.allCases.map(\.rawValue).joined(separator: " or ")).")
  var shape = BenchShape.mini
  @Option(help: "What products are computed in; the peer uses torch's autocast for bf16.")
  var precision = Precision.float32
  @Option(
    help: ArgumentHelp(
      "What is computed once more on the way back, as in a recipe: "
        + "\(Recompute.allCases.map(\.rawValue).joined(separator: " or ")); published in fp8 if left out.",
      valueName: "recompute"))
  var recompute: Recompute?
  @Option(help: "Timed steps; with --against rounded up to whole rounds.")
  var steps = 12
  @OptionGroup var shared: BenchStepOptions

  /// Turns that each side has in a comparison.
  private static let rounds = 4
  private static let warmupSteps = 2

  func validate() throws {
    try requireOption("steps", steps, in: 1...100_000)
    guard precision != .float8 || shared.against == nil else {
      throw ValidationError("--precision fp8 has no peer: torch's autocast knows float32 and bf16.")
    }
  }

  func run() throws {
    let parts = try shared.compute.parts()
    let (progress, load) = (TerminalProgress(), BenchLoad())
    defer { progress.clear() }
    load.warn(progress)
    let profiling = shared.profiling(parts)
    let recompute = recompute ?? .usual(in: precision)
    var trainer = try BenchTrainer(shape, in: precision, recompute, on: parts.device, profiling)
    let peer = try shared.against.map { try self.peer($0, threads: parts.threads) }
    defer { peer?.end() }
    if peer != nil { progress.note("bench: the peer is loading and tries which of its forms is the fastest") }
    let forms: BenchPeer.Description? = try peer?.description()
    var result = BenchTrainResult(
      shape, precision, recompute, threads: parts.threads, parameters: trainer.parameterCount, load: load.average,
      peer: forms)
    try result.check()

    let (turns, each) = shared.turns(steps, rounds: Self.rounds)
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
    result.memory = PeakMemory(of: parts.device)
    if let backend = parts.device.backend as? CPUBackend {
      result.keptBytes = trainer.bytesKept { backend.memoryStatistics.bytesInUse }
    }
    if let forms, let python = shared.against {
      peer?.end()
      progress.note("bench: the peer's memory is measured in a process that takes nothing but its fastest steps")
      result.peerMemory = try peerMemory(python, threads: parts.threads, forms)
    }
    progress.clear()
    try shared.output.print(result.summary, text: result.text)
  }

  /// With `forms` it takes those and tries no others.
  private func peer(_ python: String, threads: Int, _ forms: BenchPeer.Description? = nil) throws -> BenchPeer {
    var arguments = [
      "--batch", "\(shape.batch)", "--length", "\(shape.sequenceLength)", "--threads", "\(threads)", "--precision",
      precision.rawValue,
    ]
    if let forms {
      arguments += ["--experts", forms.experts, "--attention", forms.attention, "--adamw", forms.adamw]
    }
    return try BenchPeer(python: python, "torch_train.py", shape.configuration, arguments)
  }

  /// The largest resident size of a peer that takes a few steps in the given forms and has done nothing else: trying
  /// the others needs memory of its own.
  private func peerMemory(_ python: String, threads: Int, _ forms: BenchPeer.Description) throws -> Int? {
    let peer = try peer(python, threads: threads, forms)
    defer { peer.end() }
    let _: BenchPeer.Description = try peer.description()
    return try peer.peakResidentBytes(after: 3)
  }
}

extension Recompute: @retroactive ExpressibleByArgument {}
