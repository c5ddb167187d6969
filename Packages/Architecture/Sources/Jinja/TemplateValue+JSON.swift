// From JSON to what goes into a template. A mistake is told by line and column, as mistakes in templates are.
import JSON

extension TemplateValue {
  /// Reads one JSON value (RFC 8259) in UTF-8. Throws `TemplateError` with the line and the column.
  public init(json bytes: some Sequence<UInt8>) throws {
    let bytes = Array(bytes)
    do {
      self.init(try JSONValue(reading: bytes))
    } catch let error as JSONError {
      let before = bytes.prefix(error.byte)
      let begun = before.lastIndex(of: UInt8(ascii: "\n")).map { before[($0 + 1)...] } ?? before
      // Bytes that continue a code point begin with 10.
      let place = Position(
        line: before.count { $0 == UInt8(ascii: "\n") } + 1, column: begun.count { $0 & 0xC0 != 0x80 } + 1)
      throw TemplateError("this is not JSON: \(error.problem)", kind: .syntax, at: place)
    }
  }

  /// The same value.
  public init(_ json: JSONValue) {
    switch json {
    case .null: self = .null
    case .bool(let value): self = .bool(value)
    case .integer(let value): self = .integer(value)
    case .number(let value): self = .number(value)
    case .string(let text): self = .string(text)
    case .array(let items): self = .array(items.map { TemplateValue($0) })
    case .object(let members): self = .object(members.map { Member($0.name, TemplateValue($0.value)) })
    }
  }
}
