// The decoder steps behind the one that joins all tokens into a text, applied to that text as it grows.

/// Holds back what a later token may still change, and no more where that is known.
struct JoinedTail: Sendable {
  private let steps: [DecoderStep]
  /// What to strip at the beginning, when that is all there is to do; nil when the steps need the whole text.
  private var strip: (character: [UInt8], start: Int, stop: Int)?
  private var toStrip = 0
  private var held: [UInt8] = []

  init(_ steps: [DecoderStep]) {
    self.steps = steps
    if steps.count == 1, case .strip(let character, let start, let stop) = steps[0] {
      strip = (character, start, stop)
      toStrip = start
    }
  }

  /// The bytes that can be given out now that the text has grown by `bytes`.
  mutating func push(_ bytes: [UInt8]) -> [UInt8] {
    if steps.isEmpty { return bytes }
    held += bytes
    guard let strip else { return [] }
    while toStrip > 0, held.count >= strip.character.count {
      if held.starts(with: strip.character) {
        held.removeFirst(strip.character.count)
        toStrip -= 1
      } else {
        toStrip = 0
      }
    }
    if toStrip > 0, strip.character.starts(with: held) { return [] }
    toStrip = held.isEmpty ? toStrip : 0
    // As many of the character as may still be the end.
    var end = held.count
    for _ in 0..<strip.stop where held[..<end].suffix(strip.character.count).elementsEqual(strip.character) {
      end -= strip.character.count
    }
    // The beginning of one more of it.
    for length in (1..<max(1, strip.stop > 0 ? strip.character.count : 1)).reversed()
    where held[..<end].suffix(length).elementsEqual(strip.character.prefix(length)) {
      end -= length
      break
    }
    defer { held.removeFirst(end) }
    return Array(held[..<end])
  }

  /// What was held back, with the end treated as the end.
  mutating func finish() -> [UInt8] {
    defer { held = [] }
    guard let strip else { return steps.reduce(held) { text, step in whole(text, step) } }
    var rest = held[...]
    for _ in 0..<strip.stop where !rest.isEmpty && rest.suffix(strip.character.count).elementsEqual(strip.character) {
      rest = rest.dropLast(strip.character.count)
    }
    return Array(rest)
  }

  private func whole(_ text: [UInt8], _ step: DecoderStep) -> [UInt8] {
    switch step {
    case .byteFallback: byte(ofFallback: text).map { $0 < 0x80 ? [$0] : [0xEF, 0xBF, 0xBD] } ?? text
    case .endOfWord(let suffix): replacing(suffix, in: text, with: [])
    case .byteLevel, .metaspace, .fuse, .strip, .replace, .wordPiece, .spaced:
      step.apply(to: text, isFirst: true)
    }
  }
}
