// A strict scanner for the JSON of checkpoint headers, over bytes in memory.
// It builds no tree, which is quicker for ninety thousand tensors, and sees what a tree hides: duplicates.

/// Reads JSON from front to back. Every failure is a `JSONScanner.Failure` that says where.
struct JSONScanner {
  /// What is wrong at a byte of the text.
  struct Failure: Error { let problem: String }

  private let bytes: UnsafeRawBufferPointer
  private(set) var position = 0

  /// `bytes` must outlive the scanner.
  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  func failure(_ problem: String) -> Failure { Failure(problem: "\(problem) at byte \(position) of the JSON") }

  /// The next byte that is not white space; nil at the end.
  mutating func peek() -> UInt8? {
    while position < bytes.count {
      let byte = bytes[position]
      guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return byte }
      position += 1
    }
    return nil
  }

  /// Steps over `character` if it is next.
  mutating func take(_ character: Unicode.Scalar) -> Bool {
    guard peek() == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  mutating func expect(_ character: Unicode.Scalar) throws {
    guard take(character) else { throw failure("expected '\(character)', found \(found())") }
  }

  mutating func expectEnd() throws {
    guard peek() == nil else { throw failure("expected the end, found \(found())") }
  }

  /// What stands here, for a sentence.
  private mutating func found() -> String {
    guard let byte = peek() else { return "the end" }
    return byte > 0x20 && byte < 0x7F ? "'\(Unicode.Scalar(byte))'" : "byte \(byte)"
  }

  /// Calls `body` with every key, standing at its value, which `body` must read.
  mutating func object(_ body: (inout JSONScanner, String) throws -> Void) throws {
    try expect("{")
    if take("}") { return }
    repeat {
      let key = try string()
      try expect(":")
      try body(&self, key)
    } while take(",")
    try expect("}")
  }

  /// Calls `body` once per element, standing at it.
  mutating func array(_ body: (inout JSONScanner) throws -> Void) throws {
    try expect("[")
    if take("]") { return }
    repeat { try body(&self) } while take(",")
    try expect("]")
  }

  /// A whole number, zero or more, that fits an `Int`.
  mutating func count() throws -> Int {
    guard let first = peek() else { throw failure("expected a whole number, found the end") }
    let start = position
    var value = 0
    while position < bytes.count, case let digit = bytes[position], digit >= 0x30, digit <= 0x39 {
      let (tens, overflows) = value.multipliedReportingOverflow(by: 10)
      let (sum, carries) = tens.addingReportingOverflow(Int(digit - 0x30))
      if overflows || carries { throw failure("expected a number that fits 64 bits, found a larger one") }
      value = sum
      position += 1
    }
    guard position > start else {
      let what = first == UInt8(ascii: "-") ? "a negative number" : found()
      throw failure("expected a whole number of zero or more, found \(what)")
    }
    guard bytes[start] != 0x30 || position == start + 1 else { throw failure("found a number with a leading zero") }
    if position < bytes.count, [UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E")].contains(bytes[position]) {
      throw failure("expected a whole number, found a fraction or an exponent")
    }
    return value
  }
}

extension JSONScanner {
  mutating func string() throws -> String {
    guard take("\"") else { throw failure("expected a string, found \(found())") }
    let start = position
    while position < bytes.count {
      let byte = bytes[position]
      if byte == UInt8(ascii: "\"") {
        let text = try text(start..<position)
        position += 1
        return text
      }
      if byte == UInt8(ascii: "\\") { return try escapedString(from: start) }
      if byte < 0x20 { throw failure("found a control character inside a string") }
      position += 1
    }
    throw failure("a string does not end")
  }

  private func text(_ range: Range<Int>) throws -> String {
    // Rebased, because a slice would be decoded byte by byte.
    let part = UnsafeRawBufferPointer(rebasing: bytes[range])
    guard let text = String(validating: part, as: UTF8.self) else {
      throw failure("found a string that is not UTF-8")
    }
    return text
  }

  /// The rest of a string with escapes in it; `start` is the byte after its opening quote.
  private mutating func escapedString(from start: Int) throws -> String {
    var result = try text(start..<position)
    while position < bytes.count {
      let run = position
      while position < bytes.count, bytes[position] != UInt8(ascii: "\""), bytes[position] != UInt8(ascii: "\\") {
        if bytes[position] < 0x20 { throw failure("found a control character inside a string") }
        position += 1
      }
      result += try text(run..<position)
      guard position < bytes.count else { break }
      position += 1
      if bytes[position - 1] == UInt8(ascii: "\"") { return result }
      result.unicodeScalars.append(try escape())
    }
    throw failure("a string does not end")
  }

  /// The character of an escape; the backslash has been read.
  private mutating func escape() throws -> Unicode.Scalar {
    guard position < bytes.count else { throw failure("a string does not end") }
    position += 1
    switch bytes[position - 1] {
    case UInt8(ascii: "\""): return "\""
    case UInt8(ascii: "\\"): return "\\"
    case UInt8(ascii: "/"): return "/"
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{C}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"): return try unicodeEscape()
    default: throw failure("found an escape that JSON does not have")
    }
  }

  /// The character of `\uXXXX`, or of a pair of them that form a surrogate pair; the `u` has been read.
  private mutating func unicodeEscape() throws -> Unicode.Scalar {
    let first = try hexadecimal()
    if let scalar = Unicode.Scalar(first) { return scalar }
    guard first < 0xDC00, position + 1 < bytes.count, bytes[position] == UInt8(ascii: "\\"),
      bytes[position + 1] == UInt8(ascii: "u")
    else { throw failure("found half of a surrogate pair") }
    position += 2
    let second = try hexadecimal()
    guard (0xDC00...0xDFFF).contains(second),
      let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
    else { throw failure("found half of a surrogate pair") }
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

  /// Steps over any value. Nesting is limited, so that a hostile text cannot exhaust the stack.
  mutating func skip(depth: Int = 0) throws {
    guard depth < 64 else { throw failure("found more than 64 nested values") }
    switch peek() {
    case UInt8(ascii: "{"): try object { scanner, _ in try scanner.skip(depth: depth + 1) }
    case UInt8(ascii: "["): try array { try $0.skip(depth: depth + 1) }
    case UInt8(ascii: "\""): _ = try string()
    case UInt8(ascii: "t"): try literal("true")
    case UInt8(ascii: "f"): try literal("false")
    case UInt8(ascii: "n"): try literal("null")
    default: try skipNumber()
    }
  }

  private mutating func literal(_ word: StaticString) throws {
    for index in 0..<word.utf8CodeUnitCount {
      guard position < bytes.count, bytes[position] == word.utf8Start[index] else {
        throw failure("expected \(word)")
      }
      position += 1
    }
  }

  private mutating func skipNumber() throws {
    if isNext("-") { position += 1 }
    let (start, isZero) = (position, isNext("0"))
    try skipDigits()
    if isZero && position > start + 1 { throw failure("found a number with a leading zero") }
    if isNext(".") {
      position += 1
      try skipDigits()
    }
    if isNext("e") || isNext("E") {
      position += 1
      if isNext("+") || isNext("-") { position += 1 }
      try skipDigits()
    }
  }

  private mutating func skipDigits() throws {
    let start = position
    while position < bytes.count, (0x30...0x39).contains(bytes[position]) { position += 1 }
    guard position > start else { throw failure("expected a value, found \(found())") }
  }

  private func isNext(_ character: Unicode.Scalar) -> Bool {
    position < bytes.count && bytes[position] == UInt8(ascii: character)
  }
}
