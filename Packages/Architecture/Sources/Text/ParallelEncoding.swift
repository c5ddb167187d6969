// Many texts at once: threads take runs of texts one after the other, each with a session of its own.
import Dispatch
import Foundation
import Synchronization

/// Applies `encode` to every text, by at most `threads` threads. Results are in the order of the texts.
func encodeInParallel<Session>(
  _ texts: [String], threads: Int?, session: @Sendable () -> Session,
  encode: @Sendable (inout Session, String) -> [TokenID]
) -> [[TokenID]] {
  let workers = min(max(1, threads ?? ProcessInfo.processInfo.activeProcessorCount), max(1, texts.count))
  let chunk = max(1, min(256, texts.count / (workers * 8)))
  let next = Atomic(0)
  let results = Mutex([[TokenID]](repeating: [], count: texts.count))
  DispatchQueue.concurrentPerform(iterations: workers) { _ in
    var own = session()
    while true {
      let start = next.wrappingAdd(chunk, ordering: .relaxed).oldValue
      guard start < texts.count else { return }
      let encoded = texts[start..<min(start + chunk, texts.count)].map { encode(&own, $0) }
      results.withLock { all in
        for (offset, tokens) in encoded.enumerated() { all[start + offset] = tokens }
      }
    }
  }
  return results.withLock { $0 }
}
