// Many prompts of different length as one batch that refills.
// Results do not depend on who else is in the batch: kernels are row-exact and draws are keyed.
import LanguageModels
import Tensors
import Text

/// How much an engine may do at once.
public struct EngineSettings: Sendable {
  /// Sequences in the batch at most.
  public var slots = 64
  /// The longest sequence, prompt and answer together; nil for the model's context.
  public var capacity: Int?
  /// Prompt tokens taken into one step at most, beside the sequences that are being continued.
  public var prefillTokens = 4096
  /// The absorbed form reads less memory; the textbook form gives the log-probabilities that training computes.
  public var form: AttentionForm
  public init(form: AttentionForm = .absorbed) { self.form = form }
}

/// Owns a model and its attention memory. Requests join the running batch as slots become free.
public actor InferenceEngine: Generator {
  private struct Sequence {
    let prompt: Prompt
    let sampler: TokenSampler
    let request: Request
    var writer: CompletionWriter
    /// Tokens that the memory holds, and those still to be read.
    var kept = 0
    var unread: [TokenID]
  }
  /// Where a request's results go.
  private struct Request: Sendable {
    let id: Int
    let token: @Sendable (TokenID, String) -> Void
    let end: @Sendable (Result<Completion, any Error>) -> Void
  }

  private var model: any LanguageModel
  private var next: (any LanguageModel)?
  private let tokenizer: any Tokenizer
  private let settings: EngineSettings
  private let capacity: Int
  private var memory: AttentionMemory?
  private var waiting: [Sequence] = []
  private var active: [Int: Sequence] = [:]
  private var cancelled: Set<Int> = []
  private var requests = 0
  private var driver: Task<Void, Never>?
  private let executor = ComputeExecutor(label: "inference")
  public nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  /// Takes no memory yet; the tables are made when the first request comes.
  public init(_ model: any LanguageModel, tokenizer: any Tokenizer, settings: EngineSettings = EngineSettings()) {
    (self.model, self.tokenizer, self.settings) = (model, tokenizer, settings)
    capacity = min(settings.capacity ?? model.contextLength, model.contextLength)
  }

  /// Sequences in flight finish on the weights they began with; later ones use `model`.
  public func adopt(_ model: any LanguageModel) {
    if active.isEmpty { self.model = model } else { next = model }
  }

  public func complete(_ prompts: [Prompt], _ options: GenerationOptions) async throws -> [Completion] {
    try options.validate()
    for prompt in prompts { try prompt.validate(contextLength: capacity, vocabularySize: model.vocabularySize) }
    return try await withThrowingTaskGroup(of: (Int, Completion).self) { group in
      for (index, prompt) in prompts.enumerated() {
        group.addTask {
          try await (index, self.complete(prompt, options))
        }
      }
      var completions = [Completion?](repeating: nil, count: prompts.count)
      for try await (index, completion) in group { completions[index] = completion }
      return completions.compactMap { $0 }
    }
  }

  private func complete(_ prompt: Prompt, _ options: GenerationOptions) async throws -> Completion {
    let id = newRequest()
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        submit(prompt, options, Request(id: id, token: { _, _ in }, end: { continuation.resume(with: $0) }))
      }
    } onCancel: {
      Task { await self.cancel(id) }
    }
  }

  public func stream(_ prompt: Prompt, _ options: GenerationOptions) throws -> AsyncThrowingStream<
    GenerationEvent, any Error
  > {
    try options.validate()
    try prompt.validate(contextLength: capacity, vocabularySize: model.vocabularySize)
    let id = newRequest()
    let (stream, continuation) = AsyncThrowingStream.makeStream(of: GenerationEvent.self)
    continuation.onTermination = { reason in
      if case .cancelled = reason { Task { await self.cancel(id) } }
    }
    submit(
      prompt, options,
      Request(
        id: id, token: { continuation.yield(.token($0, text: $1)) },
        end: { result in
          switch result {
          case .success(let completion):
            continuation.yield(.finished(completion))
            continuation.finish()
          case .failure(let error): continuation.finish(throwing: error)
          }
        }))
    return stream
  }

  private func newRequest() -> Int {
    requests += 1
    return requests
  }
  private func cancel(_ id: Int) {
    if active.values.contains(where: { $0.request.id == id }) || waiting.contains(where: { $0.request.id == id }) {
      cancelled.insert(id)
    }
  }

  private func submit(_ prompt: Prompt, _ options: GenerationOptions, _ request: Request) {
    waiting.append(
      Sequence(
        prompt: prompt, sampler: TokenSampler(options), request: request,
        writer: CompletionWriter(prompt, options, tokenizer: tokenizer, contextLength: capacity), unread: prompt.tokens)
    )
    if driver == nil { driver = Task { await self.drive() } }
  }

  /// Steps while there is work, letting new requests in between steps.
  private func drive() async {
    while !waiting.isEmpty || !active.isEmpty {
      dropCancelled()
      admit()
      if !active.isEmpty { step() }
      await Task.yield()
    }
    driver = nil
  }

  private func dropCancelled() {
    guard !cancelled.isEmpty else { return }
    for (slot, sequence) in active where cancelled.contains(sequence.request.id) {
      finish(slot, sequence, cancelled: true)
    }
    for index in waiting.indices.reversed() where cancelled.contains(waiting[index].request.id) {
      let sequence = waiting.remove(at: index)
      end(sequence, cancelled: true)
    }
    cancelled = []
  }

  /// Takes waiting sequences into free slots, oldest first.
  private func admit() {
    if next != nil {
      guard active.isEmpty, let adopted = next else { return }
      (model, next) = (adopted, nil)
    }
    if memory == nil { memory = model.makeMemory(slots: settings.slots, capacity: capacity, form: settings.form) }
    var budget = settings.prefillTokens
    for slot in 0..<settings.slots where active[slot] == nil {
      guard let first = waiting.first, budget == settings.prefillTokens || first.unread.count <= budget else { return }
      budget -= first.unread.count
      active[slot] = waiting.removeFirst()
    }
  }

  /// One forward pass over every active sequence's unread tokens, one draw for each.
  private func step() {
    let slots = active.keys.sorted()
    let sequences = slots.compactMap { active[$0] }
    let batch = TokenBatch(
      tokens: sequences.flatMap { $0.unread.map(\.rawValue) },
      rows: zip(slots, sequences).map { TokenBatch.Row(count: $1.unread.count, first: $1.kept, slot: $0) })
    let (hidden, experts) = states(batch, isReporting: sequences.contains { $0.sampler.options.reportsExperts })
    let last = Tensor(batch.lastTokens, shape: [slots.count], on: model.device)
    let logits = model.logits(hidden.gatherRows(last))
    let drawn = draw(sequences, logits)
    let logProbabilities = TokenSampler.logProbabilities(of: drawn, in: logits)
    var start = 0
    for (i, slot) in slots.enumerated() {
      let read = start..<start + batch.rows[i].count
      start = read.upperBound
      settle(slot, TokenID(rawValue: drawn[i]), logProbabilities[i], experts?[read])
    }
  }

  private func states(_ batch: TokenBatch, isReporting: Bool) -> (hidden: Tensor, experts: ExpertChoices?) {
    isReporting
      ? model.hiddenStatesAndExperts(batch, memory: &memory) : (model.hiddenStates(batch, memory: &memory), nil)
  }

  private func draw(_ sequences: [Sequence], _ logits: Tensor) -> [Int32] {
    let width = model.vocabularySize
    return logits.floats().withUnsafeBufferPointer { all in
      sequences.enumerated().map { i, sequence in
        let row = UnsafeBufferPointer(rebasing: all[i * width..<(i + 1) * width])
        let position = sequence.kept + sequence.unread.count
        return Int32(sequence.sampler.draw(row, request: sequence.prompt.request, position: position))
      }
    }
  }

  private func settle(_ slot: Int, _ token: TokenID, _ logProbability: Float, _ experts: ExpertChoices?) {
    guard var sequence = active.removeValue(forKey: slot) else { return }
    sequence.kept += sequence.unread.count
    sequence.unread = [token]
    let reported = sequence.sampler.options.reportsExperts ? experts : nil
    let text = sequence.writer.append(token, logProbability, experts: reported)
    sequence.request.token(token, text)
    if sequence.writer.completion != nil { return end(sequence, cancelled: false) }
    active[slot] = sequence
  }

  private func finish(_ slot: Int, _ sequence: Sequence, cancelled: Bool) {
    active[slot] = nil
    end(sequence, cancelled: cancelled)
  }
  private func end(_ sequence: Sequence, cancelled: Bool) {
    var writer = sequence.writer
    if cancelled { writer.cancel() }
    if let completion = writer.completion {
      sequence.request.end(.success(completion))
    } else {
      sequence.request.end(.failure(GenerationError("the request ended before it was answered")))
    }
  }
}
