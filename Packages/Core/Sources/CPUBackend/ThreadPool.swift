// The threads that share a kernel's work.
import CKernels

/// A pool of threads whose chunks are claimed one by one, by the workers and by the caller.
final class ThreadPool: Sendable {
  private nonisolated(unsafe) let pool: OpaquePointer  // the C pool does its own locking
  let threads: Int

  init(threads: Int) {
    self.threads = threads
    pool = ck_pool_create(Int32(threads))
  }
  deinit { ck_pool_destroy(pool) }

  /// Runs `body` for every chunk in 0 ..< count, in any order and on any thread; returns when all are done.
  func forEach(_ count: Int, _ body: (Int) -> Void) {
    if count <= 1 || threads == 1 {
      for chunk in 0..<count { body(chunk) }
      return
    }
    withoutActuallyEscaping(body) { body in
      var call = Call(body: body)
      withUnsafeMutablePointer(to: &call) { context in
        ck_pool_run(pool, count, { $0!.assumingMemoryBound(to: Call.self).pointee.body($1) }, context)
      }
    }
  }
  private struct Call { let body: (Int) -> Void }

  /// Has the workers begin with every chunk in 0 ..< count while the caller does something else. `end` of the result
  /// helps with what is left and returns when all is done; the next job ends this one in any case.
  func begin(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) -> BegunJob {
    BegunJob(self, count, body)
  }
  fileprivate func begin(_ count: Int, _ body: UnsafeMutablePointer<@Sendable (Int) -> Void>) -> UInt32 {
    ck_pool_begin(pool, count, { $0!.assumingMemoryBound(to: (@Sendable (Int) -> Void).self).pointee($1) }, body)
  }
  fileprivate func end(_ job: UInt32) { ck_pool_end(pool, job) }

  /// Splits `count` rows into ranges of at least `grain` and runs `body` for each.
  func forEachRange(_ count: Int, grain: Int, _ body: (Range<Int>) -> Void) {
    if count == 0 { return }
    let chunks = Swift.max(1, Swift.min(threads * 4, count / Swift.max(grain, 1)))
    forEach(chunks) { chunk in body(count * chunk / chunks..<count * (chunk + 1) / chunks) }
  }
}

/// A job that its caller does not wait for yet. What its body holds stays until it has ended.
final class BegunJob: @unchecked Sendable {  // the body is written once, before the job begins
  private let pool: ThreadPool
  private let body: UnsafeMutablePointer<@Sendable (Int) -> Void>
  private let number: UInt32

  fileprivate init(_ pool: ThreadPool, _ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
    self.pool = pool
    self.body = .allocate(capacity: 1)
    self.body.initialize(to: body)
    number = pool.begin(count, self.body)
  }
  deinit {
    end()
    body.deinitialize(count: 1)
    body.deallocate()
  }
  func end() { pool.end(number) }
}
