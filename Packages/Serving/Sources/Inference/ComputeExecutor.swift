// A thread of its own for blocking mathematics, so that the cooperative pool stays free for I/O.
import Dispatch

/// Runs an actor's jobs on one serial queue outside the cooperative pool.
public final class ComputeExecutor: SerialExecutor {
  private let queue: DispatchQueue
  public init(label: String) { queue = DispatchQueue(label: label, qos: .userInitiated) }
  public func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    queue.async { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
  }
}
