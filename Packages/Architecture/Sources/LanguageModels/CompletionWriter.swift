// Collects one answer token by token and knows when it ends.
import Text

/// The growing answer to one prompt, shared by every generator so that they end alike.
public struct CompletionWriter: Sendable {
  private let options: GenerationOptions
  private let tokenizer: any Tokenizer
  private let limit: Int
  private let promptCount: Int
  private var tokens: [TokenID] = []
  private var logProbabilities: [Float] = []
  private var experts: ExpertChoices?
  private var text = ""
  private var detokenizer: IncrementalDetokenizer
  private var stops: StopTextFilter
  /// The finished answer, once it has ended.
  public private(set) var completion: Completion?

  /// An empty answer. It ends at the latest after the options' or the prompt's `maxTokens`, or when prompt and answer fill `contextLength`.
  public init(_ prompt: Prompt, _ options: GenerationOptions, tokenizer: any Tokenizer, contextLength: Int) {
    (self.options, self.tokenizer, promptCount) = (options, tokenizer, prompt.tokens.count)
    limit = min(options.maxTokens, prompt.maxTokens ?? .max, contextLength - prompt.tokens.count)
    detokenizer = IncrementalDetokenizer(tokenizer, skippingSpecialTokens: true)
    stops = StopTextFilter(options.stop)
  }
  /// How many tokens have been written.
  public var count: Int { tokens.count }

  /// Takes the next token and returns the text that may be shown now. `experts` are those of the tokens that were read
  /// for it: of the prompt for the first one, then of the token before.
  public mutating func append(_ token: TokenID, _ logProbability: Float, experts: ExpertChoices? = nil) -> String {
    tokens.append(token)
    logProbabilities.append(logProbability)
    if let experts {
      if self.experts == nil { self.experts = experts } else { self.experts?.append(experts) }
    }
    var shown = stops.push(detokenizer.push(token)).text
    if stops.isStopped {
      end(.stop, showing: shown)
    } else if token == tokenizer.endOfSequence && !options.ignoresEndOfSequence {
      shown += flush()
      end(.stop, showing: shown)
    } else if tokens.count >= limit {
      shown += flush()
      end(.length, showing: shown)
    } else {
      text += shown
    }
    return shown
  }
  /// Ends the answer early, as when its reader has gone.
  public mutating func cancel() { end(.cancelled, showing: "") }

  /// What was held back for a character or a stop text that never came.
  private mutating func flush() -> String { stops.push(detokenizer.finish()).text + stops.finish() }
  private mutating func end(_ reason: FinishReason, showing shown: String) {
    text += shown
    // Choices with gaps would be given to the wrong tokens.
    let isComplete = experts?.tokens == promptCount + tokens.count - 1
    completion = Completion(
      tokens: tokens, logProbabilities: logProbabilities, text: text, finishReason: reason,
      experts: isComplete ? experts : nil)
  }
}
