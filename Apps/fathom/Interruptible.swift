// Work that Ctrl-C stops in order, for commands that leave nothing behind.
import ArgumentParser
import LanguageModels

/// Does the work on a thread of its own, called `label`. Ctrl-C cancels it, and the command ends when it has cleaned up;
/// a second one ends the process.
func interruptible<Result: Sendable>(
  _ label: String, _ progress: TerminalProgress, _ work: @escaping @Sendable () async throws -> Result
) async throws -> Result {
  let task = Task(executorPreference: ComputeExecutor(label: label)) { try await work() }
  let signals = InterruptSignals { _ in
    progress.note("stopping; press Ctrl-C again to stop at once")
    task.cancel()
  }
  defer {
    signals.stop()
    progress.clear()
  }
  do {
    return try await withTaskCancellationHandler {
      try await task.value
    } onCancel: {
      task.cancel()
    }
  } catch {
    guard let signal = signals.received else { throw error }
    throw ExitCode(128 + signal)
  }
}
