// The places of a JSON document, which errors name by the keys that lead to them.
import JSON

extension JSONValue {
  /// What an error calls a value of this kind.
  var kind: String {
    switch self {
    case .null: "null"
    case .bool: "true or false"
    case .integer, .number: "a number"
    case .string: "a string"
    case .array: "a list"
    case .object: "an object"
    }
  }
}

/// A value with the way that leads to it, so that what is wrong with it can be said in one sentence.
struct JSONPlace {
  /// The value; nil where the document has nothing here. A null counts as nothing.
  let value: JSONValue?
  /// For example `pre_tokenizer.pretokenizers[2].pattern`.
  let path: String

  init(_ value: JSONValue?, at path: String) {
    if case .null? = value { self.value = nil } else { self.value = value }
    self.path = path
  }

  /// The member of an object; a repeated key counts for the last time it is written.
  subscript(key: String) -> JSONPlace {
    let name = path.isEmpty ? key : "\(path).\(key)"
    return JSONPlace(value?[key], at: name)
  }

  var isMissing: Bool { value == nil }

  /// The error that this place deserves.
  func error(_ problem: String) -> TokenizerError { TokenizerError("'\(path)' \(problem)") }

  private func wrongType(_ expected: String) -> TokenizerError {
    guard let value else { return error("is missing or null; expected \(expected)") }
    return error("is \(value.kind); expected \(expected)")
  }

  func string() throws -> String {
    guard case .string(let text)? = value else { throw wrongType("a string") }
    return text
  }
  func bytes() throws -> [UInt8] { Array(try string().utf8) }
  func optionalString() throws -> String? { isMissing ? nil : try string() }

  /// The one Unicode scalar that a string holds.
  func scalar() throws -> Unicode.Scalar {
    let scalars = Array(try string().unicodeScalars)
    guard scalars.count == 1 else { throw error("has \(scalars.count) characters; expected exactly one") }
    return scalars[0]
  }

  func bool() throws -> Bool {
    guard case .bool(let value)? = value else { throw wrongType("true or false") }
    return value
  }
  func bool(default fallback: Bool) throws -> Bool { isMissing ? fallback : try bool() }

  /// A whole number from 0 to `limit`.
  func count(upTo limit: Int) throws -> Int {
    guard case .integer(let value)? = value else { throw wrongType("a whole number") }
    guard value >= 0, value <= limit else { throw error("is \(value); expected a number from 0 to \(limit)") }
    return value
  }

  /// A finite number.
  func double() throws -> Double {
    switch value {
    case .integer(let value)?: return Double(value)
    case .number(let value)? where value.isFinite: return value
    default: throw wrongType("a finite number")
    }
  }

  func list() throws -> [JSONPlace] {
    guard case .array(let values)? = value else { throw wrongType("a list") }
    return values.enumerated().map { JSONPlace($1, at: "\(path)[\($0)]") }
  }
  /// The values of a list, for lists too long to name every place in advance.
  func values() throws -> [JSONValue] {
    guard case .array(let values)? = value else { throw wrongType("a list") }
    return values
  }
  func members() throws -> [JSONValue.Member] {
    guard case .object(let members)? = value else { throw wrongType("an object") }
    return members
  }
}
