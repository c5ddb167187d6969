// A vocabulary as plain arrays, which is how GGUF files hold one, and the tokenizer that it stands for.
// What such files leave unsaid, the patterns above all, hangs from two names: the model's and the pre-tokenizer's.

/// The `tokenizer.ggml.*` entries of a model file. Everything is checked when a tokenizer is made of it.
public struct StoredVocabulary: Sendable {
  /// `model`: `gpt2` (byte-level BPE) or `llama` (SentencePiece BPE).
  public var model: String
  /// `pre`: the name of the way to cut text, for `gpt2`.
  public var preTokenizer: String?
  /// `tokens`, by id.
  public var tokens: [String]
  /// `scores`, by id, for `llama`: of two possible merges the one that makes the better token comes first.
  public var scores: [Float] = []
  /// `token_type`, by id: 1 normal, 2 unknown, 3 control, 4 user-defined, 5 unused, 6 a byte. Empty: all normal.
  public var types: [Int32] = []
  /// `merges`, for `gpt2`: two spellings with a space between them, in order of rank.
  public var merges: [String] = []
  /// `bos_token_id`, `eos_token_id` and `unknown_token_id`.
  public var beginning: Int?
  public var end: Int?
  public var unknown: Int?
  /// `add_bos_token` and `add_eos_token`: whether the marker belongs around a text. Where a file does not say, what
  /// goes with its model and its pre-tokenizer.
  public var addsBeginning: Bool?
  public var addsEnd: Bool?
  /// `add_space_prefix`, for `llama`; true where a file does not say.
  public var addsSpacePrefix: Bool?
  /// Whether whitespace behind a control or user-defined token belongs to it. No key of a file says so.
  public var markersTakeWhitespace = false

  public init(model: String, preTokenizer: String? = nil, tokens: [String]) {
    (self.model, self.preTokenizer, self.tokens) = (model, preTokenizer, tokens)
  }
}

extension TokenizerPipeline {
  /// The tokenizer that the arrays stand for. Throws `TokenizerError`.
  public init(_ stored: StoredVocabulary) throws { self.init(try StoredVocabularyReading(stored).parts()) }
}
