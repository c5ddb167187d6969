// One thread's work with a tokenizer: texts in, tokens out, and a memory of pieces that have been met.
// The memory lives and dies with the session, so the tokenizer stays an immutable value.
import Jinja

/// Encodes texts one after the other.
struct EncodingSession {
  private let tokenizer: TokenizerPipeline
  private var pass: PieceEncoder
  /// Places of the current text that come from a conversation: special tokens are not recognised in them.
  private var foreign: [Range<Int>] = []

  init(_ tokenizer: TokenizerPipeline) {
    self.tokenizer = tokenizer
    pass = PieceEncoder(tokenizer.model)
  }

  /// The tokens of one text.
  mutating func encode(_ text: String, recognizingSpecialTokens: Bool) -> [TokenID] {
    foreign = []
    return encodeWhole(text, recognizing: recognizingSpecialTokens)
  }

  /// The tokens of a rendering. It is encoded as one, so that words reach across parts; only special tokens do not.
  mutating func encode(_ text: RenderedText) -> [TokenID] {
    var start = 0
    foreign = []
    for part in text.parts {
      let end = start + part.text.utf8.count
      if part.isForeign { foreign.append(start..<end) }
      start = end
    }
    return encodeWhole(text.text, recognizing: true)
  }

  private mutating func encodeWhole(_ text: String, recognizing: Bool) -> [TokenID] {
    var text = text
    return text.withUTF8 { bytes in
      pass.prepare(for: bytes.count)
      if bytes.isEmpty { return [] }
      guard recognizing, !tokenizer.added.isEmpty else {
        encode(0..<bytes.count, of: bytes, recognizing: false)
        return pass.takeTokens()
      }
      let foreign = foreign
      let parts = tokenizer.added.parts(of: 0..<bytes.count, in: bytes, normalized: false) { _, place in
        !foreign.contains { $0.overlaps(place) }
      }
      for part in parts {
        if let token = part.token { pass.append(token) } else { encode(part.range, of: bytes, recognizing: true) }
      }
      return pass.takeTokens()
    }
  }

  private mutating func encode(_ range: Range<Int>, of bytes: UnsafeBufferPointer<UInt8>, recognizing: Bool) {
    let looksAgain = recognizing && tokenizer.added.hasNormalized
    let foreign = foreign
    if let short = tokenizer.shortWay {
      guard looksAgain else { return pass.encode(range, of: bytes, cut: short.way) }
      let parts = tokenizer.added.parts(of: range, in: bytes, normalized: true) { _, place in
        !foreign.contains { $0.overlaps(place) }
      }
      for part in parts {
        if let token = part.token { pass.append(token) } else { pass.encode(part.range, of: bytes, cut: short.way) }
      }
      return
    }
    var stretch = NormalizerStep.Stretch(bytes: Array(bytes[range]), beginsInput: range.lowerBound == 0)
    for step in tokenizer.normalizers { step.apply(to: &stretch) }
    guard looksAgain else { return encode(stretch.bytes, beginsInput: stretch.beginsInput) }
    // Normalization may have moved the text: where a conversation has a share in the stretch, no special token counts.
    let isOwn = !foreign.contains { $0.overlaps(range) }
    let (isAsItWas, start) = (tokenizer.normalizers.isEmpty, range.lowerBound)
    let parts = stretch.bytes.withUnsafeBufferPointer {
      tokenizer.added.parts(of: 0..<$0.count, in: $0, normalized: true) { token, place in
        let place = place.lowerBound + start..<place.upperBound + start
        return isAsItWas ? !foreign.contains { $0.overlaps(place) } : isOwn || !token.isSpecial
      }
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
