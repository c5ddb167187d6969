// A model that writes what it is told to, for tests of everything around a model.
import HTTPServing
import LanguageModels
import Synchronization
import Text

/// One token for each byte.
struct ByteTokenizer: Tokenizer {
  var vocabularySize: Int { 256 }
  var beginningOfSequence: TokenID? { nil }
  var endOfSequence: TokenID? { nil }
  func encode(_ text: String, recognizingSpecialTokens: Bool) -> [TokenID] { text.utf8.map { TokenID(Int($0)) } }
  func bytes(of token: TokenID) -> [UInt8] { UInt8(exactly: token.rawValue).map { [$0] } ?? [] }
  func isSpecial(_ token: TokenID) -> Bool { false }
  func token(named text: String) -> TokenID? { nil }
}

/// Writes roles and contents one after the other; refuses tool messages.
struct LineTemplate: ChatTemplate {
  var opensThinking = true
  func render(_ messages: [ChatMessage], with tokenizer: any Tokenizer) throws -> [TokenID] {
    if messages.contains(where: { $0.role == .tool }) { throw ChatTemplateError("this template has no tool turns") }
    let text = messages.map { "\($0.role.rawValue):\($0.content)\n" }.joined()
    return tokenizer.encode(text, recognizingSpecialTokens: false)
  }
}

/// Writes `words`, one token each, and remembers what it was asked. Where `gate` is set, it stops before the last
/// word until the gate opens, or until its reader is gone.
final class FakeGenerator: Generator {
  struct Request: Sendable {
    var prompt: Prompt
    var options: GenerationOptions
  }
  let words: [String]
  let gate: Gate?
  let failure: (any Error)?
  let abandoned = Gate()
  private let asked = Mutex<[Request]>([])
  var requests: [Request] { asked.withLock { $0 } }

  /// With a `failure`, generation breaks off with it after the last word.
  init(_ words: [String], gate: Gate? = nil, failure: (any Error)? = nil) {
    (self.words, self.gate, self.failure) = (words, gate, failure)
  }

  func adopt(_ model: any LanguageModel) async throws {}

  func complete(_ prompts: [Prompt], _ options: GenerationOptions) async throws -> [Completion] {
    throw GenerationError("the server is expected to stream")
  }

  func stream(
    _ prompt: Prompt, _ options: GenerationOptions
  ) async throws -> AsyncThrowingStream<GenerationEvent, any Error> {
    try options.validate()
    asked.withLock { $0.append(Request(prompt: prompt, options: options)) }
    return AsyncThrowingStream { events in
      let work = Task {
        let shown = words.prefix(options.maxTokens)
        for (i, word) in shown.enumerated() {
          if i == shown.count - 1 { await gate?.wait() }
          events.yield(.token(TokenID(i), text: word))
        }
        if let failure { return events.finish(throwing: failure) }
        let completion = Completion(
          tokens: shown.indices.map { TokenID($0) }, logProbabilities: shown.map { _ in 0 }, text: shown.joined(),
          finishReason: shown.count < words.count ? .length : .stop)
        events.yield(.finished(completion))
        events.finish()
      }
      events.onTermination = { reason in
        guard case .cancelled = reason else { return }
        work.cancel()
        self.abandoned.open()
        self.gate?.open()
      }
    }
  }
}

/// Something to wait for. Once open, it stays open.
final class Gate: Sendable {
  private let state = Mutex<(isOpen: Bool, waiters: [CheckedContinuation<Void, Never>])>((false, []))

  func open() {
    let waiters = state.withLock { state in
      defer { state = (true, []) }
      return state.waiters
    }
    for waiter in waiters { waiter.resume() }
  }

  func wait() async {
    await withCheckedContinuation { continuation in
      let isOpen = state.withLock { state in
        if !state.isOpen { state.waiters.append(continuation) }
        return state.isOpen
      }
      if isOpen { continuation.resume() }
    }
  }
}
