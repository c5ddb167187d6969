// The one grammar of JSON (RFC 8259), strictly, over bytes in memory. Whoever reads a header of ninety thousand tensors
// walks it member by member and builds no tree; `JSONValue` is built by the same walk.

/// Reads JSON from front to back. Every failure is a `JSONError` that says where; the scanner is of no use after one.
///
/// Names come in the order of the text, as often as they are there. A byte-order mark at the front is stepped over.
public struct JSONScanner {
  let bytes: UnsafeBufferPointer<UInt8>
  /// How many bytes have been read.
  public internal(set) var position = 0
  private let limits: JSONLimits
  private var depth = 0
  private var values = 0

  /// `bytes` must outlive the scanner.
  public init(_ bytes: UnsafeRawBufferPointer, limits: JSONLimits = JSONLimits()) {
    (self.bytes, self.limits) = (bytes.bindMemory(to: UInt8.self), limits)
    if self.bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
  }

  /// An error about the place that is to be read next.
  public func failure(_ problem: String) -> JSONError { failure(problem, .syntax) }

  func failure(_ problem: String, _ kind: JSONError.Kind) -> JSONError {
    JSONError(kind: kind, problem: problem, byte: position)
  }

  /// Calls `body` with every name, standing at its value, which `body` must read.
  public mutating func object(_ body: (inout JSONScanner, String) throws -> Void) throws {
    try enter("{")
    if !take("}") {
      repeat {
        let name = try string()
        try expect(":")
        try body(&self, name)
      } while take(",")
      guard take("}") else { throw expected("',' or '}'") }
    }
    depth -= 1
  }

  /// Calls `body` once per element, standing at it.
  public mutating func array(_ body: (inout JSONScanner) throws -> Void) throws {
    try enter("[")
    if !take("]") {
      repeat { try body(&self) } while take(",")
      guard take("]") else { throw expected("',' or ']'") }
    }
    depth -= 1
  }

  /// Steps over any value, which must be JSON like the rest.
  public mutating func skip() throws {
    try countValue()
    switch peek() {
    case UInt8(ascii: "{"): try object { scanner, _ in try scanner.skip() }
    case UInt8(ascii: "["): try array { try $0.skip() }
    case UInt8(ascii: "\""): _ = try string()
    case UInt8(ascii: "t"): try word("true")
    case UInt8(ascii: "f"): try word("false")
    case UInt8(ascii: "n"): try word("null")
    default: _ = try writtenNumber()
    }
  }

  /// Throws when anything but white space is left.
  public mutating func expectEnd() throws {
    guard peek() == nil else { throw expected("the end") }
  }
}

// MARK: - What the readers of values stand on

extension JSONScanner {
  /// The next byte that is not white space; nil at the end.
  mutating func peek() -> UInt8? {
    while position < bytes.count {
      let byte = bytes[position]
      guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return byte }
      position += 1
    }
    return nil
  }

  /// Steps over `mark` if it is next.
  mutating func take(_ mark: Unicode.Scalar) -> Bool {
    guard peek() == UInt8(ascii: mark) else { return false }
    position += 1
    return true
  }

  mutating func expect(_ mark: Unicode.Scalar) throws {
    guard take(mark) else { throw expected("'\(mark)'") }
  }

  mutating func word(_ word: StaticString) throws {
    let count = word.utf8CodeUnitCount
    guard count <= bytes.count - position, (0..<count).allSatisfy({ bytes[position + $0] == word.utf8Start[$0] })
    else { throw failure("expected the word \(word)") }
    position += count
  }

  mutating func countValue() throws {
    values += 1
    guard values <= limits.values else { throw failure("found more than \(limits.values) values", .count) }
  }

  /// "expected this, found that" about what is next.
  mutating func expected(_ what: String) -> JSONError {
    guard let byte = peek() else { return failure("expected \(what), found the end") }
    let found = byte > 0x20 && byte < 0x7F ? "'\(Unicode.Scalar(byte))'" : "byte \(byte)"
    return failure("expected \(what), found \(found)")
  }

  private mutating func enter(_ mark: Unicode.Scalar) throws {
    try expect(mark)
    depth += 1
    guard depth <= limits.depth else {
      throw failure("found lists and objects nested deeper than \(limits.depth) levels", .depth)
    }
  }
}
