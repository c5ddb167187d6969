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

  /// Splits `count` rows into ranges of at least `grain` and runs `body` for each.
  func forEachRange(_ count: Int, grain: Int, _ body: (Range<Int>) -> Void) {
    if count == 0 { return }
    let chunks = Swift.max(1, Swift.min(threads * 4, count / Swift.max(grain, 1)))
    forEach(chunks) { chunk in body(count * chunk / chunks..<count * (chunk + 1) / chunks) }
  }
}
