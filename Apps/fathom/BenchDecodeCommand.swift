// `fathom bench decode|prefill|batch MODEL`: how fast a model answers, beside llama.cpp with the same file.
import ArgumentParser
import Foundation
import Instruments
import LanguageModels
import Layers
import Tensors

struct BenchDecodeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "decode", abstract: "Measures one answer in tokens per second.",
    discussion: "Times the engine that serves, from the first token of an answer to its last. With --against "
      + "llama-bench generates as many tokens at the same depth, and both take turns.")

  @OptionGroup var answer: BenchAnswerOptions
  @OptionGroup var shared: BenchInferenceOptions

  func run() async throws {
    let (prompt, tokens) = (answer.prompt, answer.tokens)
    try await measured(shared, slots: 1, capacity: answer.capacity) { subject, peer in
      [
        BenchTask(name: "decode, \(tokens) after \(prompt)") {
          try await subject.decode(tokens: tokens, after: prompt, seed: .random(in: 0...UInt64.max))
        } theirs: {
          peer.map { peer in { try peer.decode(tokens: tokens, after: prompt) } }
        }
      ]
    }
  }
}

struct BenchPrefillCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "prefill", abstract: "Measures the reading of prompts in tokens per second.",
    discussion: "Times the engine that serves, from a request to its first token.")

  @Option(help: ArgumentHelp("Lengths of prompts, 256,2048.", valueName: "counts"))
  var tokens: CountList = CountList(counts: [256, 2048])
  @OptionGroup var shared: BenchInferenceOptions

  func run() async throws {
    let counts = tokens.counts
    try await measured(shared, slots: 1, capacity: (counts.max() ?? 1) + 2) { subject, peer in
      counts.map { count in
        BenchTask(name: "prompt of \(count)") {
          try await subject.prefill(tokens: count, seed: .random(in: 0...UInt64.max))
        } theirs: {
          peer.map { peer in { try peer.prefill(tokens: count) } }
        }
      }
    }
  }
}

struct BenchBatchCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "batch", abstract: "Measures many answers at once in tokens per second.",
    discussion: "Times the steps of the engine that continue answers, all slots taken. With --against "
      + "llama-batched-bench does the same.")

  @Option(help: "Answers at once.")
  var slots = 16
  @OptionGroup var answer: BenchAnswerOptions
  @OptionGroup var shared: BenchInferenceOptions

  func validate() throws { try requireOption("slots", slots, in: 1...4096) }

  func run() async throws {
    let (slots, prompt, tokens) = (slots, answer.prompt, answer.tokens)
    try await measured(shared, slots: slots, capacity: answer.capacity) { subject, peer in
      [
        BenchTask(name: "\(slots) answers, \(tokens) after \(prompt)") {
          try await subject.batch(slots: slots, tokens: tokens, after: prompt, seed: .random(in: 0...UInt64.max))
        } theirs: {
          peer.map { peer in { try peer.batch(slots: slots, tokens: tokens, after: prompt) } }
        }
      ]
    }
  }
}

/// Several counts as one argument: "256,2048".
struct CountList: ExpressibleByArgument, CustomStringConvertible {
  let counts: [Int]
  init(counts: [Int]) { self.counts = counts }
  init?(argument: String) {
    let parts = argument.split(separator: ",", omittingEmptySubsequences: false)
    counts = parts.compactMap { Int($0) }.filter { (1...1_000_000).contains($0) }
    guard counts.count == parts.count else { return nil }
  }
  var description: String { counts.map { "\($0)" }.joined(separator: ",") }
}

extension BenchTask {
  fileprivate init(
    name: String, ours: @escaping () async throws -> Double, theirs: () -> (() throws -> Double)?
  ) {
    self.init(name: name, ours: ours, theirs: theirs())
  }
}

/// Loads a model, warms it up with a turn that does not count, takes the turns and prints what they gave.
private func measured(
  _ shared: BenchInferenceOptions, slots: Int, capacity: Int,
  _ tasks: @escaping @Sendable (InferenceSubject, LlamaPrograms?) -> [BenchTask]
) async throws {
  try await shared.report("tokens/s") { result, parts, peer, progress in
    let profiling = shared.profile ? ProfilingBackend(parts.device.backend) : nil
    let subject = try InferenceSubject(
      ModelDirectory(shared.model), shared.arithmetic, parts, on: profiling.map { Device($0) }, slots: slots,
      capacity: capacity)
    (result.weightBytes, result.memoryBytesPerPosition) = (subject.weightBytes, subject.memoryBytesPerPosition)
    result.describedBytesPerPosition = subject.describedBytesPerPosition
    result.openingSeconds = subject.openingSeconds
    let tasks = tasks(subject, peer)
    for task in tasks { _ = try await task.ours() }
    profiling?.reset()
    let began = ContinuousClock.now
    result.results = try await BenchTurns(turns: shared.turns).run(tasks, progress)
    if subject.readsAllWeights, slots == 1, let rates = result.results.first, rates.name.hasPrefix("decode") {
      result.gigabytesPerSecond = rates.median * Double(subject.weightBytes) / 1e9
    }
    if let profiling {
      let seconds = (ContinuousClock.now - began) / .seconds(1)
      let profile = BenchProfile(profiling.measurements, stepSeconds: [seconds])
      result.profile = profile.summary
      if !shared.output.json { progress.note(profile.text) }
    }
    result.peakResidentBytes = PeakMemory(of: parts.device).resident
  }
}
