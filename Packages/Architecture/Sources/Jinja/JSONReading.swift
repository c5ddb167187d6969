// Reading JSON with the order of its objects, which templates write and Foundation's reader forgets.

extension TemplateValue {
  /// Deeper nesting than this is refused.
  static let maxDepth = 64

  /// Reads one JSON value (RFC 8259) in UTF-8. Throws `TemplateError` with the line and the column.
  public init(json bytes: some Sequence<UInt8>) throws {
    guard let text = String(validating: Array(bytes), as: UTF8.self) else {
      throw TemplateError("the text is not UTF-8, which JSON must be", kind: .syntax)
    }
    var reader = JSONReader(text)
    self = try reader.document()
  }
}

private struct JSONReader {
  private let text: [Unicode.Scalar]
  private var index = 0
  private var depth = 0

  init(_ text: String) { self.text = Array(text.unicodeScalars) }

  mutating func document() throws -> TemplateValue {
    if current == "\u{FEFF}" { index += 1 }
    let value = try value()
    skipSpace()
    guard current == nil else { throw expected("the end") }
    return value
  }

  private mutating func value() throws -> TemplateValue {
    skipSpace()
    switch current {
    case "{": return .object(try nested("}") { try $0.member() })
    case "[": return .array(try nested("]") { try $0.value() })
    case "\"": return .string(try string())
    case "t": return try word("true", .bool(true))
    case "f": return try word("false", .bool(false))
    case "n": return try word("null", .null)
    default: return try number()
    }
  }

  private mutating func nested<Item>(_ end: Unicode.Scalar, _ read: (inout JSONReader) throws -> Item) throws -> [Item]
  {
    depth += 1
    guard depth <= TemplateValue.maxDepth else {
      throw expected("less than \(TemplateValue.maxDepth) levels of nesting")
    }
    defer { depth -= 1 }
    index += 1
    skipSpace()
    var items: [Item] = []
    if take(end) { return items }
    while true {
      items.append(try read(&self))
      skipSpace()
      if take(end) { return items }
      guard take(",") else { throw expected("a comma or '\(end)'") }
    }
  }

  private mutating func member() throws -> TemplateValue.Member {
    skipSpace()
    guard current == "\"" else { throw expected("a name in quotes") }
    let name = try string()
    skipSpace()
    guard take(":") else { throw expected("a colon") }
    return TemplateValue.Member(name, try value())
  }

  private mutating func word(_ word: String, _ value: TemplateValue) throws -> TemplateValue {
    guard text[index...].starts(with: word.unicodeScalars) else { throw expected("a value") }
    index += word.unicodeScalars.count
    return value
  }

  private mutating func number() throws -> TemplateValue {
    let start = index
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
    let written = String(String.UnicodeScalarView(text[start..<index]))
    if isWhole, let whole = Int(written) { return .integer(whole) }
    guard let number = Double(written), number.isFinite else { throw expected("a number below 1.8e308") }
    return .number(number)
  }

  private mutating func digits() throws {
    let start = index
    while let digit = current, ("0"..."9").contains(digit) { index += 1 }
    if index == start { throw expected("a value") }
  }

  private mutating func string() throws -> String {
    index += 1
    var result = String.UnicodeScalarView()
    while let next = current {
      index += 1
      switch next {
      case "\"": return String(result)
      case "\\": result.append(try escaped())
      case _ where next.value < 0x20: throw expected("an escape instead of a control character")
      default: result.append(next)
      }
    }
    throw expected("the end of the text")
  }

  private mutating func escaped() throws -> Unicode.Scalar {
    guard let kind = current else { throw expected("an escape") }
    index += 1
    switch kind {
    case "\"", "\\", "/": return kind
    case "b": return "\u{8}"
    case "f": return "\u{C}"
    case "n": return "\n"
    case "r": return "\r"
    case "t": return "\t"
    case "u":
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
      guard let digit = current, digit.isASCII, let value = Character(digit).hexDigitValue else {
        throw expected("four hexadecimal digits")
      }
      unit = unit << 4 | UInt32(value)
      index += 1
    }
    return unit
  }

  private var current: Unicode.Scalar? { index < text.count ? text[index] : nil }

  private mutating func take(_ mark: Unicode.Scalar) -> Bool {
    guard current == mark else { return false }
    index += 1
    return true
  }

  private mutating func skipSpace() {
    while let space = current, space == " " || space == "\n" || space == "\r" || space == "\t" { index += 1 }
  }

  private func expected(_ what: String) -> TemplateError {
    let before = text[..<Swift.min(index, text.count)]
    let line = before.count { $0 == "\n" } + 1
    let column = before.count - (before.lastIndex(of: "\n").map { $0 + 1 } ?? 0) + 1
    return TemplateError(
      "this is not JSON: \(what) is missing", kind: .syntax, at: Position(line: line, column: column))
  }
}
