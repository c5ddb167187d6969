// Many prompts of different length as one batch that refills: whoever ends makes room for the next one at once.
// Results do not depend on who else is in the batch: kernels are row-exact and draws are keyed.
import LanguageModels
import Tensors
import Text

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

  private var model: any LanguageModel
  private var next: (any LanguageModel)?
  private let tokenizer: any Tokenizer
  private let settings: EngineSettings
  private let capacity: Int
  private var memory: AttentionMemory?
  private var slots: SlotTable
  private var calls = OpenCalls()
  private var waiting: [Sequence] = []
  private var active: [Int: Sequence] = [:]
  private var cancelled: Set<Int> = []
  private var requests = 0
  private var driver: Task<Void, Never>?
  /// What has been done so far.
  public private(set) var statistics = EngineStatistics()
  private let executor = ComputeExecutor(label: "inference")
  public nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  /// Takes no memory yet; the tables are made when the first request comes.
  public init(_ model: any LanguageModel, tokenizer: any Tokenizer, settings: EngineSettings = EngineSettings()) {
    (self.model, self.tokenizer, self.settings) = (model, tokenizer, settings)
    capacity = min(settings.capacity ?? model.contextLength, model.contextLength)
    slots = SlotTable(slots: settings.slots)
  }

  /// Sequences in flight finish on the weights they began with; later ones use `model`.
  public func adopt(_ model: any LanguageModel) {
    if active.isEmpty { use(model) } else { next = model }
  }
  private func use(_ model: any LanguageModel) {
    (self.model, next) = (model, nil)
    slots.forgetContents()
  }

  public func complete(_ prompts: [Prompt], _ options: GenerationOptions) async throws -> [Completion] {
    try options.validate()
    for prompt in prompts { try prompt.validate(contextLength: capacity, vocabularySize: model.vocabularySize) }
    if prompts.isEmpty { return [] }
    let call = newRequest()
    let requests = prompts.indices.map { Request(id: newRequest(), reader: .call(id: call, index: $0)) }
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        calls.open(call, answers: prompts.count, continuation)
        submit(zip(prompts, requests).map { sequence($0, options, $1) })
        if Task.isCancelled { for request in requests { cancel(request.id) } }
      }
    } onCancel: {
      Task { await self.cancel(requests.map(\.id)) }
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
    submit([sequence(prompt, options, Request(id: id, reader: .stream(continuation)))])
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
  private func cancel(_ ids: [Int]) {
    for id in ids { cancel(id) }
  }

  private func sequence(_ prompt: Prompt, _ options: GenerationOptions, _ request: Request) -> Sequence {
    Sequence(
      prompt: prompt, sampler: TokenSampler(options), request: request,
      writer: CompletionWriter(prompt, options, tokenizer: tokenizer, contextLength: capacity), unread: prompt.tokens)
  }
  private func submit(_ sequences: [Sequence]) {
    waiting += sequences
    if driver == nil { driver = Task { await self.drive() } }
  }

  /// Steps while there is work, letting new requests in between steps.
  private func drive() async {
    while !waiting.isEmpty || !active.isEmpty {
      let began = ContinuousClock.now
      dropCancelled()
      admit()
      let isDecoding = active.values.allSatisfy { $0.writer.count > 0 }
      if !active.isEmpty { step() }
      await Task.yield()
      if isDecoding { statistics.decodingSeconds += (ContinuousClock.now - began) / .seconds(1) }
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

  /// Takes waiting sequences into free slots, oldest first. What another slot's memory holds of a prompt is copied. Of
  /// those with the same prompt one goes first and reads it; the others keep their slots and follow a step later.
  private func admit() {
    guard !waiting.isEmpty else { return }
    if let next {
      guard active.isEmpty else { return }
      use(next)
    }
    var memory = takenMemory()
    defer { self.memory = memory }
    var (budget, reserved) = (settings.prefillTokens, 0)
    var (fresh, beingRead, copies) = (Set<Int>(), Set<[TokenID]>(), [AttentionMemory.Copy]())
    var left: [Sequence] = []
    for (index, var sequence) in waiting.enumerated() {
      let tokens = sequence.prompt.tokens
      if slots.idleCount > reserved, beingRead.contains(tokens) {
        reserved += 1
        left.append(sequence)
        continue
      }
      let place =
        slots.idleCount > reserved
        ? slots.place(
          for: tokens, excluding: fresh, withExperts: sequence.sampler.options.reportsExperts) : nil
      guard let place, budget == settings.prefillTokens || tokens.count - place.shared <= budget else {
        left += waiting[index...]
        break
      }
      budget -= tokens.count - place.shared
      (sequence.kept, sequence.unread) = (place.shared, Array(tokens[place.shared...]))
      slots.take(place, for: tokens)
      if let copy = place.copy { copies.append(copy) }
      fresh.insert(place.slot)
      beingRead.insert(tokens)
      active[place.slot] = sequence
      statistics.promptTokensRead += sequence.unread.count
      statistics.promptTokensShared += place.shared
    }
    waiting = left
    memory.copy(copies)
  }
  /// The tables, moved out so that their only owner writes them in place; made at the first request.
  private func takenMemory() -> AttentionMemory {
    defer { memory = nil }
    return memory ?? model.makeMemory(slots: settings.slots, capacity: capacity, form: settings.form)
  }

  /// One forward pass over every active sequence's unread tokens, one draw for each.
  private func step() {
    let order = active.keys.sorted()
    let sequences = order.compactMap { active[$0] }
    let batch = TokenBatch(
      tokens: sequences.flatMap { $0.unread.map(\.rawValue) },
      rows: zip(order, sequences).map { TokenBatch.Row(count: $1.unread.count, first: $1.kept, slot: $0) })
    let (hidden, experts) = states(batch, isReporting: sequences.contains { $0.sampler.options.reportsExperts })
    let last = Tensor(batch.lastTokens, shape: [order.count], on: model.device)
    let logits = model.logits(hidden.gatherRows(last))
    let drawn = draw(sequences, logits)
    let logProbabilities = TokenSampler.logProbabilities(of: drawn, in: logits)
    statistics.steps += 1
    statistics.tokensGenerated += order.count
    var start = 0
    for (i, slot) in order.enumerated() {
      let read = start..<start + batch.rows[i].count
      start = read.upperBound
      settle(slot, TokenID(rawValue: drawn[i]), logProbabilities[i], experts?[read])
    }
  }

  private func states(_ batch: TokenBatch, isReporting: Bool) -> (hidden: Tensor, experts: ExpertChoices?) {
    isReporting
      ? model.hiddenStatesAndExperts(batch, memory: &memory) : (model.hiddenStates(batch, memory: &memory), nil)
  }

  /// One token for each row of logits, on the device's threads: every draw is a function of its own key.
  private func draw(_ sequences: [Sequence], _ logits: Tensor) -> [Int32] {
    let (width, block) = (model.vocabularySize, 8)
    let keys = sequences.map { (sampler: $0.sampler, request: $0.prompt.request, position: $0.kept + $0.unread.count) }
    return logits.withFloats { all in
      [Int32](unsafeUninitializedCapacity: keys.count) { drawn, count in
        let drawn = drawn
        model.device.backend.forEach((keys.count + block - 1) / block) { chunk in
          for i in chunk * block..<min(keys.count, (chunk + 1) * block) {
            let row = UnsafeBufferPointer(rebasing: all[i * width..<(i + 1) * width])
            let token = keys[i].sampler.draw(row, request: keys[i].request, position: keys[i].position)
            drawn.initializeElement(at: i, to: Int32(token))
          }
        }
        count = keys.count
      }
    }
  }

  private func settle(_ slot: Int, _ token: TokenID, _ logProbability: Float, _ experts: ExpertChoices?) {
    guard var sequence = active.removeValue(forKey: slot) else { return }
    slots.append(sequence.unread, experts, to: slot)
    sequence.kept += sequence.unread.count
    sequence.unread = [token]
    // The answer's first token comes with the experts of the whole prompt, also of what was shared.
    let reported = sequence.writer.count == 0 ? slots.experts(of: slot) : experts
    let text = sequence.writer.append(
      token, logProbability, experts: sequence.sampler.options.reportsExperts ? reported : nil)
    if case .stream(let continuation) = sequence.request.reader { continuation.yield(.token(token, text: text)) }
    if sequence.writer.completion != nil { return finish(slot, sequence, cancelled: false) }
    active[slot] = sequence
  }

  private func finish(_ slot: Int, _ sequence: Sequence, cancelled: Bool) {
    active[slot] = nil
    slots.free(slot)
    end(sequence, cancelled: cancelled)
  }
  private func end(_ sequence: Sequence, cancelled: Bool) {
    var writer = sequence.writer
    if cancelled { writer.cancel() }
    let result = Result<Completion, any Error> {
      guard let completion = writer.completion else {
        throw GenerationError("the request ended before it was answered")
      }
      return completion
    }
    calls.deliver(result, to: sequence.request.reader)
  }
}
