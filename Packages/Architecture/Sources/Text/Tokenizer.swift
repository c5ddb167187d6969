// What the rest of the project may ask of a tokenizer.
// BytePairEncoding is what training makes, TokenizerPipeline what published files describe; others may conform.
import Jinja

/// Text to tokens and back. Conforming values are immutable and may be used from any task.
public protocol Tokenizer: Sendable {
  /// One past the largest token id.
  var vocabularySize: Int { get }
  /// The token that begins a document, where the tokenizer has one.
  var beginningOfSequence: TokenID? { get }
  /// The token that ends a document or an answer, where the tokenizer has one.
  var endOfSequence: TokenID? { get }
  /// Tokens of `text`. Special tokens written in the text are recognised only when `recognizingSpecialTokens`;
  /// text from outside (a user's message) must pass false, so that it cannot forge a turn.
  func encode(_ text: String, recognizingSpecialTokens: Bool) -> [TokenID]
  /// Tokens of what a template wrote: its own special tokens are recognised, those in foreign parts never.
  func encode(_ text: RenderedText) -> [TokenID]
  /// The bytes that a token stands for; special tokens stand for their written form. Empty for an unknown id.
  func bytes(of token: TokenID) -> [UInt8]
  /// Whether the token is special (a marker rather than text).
  func isSpecial(_ token: TokenID) -> Bool
  /// The id of a token by its exact written form (special tokens included), if the vocabulary has it.
  func token(named text: String) -> TokenID?
  /// How tokens become text where that is more than joining their bytes; nil where it is not.
  var decoding: TokenDecoding? { get }
}

extension Tokenizer {
  public var decoding: TokenDecoding? { nil }
  /// Part by part. A tokenizer that joins text across parts does it itself.
  public func encode(_ text: RenderedText) -> [TokenID] {
    text.parts.flatMap { encode($0.text, recognizingSpecialTokens: !$0.isForeign) }
  }

  /// The text of `tokens`; bytes that do not form UTF-8 become U+FFFD.
  public func decode(_ tokens: [TokenID], skippingSpecialTokens: Bool = false) -> String {
    if let decoding {
      var stream = TokenDecodingStream(decoding, skippingSpecialTokens: skippingSpecialTokens)
      var bytes: [UInt8] = []
      for token in tokens { bytes += stream.push(token) }
      return String(decoding: bytes + stream.finish(), as: UTF8.self)
    }
    let bytes = tokens.flatMap { skippingSpecialTokens && isSpecial($0) ? [] : self.bytes(of: $0) }
    return String(decoding: bytes, as: UTF8.self)
  }
}
