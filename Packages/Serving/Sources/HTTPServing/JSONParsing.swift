// Reading JSON that strangers sent: bounded before it is parsed, so that no body can exhaust stack or time.
import Foundation

extension JSONValue {
  /// Deeper nesting than this is refused; a chat request needs five levels.
  static let maxDepth = 64
  /// More values than this are refused; the longest sensible list of token ids is far below.
  static let maxValues = 300_000

  /// Throws `APIError` (400) for anything that is not one JSON value.
  init(parsing bytes: [UInt8]) throws {
    try Self.checkBounds(of: bytes)
    do {
      self = try JSONDecoder().decode(JSONValue.self, from: Data(bytes))
    } catch {
      throw APIError.badRequest(
        bytes.isEmpty
          ? "the body is empty; it must be a JSON object"
          : "the body is not valid JSON\(Self.detail(of: error)); it must be a JSON object in UTF-8")
    }
  }

  /// One pass over the bytes, strings skipped: how deep, and how many values at most.
  private static func checkBounds(of bytes: [UInt8]) throws {
    var (depth, values, isInString, isEscaped) = (0, 1, false, false)
    for byte in bytes {
      if isInString {
        if isEscaped { isEscaped = false } else if byte == UInt8(ascii: "\\") { isEscaped = true }
        else if byte == UInt8(ascii: "\"") { isInString = false }
        continue
      }
      switch byte {
      case UInt8(ascii: "\""): isInString = true
      case UInt8(ascii: "["), UInt8(ascii: "{"): (depth, values) = (depth + 1, values + 1)
      case UInt8(ascii: "]"), UInt8(ascii: "}"): depth -= 1
      case UInt8(ascii: ","): values += 1
      // Foundation also reads UTF-16 and UTF-32, whose structure this scan would not see.
      case 0: throw APIError.badRequest("the body contains a zero byte; it must be JSON in UTF-8")
      default: break
      }
      if depth > maxDepth {
        throw APIError.badRequest("the body is nested more than \(maxDepth) levels deep; at most \(maxDepth) are read")
      }
      if values > maxValues {
        throw APIError.badRequest("the body has more than \(maxValues) values; at most \(maxValues) are read")
      }
    }
  }

  private static func detail(of error: any Error) -> String {
    guard case DecodingError.dataCorrupted(let context) = error,
      let reason = (context.underlyingError as NSError?)?.userInfo[NSDebugDescriptionErrorKey] as? String
    else { return "" }
    let sentence = reason.hasSuffix(".") ? String(reason.dropLast()) : reason
    return " (\(sentence.prefix(1).lowercased() + sentence.dropFirst()))"
  }
}

extension JSONValue: Decodable {
  init(from decoder: any Decoder) throws {
    if let value = try? decoder.singleValueContainer() {
      if value.decodeNil() {
        self = .null
        return
      }
      if let text = try? value.decode(String.self) {
        self = .string(text)
        return
      }
      if let integer = try? value.decode(Int.self) {
        self = .integer(integer)
        return
      }
      if let number = try? value.decode(Double.self) {
        self = .number(number)
        return
      }
      if let flag = try? value.decode(Bool.self) {
        self = .bool(flag)
        return
      }
    }
    if var list = try? decoder.unkeyedContainer() {
      var items: [JSONValue] = []
      while !list.isAtEnd { items.append(try list.decode(JSONValue.self)) }
      self = .array(items)
      return
    }
    let object = try decoder.container(keyedBy: Name.self)
    self = .object(
      try object.allKeys.map { Member(name: $0.stringValue, value: try object.decode(JSONValue.self, forKey: $0)) })
  }

  private struct Name: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init?(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }
}
