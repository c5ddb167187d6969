// Strings of JSON: UTF-8 as it stands, escapes, surrogate pairs. Nothing is repaired; half a character is an error.

extension JSONScanner {
  /// The text of the string that is next.
  public mutating func string() throws -> String {
    guard take("\"") else { throw expected("a string") }
    let start = position
    guard try run() == UInt8(ascii: "\\") else { return try text(bytes[start..<position - 1], from: start) }
    return try escapedString(from: start)
  }

  /// Steps behind the next quotation mark or backslash, and says which it was.
  private mutating func run() throws -> UInt8 {
    while position < bytes.count {
      let byte = bytes[position]
      if byte < 0x20 { throw failure("found a control character inside a string, which must be escaped") }
      position += 1
      if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { return byte }
    }
    throw failure("found a string that does not end")
  }

  /// `start` is where the string began, for the error.
  private func text(_ content: Slice<UnsafeBufferPointer<UInt8>>, from start: Int) throws -> String {
    // Rebased, because a slice would be decoded byte by byte.
    try text(UnsafeBufferPointer(rebasing: content), from: start)
  }

  private func text(_ content: UnsafeBufferPointer<UInt8>, from start: Int) throws -> String {
    guard let text = String(validating: content, as: UTF8.self) else {
      throw JSONError(kind: .encoding, problem: "found a string that is not UTF-8", byte: start)
    }
    return text
  }

  /// A string with escapes, whose content begins at `start`; the first backslash has been read.
  private mutating func escapedString(from start: Int) throws -> String {
    var content = Array(bytes[start..<position - 1])
    var isInside = true
    while isInside {
      content.append(contentsOf: UTF8.encode(try escape()) ?? UTF8.encodedReplacementCharacter)
      let first = position
      isInside = try run() == UInt8(ascii: "\\")
      content.append(contentsOf: bytes[first..<position - 1])
    }
    return try content.withUnsafeBufferPointer { try text($0, from: start) }
  }

  /// The character of an escape; the backslash has been read.
  private mutating func escape() throws -> Unicode.Scalar {
    guard position < bytes.count else { throw failure("found a string that does not end") }
    let kind = bytes[position]
    position += 1
    switch kind {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(kind)
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{C}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"): return try unicodeEscape()
    default: throw failure("found an escape that JSON does not have")
    }
  }

  /// The character of `\uXXXX`, or of two that form a surrogate pair; the first `u` has been read.
  private mutating func unicodeEscape() throws -> Unicode.Scalar {
    let first = try hexadecimal()
    if let scalar = Unicode.Scalar(first) { return scalar }
    let half = "found half a character, a surrogate without its other half"
    guard first < 0xDC00, position + 1 < bytes.count, bytes[position] == UInt8(ascii: "\\"),
      bytes[position + 1] == UInt8(ascii: "u")
    else { throw failure(half) }
    position += 2
    let second = try hexadecimal()
    guard (0xDC00...0xDFFF).contains(second),
      let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
    else { throw failure(half) }
    return scalar
  }

  private mutating func hexadecimal() throws -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<4 {
      guard position < bytes.count, let digit = Character(Unicode.Scalar(bytes[position])).hexDigitValue else {
        throw failure("expected four hexadecimal digits after \\u")
      }
      value = value << 4 | UInt32(digit)
      position += 1
    }
    return value
  }
}
