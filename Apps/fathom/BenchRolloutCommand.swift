// `fathom bench rollout`: tokens a second of sampling as GRPO samples, and seconds of a whole GRPO step.
import ArgumentParser
import Foundation
import Instruments
import Tensors
import TrainingStages

struct BenchRolloutCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rollout", abstract: "Measures sampling in tokens per second, and GRPO steps in seconds.",
    discussion: "Takes GRPO steps as the demo does, on a fresh model: many answers to each prompt at temperature 1, "
      + "judging, an update. Figures are medians over the timed steps. With --against torch samples as many answers of "
      + "the same lengths, and both sides take turns.")

  @Option(help: "The model: \(RolloutShape.allCases.map(\.rawValue).joined(separator: " or ")).")
  var shape = RolloutShape.demo
  @Option(help: "Timed steps; with --against rounded up to whole rounds.")
  var steps = 6
  @OptionGroup var shared: BenchStepOptions

  /// Turns that each side has in a comparison.
  private static let rounds = 3

  func validate() throws { try requireOption("steps", steps, in: 1...100_000) }

  func run() async throws {
    let (parts, progress, load) = (try shared.compute.parts(), TerminalProgress(), BenchLoad())
    load.warn(progress)
    let place = FileManager.default.temporaryDirectory.appendingPathComponent("fathom-bench-\(UUID())").path
    defer { try? FileManager.default.removeItem(atPath: place) }
    let command = self
    let result = try await interruptible("bench", progress) {
      try await command.measure(parts, load, in: place, progress)
    }
    try shared.output.print(result.summary, text: result.text)
  }

  private func measure(
    _ parts: Parts, _ load: BenchLoad, in place: String, _ progress: TerminalProgress
  ) async throws -> BenchRolloutResult {
    let profiling = shared.profiling(parts)
    let subject = try await RolloutSubject(
      shape, in: place, on: profiling.map { Device($0) } ?? parts.device, parts.registry)
    var trainer = try subject.trainer()
    // The first step is not timed: it makes the memory and packs the weights.
    let first = try await trainer.step()
    let peer = try shared.against.map {
      try BenchPeer(
        python: $0, "torch_rollout.py", subject.configuration,
        [
          "--prompts", "\(subject.plan.promptsPerStep)", "--group", "\(subject.plan.groupSize)", "--prompt-length",
          "\(first.promptTokens / subject.plan.promptsPerStep)", "--lengths",
          subject.lengths.map { "\($0)" }.joined(separator: ","), "--threads", "\(parts.threads)",
        ])
    }
    defer { peer?.end() }
    if peer != nil { progress.note("bench: the peer is loading and tries which of its forms is the fastest") }
    var result = BenchRolloutResult(
      subject, first, threads: parts.threads, load: load.average, peer: try peer?.description())
    try result.check()
    let (turns, each) = shared.turns(steps, rounds: Self.rounds)
    profiling?.reset()
    for turn in 0..<turns {
      for step in 0..<each {
        try Task.checkCancellation()
        result.ours.append(try await trainer.step { profiling?.begin($0.phase) })
        progress.report(
          stage: "bench", done: turn * each + step + 1, of: turns * each, unit: "step", detail: result.glance)
      }
      result.theirs += try peer?.timed(each) ?? []
    }
    result.profile = profiling.map { BenchProfile($0.measurements, stepSeconds: result.ours.map(\.total)) }
    return result
  }
}

extension GRPOPart {
  /// Where a profile puts what runs in this part. The update's pullbacks go under `backward` by themselves, its optimizer
  /// stays with what goes forward.
  fileprivate var phase: ProfilePhase {
    switch self {
    case .rollout, .judging: .rollout
    case .update: .forward
    }
  }
}
