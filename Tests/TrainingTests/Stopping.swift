// Ways to stop a stage between any two of its steps, and inside one.
import LanguageModels
import ProcessGraph
import Synchronization
import Tensors
import Testing
import Text

/// Where a stage is stopped, and how.
struct StopPoint: Sendable, CustomTestStringConvertible {
  enum Way: String, Sendable, CaseIterable {
    /// The recorder fails after it has taken the step, before the step's checkpoint.
    case recorderFails
    /// The task is cancelled while progress is shown; the stage notices before its next step.
    case taskIsCancelled
  }
  let step: Int
  let way: Way
  var testDescription: String { "\(way.rawValue) at step \(step)" }

  /// Different steps below the last, each way in turn.
  static func drawn(_ count: Int, of steps: Int, seed: UInt64) -> [StopPoint] {
    var random = RandomStream(seed: seed)
    let places = Array(1..<steps).shuffled(using: &random).prefix(count)
    return places.enumerated().map { StopPoint(step: $1, way: Way.allCases[$0 % 2]) }
  }
}

struct Stopped: Error {}

/// Keeps what it is told, and fails once at a step.
actor FailingRecorder: RunRecorder {
  private let base: MemoryRecorder
  private let failing: Int
  init(_ base: MemoryRecorder, at step: Int) { (self.base, failing) = (base, step) }

  func record(_ step: StepRecord) async throws {
    await base.record(step)
    if step.step == failing { throw Stopped() }
  }
  func record(_ rollouts: [RolloutRecord]) async { await base.record(rollouts) }
  func rewind(stage: String, to step: Int) async { await base.rewind(stage: stage, to: step) }
}

/// Cancels the task that shows a step.
struct CancellingProgress: ProgressReporter {
  let step: Int
  func report(stage: String, done: Int, of total: Int, unit: String, detail: String) {
    if done == step { withUnsafeCurrentTask { $0?.cancel() } }
  }
  func finish(stage: String, summary: String) {}
  func note(_ sentence: String) {}
}

extension Workshop {
  /// One attempt at a stage in a task of its own, stopped where `stop` says.
  func attempt<S: Stage>(
    _ stage: S, on input: S.Input, in name: String, recorder: MemoryRecorder, stop: StopPoint?
  ) async -> Result<S.Output, any Error> {
    let run =
      switch (stop, stop?.way) {
      case (let stop?, .recorderFails): self.run(name, recorder: FailingRecorder(recorder, at: stop.step))
      case (let stop?, .taskIsCancelled):
        self.run(name, recorder: recorder, progress: CancellingProgress(step: stop.step))
      default: self.run(name, recorder: recorder)
      }
    return await Task { try await run.perform(stage, on: input) }.result
  }

  /// One attempt in a task that `switch` cancels.
  func attempt<S: Stage>(
    _ stage: S, on input: S.Input, in name: String, recorder: MemoryRecorder, cancelledBy stop: StopSwitch
  ) async -> Result<S.Output, any Error> {
    let run = run(name, recorder: recorder)
    let (start, gate) = AsyncStream.makeStream(of: Void.self)
    let task = Task {
      for await _ in start {}
      return try await run.perform(stage, on: input)
    }
    stop.arm { task.cancel() }
    gate.finish()
    return await task.result
  }
}

/// Cancels an attempt from anywhere, as Ctrl-C does.
final class StopSwitch: Sendable {
  private let action = Mutex<(@Sendable () -> Void)?>(nil)
  func arm(_ action: @escaping @Sendable () -> Void) { self.action.withLock { $0 = action } }
  func pull() { action.withLock { $0 }?() }
}

/// Passes requests on, and stops whoever asks in the midst of one: either before the engine begins, which then cuts
/// answers off where it likes, or after it, when every answer ends at its first token.
actor CancellingGenerator: Generator {
  /// The n-th request for many answers at once, as rollouts are, or for a single one, as in evaluations.
  enum Moment: Sendable, Equatable { case rollout(Int), single(Int) }
  private let base: any Generator
  private let moment: Moment
  private let isEarly: Bool
  private let stop: StopSwitch
  private var (rollouts, singles) = (0, 0)
  init(_ base: any Generator, at moment: Moment, isEarly: Bool, _ stop: StopSwitch) {
    (self.base, self.moment, self.isEarly, self.stop) = (base, moment, isEarly, stop)
  }

  func complete(_ prompts: [Prompt], _ options: GenerationOptions) async throws -> [Completion] {
    if prompts.count > 1 { rollouts += 1 } else { singles += 1 }
    let now = prompts.count > 1 ? Moment.rollout(rollouts) : .single(singles)
    if now == moment && isEarly { stop.pull() }
    let completions = try await base.complete(prompts, options)
    guard now == moment && !isEarly else { return completions }
    stop.pull()
    return completions.map {
      Completion(
        tokens: Array($0.tokens.prefix(1)), logProbabilities: Array($0.logProbabilities.prefix(1)),
        text: String($0.text.prefix(1)), finishReason: .cancelled)
    }
  }
  func stream(
    _ prompt: Prompt, _ options: GenerationOptions
  ) async throws -> AsyncThrowingStream<GenerationEvent, any Error> {
    try await base.stream(prompt, options)
  }
  func adopt(_ model: any LanguageModel) async throws { try await base.adopt(model) }
}

/// What a stage has recorded, without the seconds, which differ from run to run.
struct Course: Equatable {
  struct Step: Hashable {
    let step: Int
    let values: [String: Double]
  }
  let steps: Set<Step>
  let rollouts: [RolloutRecord]

  init(_ recorder: MemoryRecorder) async {
    steps = Set(await recorder.steps.map { Step(step: $0.step, values: $0.values) })
    rollouts = await recorder.rollouts
  }
}
