// Where the results of requests go: an answer that is streamed to its own reader, and answers to several prompts to the
// call that waits for all of them.
import LanguageModels

/// One prompt's answer that somebody waits for.
struct Request: Sendable {
  enum Reader: Sendable {
    case stream(AsyncThrowingStream<GenerationEvent, any Error>.Continuation)
    /// Answer number `index` of the call `id`.
    case call(id: Int, index: Int)
  }
  let id: Int
  let reader: Reader
}

/// The calls whose answers are not all there yet.
struct OpenCalls {
  /// A call for the answers to several prompts, which is over when the last one is there.
  private struct Call {
    var completions: [Completion?]
    var missing: Int
    let continuation: CheckedContinuation<[Completion], any Error>
  }
  private var calls: [Int: Call] = [:]

  /// Takes down who waits for so many answers, at least one.
  mutating func open(_ id: Int, answers: Int, _ continuation: CheckedContinuation<[Completion], any Error>) {
    calls[id] = Call(
      completions: Array(repeating: nil, count: answers), missing: answers, continuation: continuation)
  }

  /// Ends a stream, or takes down one answer of a call. Whoever called goes on when all answers are there or one has
  /// failed.
  mutating func deliver(_ result: Result<Completion, any Error>, to reader: Request.Reader) {
    switch reader {
    case .stream(let continuation): continuation.end(result)
    case .call(let id, let index): answer(id, index, result)
    }
  }

  private mutating func answer(_ id: Int, _ index: Int, _ result: Result<Completion, any Error>) {
    guard var call = calls.removeValue(forKey: id) else { return }
    switch result {
    case .failure(let error): call.continuation.resume(throwing: error)
    case .success(let completion):
      call.completions[index] = completion
      call.missing -= 1
      if call.missing > 0 {
        calls[id] = call
      } else {
        call.continuation.resume(returning: call.completions.compactMap { $0 })
      }
    }
  }
}

extension AsyncThrowingStream.Continuation where Element == GenerationEvent, Failure == any Error {
  /// The last event of a stream, or the error that it ends with.
  fileprivate func end(_ result: Result<Completion, any Error>) {
    switch result {
    case .success(let completion):
      yield(.finished(completion))
      finish()
    case .failure(let error): finish(throwing: error)
    }
  }
}
