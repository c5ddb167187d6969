// How much an engine may do at once, and what it has done.
import LanguageModels

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

/// What an engine has done since it was made.
public struct EngineStatistics: Sendable, Equatable {
  /// Passes through the model.
  public var steps = 0
  /// Tokens of prompts that went through the model, and those whose memory was copied from another slot or was there.
  public var promptTokensRead = 0
  public var promptTokensShared = 0
  /// Tokens of answers.
  public var tokensGenerated = 0
  /// Seconds of the passes that read no prompt, with all that belongs to them.
  public var decodingSeconds = 0.0
  public init() {}
}
