// Tokens to text while they arrive: only whole characters are given out.
// A token may end in the middle of a character; its bytes wait, at most three of them, for the rest. Decoders that
// look ahead hold back more: a run of byte tokens is text only when it is UTF-8 as a whole.

/// Turns a stream of tokens into a stream of text. What it returns, joined, is the text of all bytes at once.
public struct IncrementalDetokenizer: Sendable {
  private let tokenizer: any Tokenizer
  private let skipsSpecialTokens: Bool
  /// The beginning of a character whose end has not arrived.
  private var held: [UInt8] = []
  /// Where decoding is more than joining bytes.
  private var stream: TokenDecodingStream?

  /// With `skippingSpecialTokens` markers leave no text.
  public init(_ tokenizer: any Tokenizer, skippingSpecialTokens: Bool = true) {
    (self.tokenizer, skipsSpecialTokens) = (tokenizer, skippingSpecialTokens)
    stream = tokenizer.decoding.map { TokenDecodingStream($0, skippingSpecialTokens: skippingSpecialTokens) }
  }

  /// The text that `token` completes, possibly none. Bytes that cannot become a character are U+FFFD.
  public mutating func push(_ token: TokenID) -> String {
    if stream == nil {
      guard !(skipsSpecialTokens && tokenizer.isSpecial(token)) else { return "" }
      held += tokenizer.bytes(of: token)
    } else {
      held += stream?.push(token) ?? []
    }
    let whole = held.count - lengthOfUnfinishedCharacter(atEndOf: held)
    defer { held.removeFirst(whole) }
    return String(decoding: held[..<whole], as: UTF8.self)
  }

  /// What is still held back, half a character as U+FFFD; call it after the last token.
  public mutating func finish() -> String {
    held += stream?.finish() ?? []
    defer { held = [] }
    return String(decoding: held, as: UTF8.self)
  }
}

/// How many bytes at the end begin a character that more bytes could finish: 0 to 3.
func lengthOfUnfinishedCharacter(atEndOf bytes: [UInt8]) -> Int {
  for length in 1...3 where length <= bytes.count {
    let lead = bytes[bytes.count - length]
    if lead & 0xC0 == 0x80 { continue }
    guard let needed = lengthOfCharacter(ledBy: lead), needed > length else { return 0 }
    let canContinue = length == 1 || canFollow(lead, second: bytes[bytes.count - length + 1])
    return canContinue ? length : 0
  }
  return 0
}

/// The number of bytes that a multi-byte character with this lead has; nil for bytes that lead none.
private func lengthOfCharacter(ledBy lead: UInt8) -> Int? {
  switch lead {
  case 0xC2...0xDF: 2
  case 0xE0...0xEF: 3
  case 0xF0...0xF4: 4
  default: nil
  }
}

/// Overlong forms, surrogates and values beyond U+10FFFF are ruled out by the second byte already.
private func canFollow(_ lead: UInt8, second: UInt8) -> Bool {
  switch lead {
  case 0xE0: (0xA0...0xBF).contains(second)
  case 0xED: (0x80...0x9F).contains(second)
  case 0xF0: (0x90...0xBF).contains(second)
  case 0xF4: (0x80...0x8F).contains(second)
  default: (0x80...0xBF).contains(second)
  }
}
