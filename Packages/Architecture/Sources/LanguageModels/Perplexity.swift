// How well a model predicts a text: the measure that formats of one model are compared by.
import Foundation
import Tensors
import Text

/// exp of the mean negative log-likelihood of a text's tokens.
public struct Perplexity: Sendable, Equatable {
  /// Tokens that were predicted: all but the first of each window.
  public let tokens: Int
  /// Windows that the text was cut into.
  public let windows: Int
  /// −(1/tokens) Σ log p(token | those before it in its window), in nats.
  public let meanNegativeLogLikelihood: Double
  public var value: Double { exp(meanNegativeLogLikelihood) }

  /// Cuts each text into windows of `window` tokens that do not overlap, and reads them; what is left over and has no two
  /// tokens is not read. `progress` is called after every window with the tokens predicted so far. Throws `ModelError`
  /// for texts or a window that are too short or too long, for tokens that are not in the vocabulary, and what
  /// `progress` throws.
  public init(
    of model: any LanguageModel, over texts: [[TokenID]], window: Int, progress: (Int) throws -> Void = { _ in }
  ) throws {
    guard (2...max(2, model.contextLength)).contains(window) else {
      throw ModelError("a window has \(window) tokens; this model reads 2 to \(model.contextLength)")
    }
    if let bad = texts.joined().first(where: { $0.rawValue < 0 || Int($0.rawValue) >= model.vocabularySize }) {
      throw ModelError("token \(bad) is outside the vocabulary of \(model.vocabularySize)")
    }
    let parts = texts.flatMap { tokens in
      stride(from: 0, to: tokens.count - 1, by: window).map { tokens[$0..<min($0 + window, tokens.count)] }
    }
    guard !parts.isEmpty else {
      throw ModelError("no text has two tokens; at least 2 are needed, one to read and one to predict")
    }
    var (total, count) = (0.0, 0)
    for part in parts {
      total += Self.logLikelihood(of: Array(part), under: model)
      count += part.count - 1
      try progress(count)
    }
    (tokens, windows, meanNegativeLogLikelihood) = (count, parts.count, -total / Double(count))
  }

  /// Σ log p of all tokens but the first, in order. Logits are made for a few tokens at a time: those of a whole window
  /// of a large vocabulary would take more memory than the model.
  private static func logLikelihood(of tokens: [TokenID], under model: any LanguageModel) -> Double {
    var none: AttentionMemory?
    let hidden = model.hiddenStates(TokenBatch([tokens]), memory: &none)
    let step = 128
    var total = 0.0
    for start in stride(from: 0, to: tokens.count - 1, by: step) {
      let rows = start..<min(start + step, tokens.count - 1)
      let next = tokens[(rows.lowerBound + 1)...rows.upperBound].map(\.rawValue)
      let logits = model.logits(hidden.slice(rows, axis: 0))
      total += TokenSampler.logProbabilities(of: next, in: logits).reduce(0) { $0 + Double($1) }
    }
    return total
  }
}
