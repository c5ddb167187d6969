// Several generations followed as one sequence of signals, with a clock tick between them when all are silent.
import LanguageModels

/// A generation of its own for each answer that a request asked for.
typealias GenerationStream = AsyncThrowingStream<GenerationEvent, any Error>

/// What comes out while answers are being generated.
enum GenerationSignal: Sendable {
  case event(answer: Int, GenerationEvent)
  /// Some time has passed.
  case tick
}

/// Hands every signal to `consume`, in order of arrival, until each generation has finished. When the caller is
/// cancelled or `consume` throws, all generations are dropped, which cancels them at their next token.
func follow(
  _ generations: [GenerationStream], tick: Duration?, _ consume: (GenerationSignal) async throws -> Void
) async throws {
  let (signals, feed) = AsyncThrowingStream<GenerationSignal, any Error>.makeStream()
  try await withThrowingTaskGroup(of: Void.self) { group in
    for (answer, events) in generations.enumerated() {
      group.addTask {
        do {
          var hasFinished = false
          for try await event in events {
            feed.yield(.event(answer: answer, event))
            if case .finished = event { hasFinished = true }
          }
          if !hasFinished { feed.finish(throwing: ServerError("a generation ended without a finish reason")) }
        } catch {
          feed.finish(throwing: error)
        }
      }
    }
    if let tick {
      group.addTask {
        while true {
          try await Task.sleep(for: tick)
          feed.yield(.tick)
        }
      }
    }
    defer { group.cancelAll() }
    var left = generations.count
    for try await signal in signals {
      try await consume(signal)
      if case .event(_, .finished) = signal { left -= 1 }
      if left == 0 { return }
    }
    try Task.checkCancellation()
  }
}
