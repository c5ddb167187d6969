// How the tokens of one tokenizer become text: its spellings, and the steps that follow them.
// A stream of it gives the same text as the whole at once, because the whole is decoded by a stream.

/// The spellings of a vocabulary with the steps that decode them. A value; copies share their storage.
public struct TokenDecoding: Sendable {
  let spellings: [[UInt8]?]
  let special: Set<Int32>
  /// Steps that see token by token.
  let perToken: [DecoderStep]
  /// Steps behind the one that joins everything.
  let joined: [DecoderStep]

  init(spellings: [[UInt8]?], special: Set<Int32>, steps: [DecoderStep]) {
    (self.spellings, self.special) = (spellings, special)
    let cut = steps.firstIndex(where: \.joins)
    if let cut {
      // Bytes are joined as bytes, so this step still works on each token by itself.
      perToken = Array(steps[...cut])
      joined = Array(steps[(cut + 1)...].filter { if case .fuse = $0 { false } else { true } })
    } else {
      (perToken, joined) = (steps, [])
    }
  }

  /// The bytes that a token stands for in the middle of a text.
  func bytes(of token: TokenID) -> [UInt8] {
    guard let spelling = spelling(of: token) else { return [] }
    if special.contains(token.rawValue) { return spelling }
    return perToken.reduce(spelling) { text, step in
      if case .byteFallback = step { return byte(ofFallback: text).map { [$0] } ?? text }
      return step.apply(to: text, isFirst: false)
    }
  }

  func spelling(of token: TokenID) -> [UInt8]? {
    spellings.indices.contains(Int(token.rawValue)) ? spellings[Int(token.rawValue)] : nil
  }
}

/// Decodes tokens as they arrive. What it returns, joined, is the text of all of them.
struct TokenDecodingStream: Sendable {
  private let decoding: TokenDecoding
  private let skipsSpecialTokens: Bool
  /// How many tokens have reached each step.
  private var counts: [Int]
  /// What each step holds back: the bytes of a fallback run, or the last token of `endOfWord`.
  private var held: [[UInt8]?]
  private var tail: JoinedTail

  init(_ decoding: TokenDecoding, skippingSpecialTokens: Bool) {
    (self.decoding, skipsSpecialTokens) = (decoding, skippingSpecialTokens)
    counts = Array(repeating: 0, count: decoding.perToken.count)
    held = Array(repeating: nil, count: decoding.perToken.count)
    tail = JoinedTail(decoding.joined)
  }

  /// The bytes that `token` completes. Ids without a spelling leave nothing.
  mutating func push(_ token: TokenID) -> [UInt8] {
    guard let spelling = decoding.spelling(of: token) else { return [] }
    if skipsSpecialTokens, decoding.special.contains(token.rawValue) { return [] }
    var output: [UInt8] = []
    send(spelling, from: 0, into: &output)
    return tail.push(output)
  }

  /// What was held back.
  mutating func finish() -> [UInt8] {
    var output: [UInt8] = []
    for (index, step) in decoding.perToken.enumerated() {
      guard let waiting = held[index] else { continue }
      held[index] = nil
      switch step {
      case .byteFallback: for text in Self.texts(ofRun: waiting) { send(text, from: index + 1, into: &output) }
      case .endOfWord(let suffix): send(replacing(suffix, in: waiting, with: []), from: index + 1, into: &output)
      default: break
      }
    }
    return tail.push(output) + tail.finish()
  }

  /// Passes one spelling through the steps from `index` on.
  private mutating func send(_ spelling: [UInt8], from index: Int, into output: inout [UInt8]) {
    guard index < decoding.perToken.count else { return output += spelling }
    let step = decoding.perToken[index]
    switch step {
    case .byteFallback:
      if let byte = byte(ofFallback: spelling) {
        held[index] = (held[index] ?? []) + [byte]
        return
      }
      if let run = held[index] {
        held[index] = nil
        for text in Self.texts(ofRun: run) { send(text, from: index + 1, into: &output) }
      }
      send(spelling, from: index + 1, into: &output)
    case .endOfWord:
      if let waiting = held[index] { send(step.apply(to: waiting, isFirst: false), from: index + 1, into: &output) }
      held[index] = spelling
    case .byteLevel, .metaspace, .fuse, .strip, .replace, .wordPiece, .spaced:
      let isFirst = counts[index] == 0
      counts[index] += 1
      send(step.apply(to: spelling, isFirst: isFirst), from: index + 1, into: &output)
    }
  }

  /// A run of bytes is a text when it is UTF-8 as a whole, and else one replacement character per byte.
  private static func texts(ofRun run: [UInt8]) -> [[UInt8]] {
    if run.withUnsafeBufferPointer({ String(validating: $0, as: UTF8.self) != nil }) { return [run] }
    return Array(repeating: [0xEF, 0xBF, 0xBD], count: run.count)
  }
}

/// The byte that `<0xNN>` stands for.
func byte(ofFallback spelling: [UInt8]) -> UInt8? {
  guard spelling.count == 6, spelling.starts(with: Array("<0x".utf8)), spelling[5] == UInt8(ascii: ">") else {
    return nil
  }
  return UInt8(String(decoding: spelling[3..<5], as: UTF8.self), radix: 16)
}
