// Two facts about a running server that others wait for or look at: where it listens, and whether it is stopping.
import Synchronization

/// Whether the server has begun to shut down. Begins once and never ends.
final class Drain: Sendable {
  private let flag = Atomic(false)
  var hasBegun: Bool { flag.load(ordering: .acquiring) }
  func begin() { flag.store(true, ordering: .releasing) }
}

/// The port that the server listens on, for those who wait for it.
actor Listening {
  private var outcome: Result<Int, ServerError>?
  private var waiters: [CheckedContinuation<Int, any Error>] = []

  func began(on port: Int) { settle(.success(port)) }

  /// After this nobody waits; a port that was once known stays known.
  func ended(_ reason: ServerError) { settle(.failure(reason)) }

  func port() async throws -> Int {
    if let outcome { return try outcome.get() }
    return try await withCheckedThrowingContinuation { waiters.append($0) }
  }

  private func settle(_ result: Result<Int, ServerError>) {
    guard outcome == nil else { return }
    outcome = result
    for waiter in waiters { waiter.resume(with: result.mapError { $0 }) }
    waiters = []
  }
}
