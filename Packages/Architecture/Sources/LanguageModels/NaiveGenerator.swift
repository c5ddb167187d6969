// The slow, obvious way to generate: the whole sequence through the model for every token.
// It stays in the tree to judge the engine.
import Tensors
import Text

/// Generates one prompt after another without a memory.
public actor NaiveGenerator: Generator {
  private var model: any LanguageModel
  private let tokenizer: any Tokenizer
  public init(_ model: any LanguageModel, tokenizer: any Tokenizer) {
    (self.model, self.tokenizer) = (model, tokenizer)
  }

  public func adopt(_ model: any LanguageModel) { self.model = model }

  public func complete(_ prompts: [Prompt], _ options: GenerationOptions) throws -> [Completion] {
    try prompts.map { try complete($0, options) { _, _ in } }
  }

  public func stream(_ prompt: Prompt, _ options: GenerationOptions) throws -> AsyncThrowingStream<
    GenerationEvent, any Error
  > {
    var events: [GenerationEvent] = []
    let completion = try complete(prompt, options) { events.append(.token($0, text: $1)) }
    return AsyncThrowingStream { continuation in
      for event in events { continuation.yield(event) }
      continuation.yield(.finished(completion))
      continuation.finish()
    }
  }

  private func complete(_ prompt: Prompt, _ options: GenerationOptions, _ emit: (TokenID, String) -> Void) throws
    -> Completion
  {
    try options.validate()
    try prompt.validate(contextLength: model.contextLength, vocabularySize: model.vocabularySize)
    let sampler = TokenSampler(options)
    var writer = CompletionWriter(prompt, options, tokenizer: tokenizer, contextLength: model.contextLength)
    var sequence = prompt.tokens
    var none: AttentionMemory?
    var read = 0
    while true {
      let (hidden, experts) = model.hiddenStatesAndExperts(TokenBatch([sequence]), memory: &none)
      let logits = model.logits(hidden.slice(sequence.count - 1..<sequence.count, axis: 0))
      let drawn = logits.floats().withUnsafeBufferPointer {
        sampler.draw($0, request: prompt.request, position: sequence.count)
      }
      let token = TokenID(drawn)
      let logProbability = TokenSampler.logProbabilities(of: [token.rawValue], in: logits)[0]
      let reported = options.reportsExperts ? experts?[read..<sequence.count] : nil
      emit(token, writer.append(token, logProbability, experts: reported))
      read = sequence.count
      sequence.append(token)
      if let completion = writer.completion { return completion }
    }
  }
}

extension Prompt {
  /// Throws `GenerationError` when the model cannot continue this prompt.
  public func validate(contextLength: Int, vocabularySize: Int) throws {
    if tokens.isEmpty { throw GenerationError("the prompt is empty; it needs at least one token") }
    if tokens.count >= contextLength {
      throw GenerationError(
        "the prompt has \(tokens.count) tokens; this model reads at most \(contextLength - 1) and one to answer")
    }
    if let maxTokens, maxTokens < 1 {
      throw GenerationError("the prompt's own limit is \(maxTokens) tokens; it must be at least 1")
    }
    if let bad = tokens.first(where: { $0.rawValue < 0 || Int($0.rawValue) >= vocabularySize }) {
      throw GenerationError("token \(bad) is outside the vocabulary of \(vocabularySize)")
    }
  }
}
