// From bytes to a value, in one bounded pass: no text can exhaust stack or time.

extension JSONValue {
  /// Reads a text that is one JSON value in UTF-8, within `limits`. Throws `JSONError`.
  public init(reading bytes: UnsafeRawBufferPointer, limits: JSONLimits = JSONLimits()) throws {
    var scanner = JSONScanner(bytes, limits: limits)
    guard scanner.peek() != nil else { throw scanner.failure("found no JSON, the text is empty", .empty) }
    self = try scanner.value()
    try scanner.expectEnd()
  }

  /// Reads a text that is one JSON value in UTF-8, within `limits`. Throws `JSONError`.
  public init(reading bytes: [UInt8], limits: JSONLimits = JSONLimits()) throws {
    self = try bytes.withUnsafeBytes { try JSONValue(reading: $0, limits: limits) }
  }
}

extension JSONScanner {
  /// The value that is next, whole.
  public mutating func value() throws -> JSONValue {
    try countValue()
    switch peek() {
    case UInt8(ascii: "{"):
      var members: [JSONValue.Member] = []
      try object { scanner, name in members.append(JSONValue.Member(name, try scanner.value())) }
      return .object(members)
    case UInt8(ascii: "["):
      var items: [JSONValue] = []
      try array { items.append(try $0.value()) }
      return .array(items)
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"):
      try word("true")
      return .bool(true)
    case UInt8(ascii: "f"):
      try word("false")
      return .bool(false)
    case UInt8(ascii: "n"):
      try word("null")
      return .null
    default: return try number()
    }
  }
}
