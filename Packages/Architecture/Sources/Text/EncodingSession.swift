// One thread's work with a tokenizer: texts in, tokens out, and a memory of pieces that have been met.
// The memory lives and dies with the session, so the tokenizer stays an immutable value.

/// Encodes texts one after the other.
struct EncodingSession {
  private let tokenizer: TokenizerPipeline
  private var pass: PieceEncoder

  init(_ tokenizer: TokenizerPipeline) {
    self.tokenizer = tokenizer
    pass = PieceEncoder(tokenizer.model)
  }

  /// The tokens of one text.
  mutating func encode(_ text: String, recognizingSpecialTokens: Bool) -> [TokenID] {
    var text = text
    return text.withUTF8 { bytes in
      pass.prepare(for: bytes.count)
      if bytes.isEmpty { return [] }
      guard recognizingSpecialTokens, !tokenizer.added.isEmpty else {
        encode(0..<bytes.count, of: bytes, recognizing: false)
        return pass.takeTokens()
      }
      for part in tokenizer.added.parts(of: 0..<bytes.count, in: bytes, normalized: false) {
        if let token = part.token { pass.append(token) } else { encode(part.range, of: bytes, recognizing: true) }
      }
      return pass.takeTokens()
    }
  }

  private mutating func encode(_ range: Range<Int>, of bytes: UnsafeBufferPointer<UInt8>, recognizing: Bool) {
    let looksAgain = recognizing && tokenizer.added.hasNormalized
    if let short = tokenizer.shortWay {
      guard looksAgain else { return pass.encode(range, of: bytes, cut: short.way) }
      for part in tokenizer.added.parts(of: range, in: bytes, normalized: true) {
        if let token = part.token { pass.append(token) } else { pass.encode(part.range, of: bytes, cut: short.way) }
      }
      return
    }
    var stretch = NormalizerStep.Stretch(bytes: Array(bytes[range]), beginsInput: range.lowerBound == 0)
    for step in tokenizer.normalizers { step.apply(to: &stretch) }
    guard looksAgain else { return encode(stretch.bytes, beginsInput: stretch.beginsInput) }
    let parts = stretch.bytes.withUnsafeBufferPointer {
      tokenizer.added.parts(of: 0..<$0.count, in: $0, normalized: true)
    }
    for part in parts {
      if let token = part.token {
        pass.append(token)
      } else {
        encode(Array(stretch.bytes[part.range]), beginsInput: stretch.beginsInput && part.range.lowerBound == 0)
      }
    }
  }

  /// Cuts and encodes normalized text.
  private mutating func encode(_ bytes: [UInt8], beginsInput: Bool) {
    var text = CutText(bytes, beginsInput: beginsInput)
    for step in tokenizer.cuts { step.apply(to: &text) }
    text.bytes.withUnsafeBufferPointer { bytes in
      for piece in text.pieces { pass.encode(UnsafeBufferPointer(rebasing: bytes[piece])) }
    }
  }
}
