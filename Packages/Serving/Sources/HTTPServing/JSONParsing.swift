// Reading JSON that strangers sent, in one bounded pass: no body can exhaust stack or time. Foundation's decoder would
// answer each wrong guess at a value's type with an error, which a hostile body turns into seconds of work.

extension JSONValue {
  /// Deeper nesting than this is refused; a chat request needs five levels.
  static let maxDepth = 64
  /// More values than this are refused; the longest sensible list of token ids is far below.
  static let maxValues = 300_000

  /// Throws `APIError` (400) for anything that is not one JSON value (RFC 8259) in UTF-8.
  init(parsing bytes: [UInt8]) throws {
    let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
    let body = bytes.starts(with: mark) ? Array(bytes.dropFirst(mark.count)) : bytes
    guard String(validating: body, as: UTF8.self) != nil else {
      throw APIError.badRequest("the body contains bytes that are not UTF-8; it must be a JSON object in UTF-8")
    }
    var reader = JSONReader(bytes: body)
    self = try reader.document()
  }
}

/// Reads one document from valid UTF-8.
private struct JSONReader {
  let bytes: [UInt8]
  private var position = 0
  private var depth = 0
  private var count = 0

  init(bytes: [UInt8]) { self.bytes = bytes }

  mutating func document() throws -> JSONValue {
    skipSpace()
    guard position < bytes.count else { throw APIError.badRequest("the body is empty; it must be a JSON object") }
    let value = try value()
    skipSpace()
    guard position == bytes.count else { throw expected("the end") }
    return value
  }

  private mutating func value() throws -> JSONValue {
    count += 1
    guard count <= JSONValue.maxValues else {
      throw APIError.badRequest("the body has more than \(JSONValue.maxValues) values, which is the most that is read")
    }
    guard let first = current else { throw expected("a value") }
    switch first {
    case UInt8(ascii: "{"): return .object(try nested { try $0.members() })
    case UInt8(ascii: "["): return .array(try nested { try $0.items() })
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try word("true", .bool(true))
    case UInt8(ascii: "f"): return try word("false", .bool(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
    default: throw expected("a value")
    }
  }

  private mutating func nested<Value>(_ read: (inout JSONReader) throws -> Value) throws -> Value {
    depth += 1
    guard depth <= JSONValue.maxDepth else {
      throw APIError.badRequest(
        "the body is nested more than \(JSONValue.maxDepth) levels deep, which is the deepest that is read")
    }
    position += 1
    skipSpace()
    let value = try read(&self)
    depth -= 1
    return value
  }

  private mutating func items() throws -> [JSONValue] {
    var items: [JSONValue] = []
    if take("]") { return items }
    while true {
      items.append(try value())
      skipSpace()
      if take("]") { return items }
      guard take(",") else { throw expected("a comma or the end of the list") }
      skipSpace()
    }
  }

  private mutating func members() throws -> [JSONValue.Member] {
    var members: [JSONValue.Member] = []
    if take("}") { return members }
    while true {
      guard current == UInt8(ascii: "\"") else { throw expected("a name in quotes") }
      let name = try string()
      skipSpace()
      guard take(":") else { throw expected("a colon") }
      skipSpace()
      members.append(.init(name: name, value: try value()))
      skipSpace()
      if take("}") { return members }
      guard take(",") else { throw expected("a comma or the end of the object") }
      skipSpace()
    }
  }

  private mutating func word(_ word: String, _ value: JSONValue) throws -> JSONValue {
    guard bytes[position...].starts(with: word.utf8) else { throw expected("a value") }
    position += word.utf8.count
    return value
  }

  private mutating func number() throws -> JSONValue {
    let start = position
    var isWhole = true
    _ = take("-")
    if !take("0") { try digits() }
    if take(".") {
      isWhole = false
      try digits()
    }
    if take("e") || take("E") {
      isWhole = false
      if !take("+") { _ = take("-") }
      try digits()
    }
    let text = String(decoding: bytes[start..<position], as: UTF8.self)
    if isWhole, let whole = Int(text) { return .integer(whole) }
    guard let number = Double(text), number.isFinite else { throw expected("a number below 1.8e308") }
    return .number(number)
  }

  private mutating func digits() throws {
    let start = position
    while let byte = current, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { position += 1 }
    if position == start { throw expected("a digit") }
  }

  private mutating func string() throws -> String {
    position += 1
    var text = ""
    while true {
      let start = position
      while let byte = current, byte >= 0x20, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") { position += 1 }
      text += String(decoding: bytes[start..<position], as: UTF8.self)
      if take("\"") { return text }
      guard take("\\") else { throw expected("the end of the text (line breaks in it are written \\n)") }
      text.unicodeScalars.append(try escaped())
    }
  }

  /// What follows a backslash.
  private mutating func escaped() throws -> Unicode.Scalar {
    guard let byte = current else { throw expected("an escape") }
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{C}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"):
      let unit = try hexadecimal()
      if let scalar = Unicode.Scalar(unit) { return scalar }
      guard unit < 0xDC00, take("\\"), take("u") else { throw expected("the second half of a surrogate pair") }
      let second = try hexadecimal()
      guard (0xDC00...0xDFFF).contains(second),
        let scalar = Unicode.Scalar(0x10000 + (unit - 0xD800) << 10 + (second - 0xDC00))
      else { throw expected("the second half of a surrogate pair") }
      return scalar
    default: throw expected("an escape")
    }
  }

  private mutating func hexadecimal() throws -> UInt32 {
    var unit: UInt32 = 0
    for _ in 0..<4 {
      guard let byte = current, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
        throw expected("four hexadecimal digits")
      }
      unit = unit << 4 | UInt32(digit)
      position += 1
    }
    return unit
  }

  private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

  private mutating func take(_ mark: Unicode.Scalar) -> Bool {
    guard let byte = current, UInt32(byte) == mark.value else { return false }
    position += 1
    return true
  }

  private mutating func skipSpace() {
    while let byte = current, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
  }

  private func expected(_ what: String) -> APIError {
    .badRequest("the body is not valid JSON: \(what) is missing at byte \(position); it must be a JSON object in UTF-8")
  }
}
