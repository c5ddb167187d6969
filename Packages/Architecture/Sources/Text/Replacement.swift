// The step Replace, which normalizers and decoders of tokenizer files have alike, and what replaces in bytes.

/// What is looked for in a text, and what is written in its place.
enum Replacement: Sendable {
  case literal([UInt8], with: [UInt8])
  case pattern(PatternMatcher, with: [UInt8])

  /// How many times as long a text becomes at most, in whole numbers.
  var growth: Int {
    switch self {
    case .literal(let literal, let content): max(1, (content.count + literal.count - 1) / max(1, literal.count))
    // A pattern may match a single byte, and nothing in front of it.
    case .pattern(_, let content): max(1, 2 * content.count)
    }
  }
}

/// `bytes` with every occurrence of `literal` replaced.
func replacing(_ literal: [UInt8], in bytes: [UInt8], with replacement: [UInt8]) -> [UInt8] {
  if literal.count == 1, let first = literal.first {
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count + bytes.count / 2)
    for byte in bytes { if byte == first { result += replacement } else { result.append(byte) } }
    return result
  }
  return replaced(bytes, with: replacement) { text, body in forEachOccurrence(of: literal, in: text, body) }
}

/// `bytes` with what `find` reports replaced.
func replaced(
  _ bytes: [UInt8], with replacement: [UInt8],
  at find: (UnsafeBufferPointer<UInt8>, (Range<Int>) -> Void) -> Void
) -> [UInt8] {
  var result: [UInt8] = []
  result.reserveCapacity(bytes.count)
  var end = 0
  bytes.withUnsafeBufferPointer { text in
    find(text) { range in
      result.append(contentsOf: text[end..<range.lowerBound])
      result += replacement
      end = range.upperBound
    }
    result.append(contentsOf: text[end...])
  }
  return result
}
