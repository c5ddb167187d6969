// One run from its first line in the run store to its last: begin or resume, perform stages, say how it ended.
// `demo`, `run` and `train` differ in their stages only; everything around the stages is here.
import Checkpoints
import Foundation
import LanguageModels
import ProcessGraph
import Recipes
import RunStore

/// A run that this process works on.
///
/// ```swift
/// let session = try await RunSession.begin("demo", recipe: recipe, in: runs, parts: parts)
/// try await session.conduct { session in
///   let corpus = try await session.perform(PrepareCorpus(settings))
///   let base = try await session.perform(Pretrain(plan), on: corpus)
/// }
/// ```
struct RunSession: Sendable {
  /// What the store says about the run: its id, directory and command line.
  let record: RunRecord
  let store: RunStore
  /// The directory, device, registry, recorder, progress and logger of the run.
  let run: Run
  /// The recipe as the run directory's recipe.yaml has it.
  let recipe: ConfigTree
  /// What a person types to continue this run.
  let continuation: String
  private let lock: RunLock

  var id: String { record.id }
  var directory: String { run.directory }
  var progress: any ProgressReporter { run.progress }

  /// Enters a new run called `name` into the store of `runs`, makes its directory and writes its recipe there.
  /// `command` is the subcommand that can resume it: "run" gives "fathom run --resume ID".
  static func begin(
    _ name: String, recipe: ConfigTree, in runs: RunsDirectory, parts: Parts, command: String = "run",
    progress: any ProgressReporter = TerminalProgress()
  ) async throws -> RunSession {
    let store = try runs.openStore()
    let line = CommandLine.arguments.enumerated().map { $0 == 0 ? "fathom" : $1 }.joined(separator: " ")
    let record = try await store.beginRun(name: name, command: line, recipe: recipe.yaml(), root: runs.path)
    do {
      try runs.make(record.directory)
      let lock = try RunLock(record.directory)
      try DurableFile.write(recipe.yaml(), to: "\(record.directory)/\(recipeName)")
      return RunSession(record, store, recipe, lock, runs, parts, command, progress)
    } catch {
      try await store.setStatus(.failed, ofRun: record.id)
      throw error
    }
  }

  /// Takes up the run that `selector` names: an id, the beginning of one, or "latest". Throws when another process
  /// works on it.
  static func resume(
    _ selector: String, in runs: RunsDirectory, parts: Parts, command: String = "run",
    progress: any ProgressReporter = TerminalProgress()
  ) async throws -> RunSession {
    let store = try runs.openStore()
    let record = try await store.run(selector)
    let recipe = try ConfigTree(yamlFile: "\(record.directory)/\(recipeName)")
    let lock = try RunLock(record.directory)
    try await store.setStatus(.running, ofRun: record.id)
    return RunSession(record, store, recipe, lock, runs, parts, command, progress)
  }

  private init(
    _ record: RunRecord, _ store: RunStore, _ recipe: ConfigTree, _ lock: RunLock, _ runs: RunsDirectory,
    _ parts: Parts, _ command: String, _ progress: any ProgressReporter
  ) {
    (self.record, self.store, self.recipe, self.lock) = (record, store, recipe, lock)
    continuation = "fathom \(command) --resume \(record.id)\(runs.isDefault ? "" : " --runs \(runs.path)")"
    run = Run(
      directory: record.directory, device: parts.device, registry: parts.registry,
      recorder: store.recorder(for: record.id), progress: progress, logger: ProgressLog.logger("fathom.run", progress))
  }

  /// Writes what a command that can add stages to its run now means by it.
  func rewrite(_ recipe: ConfigTree) throws {
    try DurableFile.write(recipe.yaml(), to: "\(directory)/\(Self.recipeName)")
  }

  static let recipeName = "recipe.yaml"
}

extension RunSession {
  /// Does the work on a thread of its own and records how it ended. The first Ctrl-C (or SIGTERM) cancels the work,
  /// marks the run interrupted and throws `Interruption`; the second ends the process at once.
  func conduct<Result: Sendable>(
    _ work: @escaping @Sendable (RunSession) async throws -> Result
  ) async throws -> Result {
    let task = Task(executorPreference: ComputeExecutor(label: "training")) { try await work(self) }
    let signals = InterruptSignals { _ in
      progress.note("stopping; press Ctrl-C again to stop at once")
      task.cancel()
    }
    defer {
      signals.stop()
      (progress as? TerminalProgress)?.clear()
    }
    do {
      let result = try await withTaskCancellationHandler {
        try await task.value
      } onCancel: {
        task.cancel()
      }
      try await store.setStatus(.finished, ofRun: id)
      return result
    } catch {
      let isInterrupted = signals.received != nil || error is CancellationError
      try await Task { try await store.setStatus(isInterrupted ? .interrupted : .failed, ofRun: id) }.value
      guard isInterrupted else { throw error }
      throw Interruption(run: id, continuation: continuation, signal: signals.received ?? SIGINT)
    }
  }

  /// Performs one stage under Make's rule and records when it began, what it made and how it ended. `node` is the
  /// stage's name unless the run has several of the kind; its steps and answers are recorded under that name.
  func perform<S: Stage>(_ stage: S, on input: S.Input, as node: String? = nil) async throws -> S.Output {
    let node = node ?? stage.name
    return try await recorded(node, fingerprint: stage.fingerprint(on: input)) {
      try await run.perform(stage, on: input, as: node)
    }
  }

  /// The same for a stage that starts from nothing.
  func perform<S: Stage>(_ stage: S, as node: String? = nil) async throws -> S.Output where S.Input == Nothing {
    try await perform(stage, on: Nothing(), as: node)
  }

  /// Performs every node of a graph in its order. Finished ones return their artifacts without running.
  func perform(_ graph: Graph) async throws -> [String: any Artifact] {
    try graph.check(in: run.registry)
    var artifacts: [String: any Artifact] = [:]
    for node in graph.nodes {
      try Task.checkCancellation()
      let input = node.source.flatMap { artifacts[$0] } ?? Nothing()
      artifacts[node.name] = try await recorded(node.name, fingerprint: nil) {
        try await run.perform(node.stage, on: input, as: node.name)
      }
    }
    return artifacts
  }

  private func recorded<Output>(
    _ node: String, fingerprint: String?, _ work: () async throws -> Output
  ) async throws -> Output {
    let before = try await store.stages(of: id).first { $0.name == node }
    let wasFinished = FileManager.default.fileExists(atPath: "\(directory)/\(node)/artifact.json")
    if !wasFinished || before?.status != .finished {
      try await store.beginStage(node, run: id, fingerprint: fingerprint)
    }
    do {
      let output = try await work()
      if let artifact = output as? any Artifact {
        try await store.record(
          ArtifactRecord(
            run: id, stage: node, kind: type(of: artifact).kind, directory: artifact.directory,
            fingerprint: artifact.fingerprint))
      }
      if !wasFinished || before?.status != .finished {
        try await store.endStage(node, run: id, status: .finished)
      }
      return output
    } catch {
      let status: RunStatus = Task.isCancelled || error is CancellationError ? .interrupted : .failed
      // The store refuses to work for a cancelled task; this one is not, and it is awaited here.
      try await Task { try await store.endStage(node, run: id, status: status) }.value
      throw error
    }
  }
}

/// A run that was stopped from outside and can go on.
struct Interruption: Error, CustomStringConvertible {
  let run: String
  let continuation: String
  let signal: Int32
  var description: String { "the run \(run) was interrupted; `\(continuation)` continues it" }
  /// What a shell reports for a program that the signal ended.
  var exitCode: Int32 { 128 + signal }
}
