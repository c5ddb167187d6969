// A thread of its own for blocking mathematics, so that the cooperative pool stays free for I/O.
import Dispatch

/// Runs an actor's jobs, or the tasks that prefer it, one at a time on a queue outside the cooperative pool.
public final class ComputeExecutor: SerialExecutor, TaskExecutor {
  private let queue: DispatchQueue
  /// `label` names the queue in debuggers and crash reports.
  public init(label: String) { queue = DispatchQueue(label: label, qos: .userInitiated) }
  public func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    queue.async {
      job.runSynchronously(
        isolatedTo: self.asUnownedSerialExecutor(), taskExecutor: self.asUnownedTaskExecutor())
    }
  }
  public func asUnownedSerialExecutor() -> UnownedSerialExecutor { UnownedSerialExecutor(ordinary: self) }
  public func asUnownedTaskExecutor() -> UnownedTaskExecutor { UnownedTaskExecutor(ordinary: self) }
}
