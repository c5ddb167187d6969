// Follows one generation: splits what is thought from what is answered, and counts both.
// Streams and whole responses read through it, so they cannot disagree.
import LanguageModels
import Text

struct AnswerReader {
  /// Nil for text completions, whose text is passed on as it is.
  private var splitter: ReasoningSplitter?
  private let opensThinking: Bool
  private(set) var reasoning = ""
  private(set) var content = ""
  private(set) var finishReason: FinishReason?
  private(set) var tokenCount = 0
  /// Tokens of the thinking section, its end mark included.
  private(set) var reasoningTokenCount = 0
  /// Tokens whose text is still held back, so that it is not known what they belong to.
  private var undecided = 0

  /// Reads an answer of a chat.
  init(opensThinking: Bool, unwrapsAnswer: Bool) {
    splitter = ReasoningSplitter(opensThinking: opensThinking, unwrapsAnswer: unwrapsAnswer)
    self.opensThinking = opensThinking
  }

  /// Reads a continuation of a text.
  init() { (splitter, opensThinking) = (nil, false) }

  /// The pieces that became certain with this event, in order.
  mutating func read(_ event: GenerationEvent) -> [AnswerPiece] {
    switch event {
    case .token(_, let text):
      tokenCount += 1
      return take(text.isEmpty ? [] : push(text), isToken: true)
    case .finished(let completion):
      finishReason = completion.finishReason
      tokenCount = max(tokenCount, completion.tokens.count)
      return take(splitter?.finish() ?? [], isToken: false)
    }
  }

  private mutating func push(_ text: String) -> [AnswerPiece] {
    splitter?.push(text) ?? [.content(text)]
  }

  private mutating func take(_ pieces: [AnswerPiece], isToken: Bool) -> [AnswerPiece] {
    let hadAnswer = !content.isEmpty
    if isToken { undecided += 1 }
    var pieces = pieces
    pieces.removeAll { $0 == .reasoning("") || $0 == .content("") }
    for piece in pieces {
      switch piece {
      case .reasoning(let text): reasoning += text
      case .content(let text): content += text
      }
    }
    guard !hadAnswer else { return pieces }
    if content.isEmpty {
      // Still thinking, or not sure yet; at the very end, what never became an answer was thought.
      let isThought = !reasoning.isEmpty && (!pieces.isEmpty || finishReason != nil)
      if isThought { (reasoningTokenCount, undecided) = (reasoningTokenCount + undecided, 0) }
    } else if !reasoning.isEmpty {
      // The token that brought the first of the answer is the answer's; those held back before it closed the thinking.
      reasoningTokenCount += max(0, undecided - (isToken ? 1 : 0))
    }
    return pieces
  }
}
