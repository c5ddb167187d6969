// Reads JSON (RFC 8259) from bytes, with a bound on nesting and a sentence for what is wrong.
// A vocabulary of 128 000 tokens and as many merges takes some tens of milliseconds.

/// A parser over one document. What it returns is UTF-8 throughout.
struct JSONReader {
  /// Deeper nesting is an attack or an accident, not a tokenizer.
  private static let deepest = 64

  private let bytes: UnsafeBufferPointer<UInt8>
  private var position = 0

  /// Reads a whole document. Throws `TokenizerError`.
  static func read(_ bytes: [UInt8]) throws -> JSONValue {
    try bytes.withUnsafeBufferPointer { buffer in
      var reader = JSONReader(bytes: buffer)
      if buffer.starts(with: [0xEF, 0xBB, 0xBF]) { reader.position = 3 }
      let value = try reader.value(depth: 0)
      reader.skipSpace()
      guard reader.position == buffer.count else { throw reader.error("there is more after the end of the document") }
      return value
    }
  }

  private init(bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

  private func error(_ problem: String) -> TokenizerError {
    TokenizerError("the file is not JSON at byte \(position): \(problem); expected a JSON object")
  }

  private mutating func skipSpace() {
    while position < bytes.count {
      switch bytes[position] {
      case 0x20, 0x09, 0x0A, 0x0D: position += 1
      default: return
      }
    }
  }

  private mutating func value(depth: Int) throws -> JSONValue {
    skipSpace()
    guard position < bytes.count else { throw error("it ends too early") }
    guard depth < Self.deepest else { throw error("lists and objects are nested deeper than \(Self.deepest)") }
    switch bytes[position] {
    case UInt8(ascii: "{"): return try object(depth: depth)
    case UInt8(ascii: "["): return try list(depth: depth)
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try word("true", .bool(true))
    case UInt8(ascii: "f"): return try word("false", .bool(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    default: return try number()
    }
  }

  private mutating func word(_ text: StaticString, _ value: JSONValue) throws -> JSONValue {
    let count = text.utf8CodeUnitCount
    guard position + count <= bytes.count,
      (0..<count).allSatisfy({ bytes[position + $0] == text.utf8Start[$0] })
    else { throw error("an unknown word begins here") }
    position += count
    return value
  }

  private mutating func object(depth: Int) throws -> JSONValue {
    var members: [JSONValue.Member] = []
    position += 1
    skipSpace()
    if take(UInt8(ascii: "}")) { return .object(members) }
    while true {
      skipSpace()
      guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else { throw error("a key is missing") }
      let key = try string()
      skipSpace()
      guard take(UInt8(ascii: ":")) else { throw error("a colon is missing") }
      members.append(JSONValue.Member(key: key, value: try value(depth: depth + 1)))
      skipSpace()
      if take(UInt8(ascii: "}")) { return .object(members) }
      guard take(UInt8(ascii: ",")) else { throw error("a comma or the end of an object is missing") }
    }
  }

  private mutating func list(depth: Int) throws -> JSONValue {
    var values: [JSONValue] = []
    position += 1
    skipSpace()
    if take(UInt8(ascii: "]")) { return .list(values) }
    while true {
      values.append(try value(depth: depth + 1))
      skipSpace()
      if take(UInt8(ascii: "]")) { return .list(values) }
      guard take(UInt8(ascii: ",")) else { throw error("a comma or the end of a list is missing") }
    }
  }

  private mutating func take(_ byte: UInt8) -> Bool {
    guard position < bytes.count, bytes[position] == byte else { return false }
    position += 1
    return true
  }

  private mutating func number() throws -> JSONValue {
    let start = position
    var isWhole = true
    while position < bytes.count {
      switch bytes[position] {
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"): break
      case UInt8(ascii: "+"), UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"): isWhole = false
      default:
        return try number(String(decoding: bytes[start..<position], as: UTF8.self), isWhole: isWhole, at: start)
      }
      position += 1
    }
    return try number(String(decoding: bytes[start..<position], as: UTF8.self), isWhole: isWhole, at: start)
  }

  private mutating func number(_ text: String, isWhole: Bool, at start: Int) throws -> JSONValue {
    if isWhole, let value = Int(text) { return .integer(value) }
    if !text.isEmpty, let value = Double(text) { return .number(value) }
    position = start
    throw error("no value begins here")
  }
}

extension JSONReader {
  /// The content of the string that begins at the current quotation mark.
  private mutating func string() throws -> [UInt8] {
    position += 1
    let start = position
    var content: [UInt8]?
    var runStart = position
    while position < bytes.count {
      switch bytes[position] {
      case UInt8(ascii: "\""):
        let run = bytes[runStart..<position]
        position += 1
        let whole = content.map { $0 + run } ?? Array(run)
        guard whole.withUnsafeBufferPointer({ String(validating: $0, as: UTF8.self) != nil }) else {
          position = start
          throw error("a string is not UTF-8")
        }
        return whole
      case UInt8(ascii: "\\"):
        var soFar = content ?? []
        soFar += bytes[runStart..<position]
        position += 1
        try escape(into: &soFar)
        content = soFar
        runStart = position
      case 0..<0x20: throw error("a string holds a control character")
      default: position += 1
      }
    }
    throw error("a string has no end")
  }

  private mutating func escape(into content: inout [UInt8]) throws {
    guard position < bytes.count else { throw error("it ends too early") }
    let byte = bytes[position]
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): content.append(byte)
    case UInt8(ascii: "b"): content.append(8)
    case UInt8(ascii: "f"): content.append(12)
    case UInt8(ascii: "n"): content.append(10)
    case UInt8(ascii: "r"): content.append(13)
    case UInt8(ascii: "t"): content.append(9)
    case UInt8(ascii: "u"):
      var code = try hexadecimal()
      if (0xD800..<0xDC00).contains(code), take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) {
        let low = try hexadecimal()
        guard (0xDC00..<0xE000).contains(low) else { throw error("half a character is escaped") }
        code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
      }
      guard let scalar = Unicode.Scalar(code) else { throw error("half a character is escaped") }
      content.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
    default: throw error("an unknown escape is used")
    }
  }

  private mutating func hexadecimal() throws -> UInt32 {
    var code: UInt32 = 0
    for _ in 0..<4 {
      guard position < bytes.count, let digit = Character(Unicode.Scalar(bytes[position])).hexDigitValue else {
        throw error("an escape has too few digits")
      }
      code = code << 4 | UInt32(digit)
      position += 1
    }
    return code
  }
}
