// The running sums of a profile.
import Synchronization
import Tensors

/// Calls and time by operation and phase.
final class ProfileBook: Sendable {
  private struct Key: Hashable {
    let operation: String
    let phase: ProfilePhase
  }
  private struct Entry {
    var calls = 0
    var time = Duration.zero
    var operations: Double?
  }
  private struct Running {
    let phase: ProfilePhase
    /// Of the operations that have run inside.
    var inside = Duration.zero
  }
  private struct State {
    var phase = ProfilePhase.forward
    var entries: [Key: Entry] = [:]
    /// Outermost first.
    var running: [Running] = []
  }
  private let state = Mutex(State())

  func begin(_ phase: ProfilePhase) { state.withLock { $0.phase = phase } }
  func reset() { state.withLock { $0.entries = [:] } }

  /// Runs `work` and writes it down. Unless a phase is given it is that of the operation around it, or the one that has
  /// begun. When `isDone` denies the result, nothing is written: somebody else does the work.
  func measured<Result>(
    _ operation: String, operations: Double? = nil, in phase: ProfilePhase? = nil,
    isDone: (Result) -> Bool = { _ in true }, _ work: () -> Result
  ) -> Result {
    state.withLock { $0.running.append(Running(phase: phase ?? $0.running.last?.phase ?? $0.phase)) }
    let began = ContinuousClock.now
    let result = work()
    let elapsed = ContinuousClock.now - began
    let counts = isDone(result)
    state.withLock { state in
      guard let own = state.running.popLast() else { return }
      if let around = state.running.indices.last { state.running[around].inside += counts ? elapsed : own.inside }
      guard counts else { return }
      let key = Key(operation: operation, phase: own.phase)
      var entry = state.entries.removeValue(forKey: key) ?? Entry()
      entry.calls += 1
      entry.time += elapsed - own.inside
      if let operations { entry.operations = (entry.operations ?? 0) + operations }
      state.entries[key] = entry
    }
    return result
  }

  /// The longest first; names decide between equals.
  var measurements: [OperationMeasurement] {
    let entries = state.withLock { $0.entries }
    return entries.map { key, entry in
      OperationMeasurement(
        operation: key.operation, phase: key.phase, calls: entry.calls, seconds: entry.time / .seconds(1),
        operations: entry.operations)
    }
    .sorted { ($1.seconds, $0.operation, $0.phase.rawValue) < ($0.seconds, $1.operation, $1.phase.rawValue) }
  }
}
