// Reading JSON that strangers sent, in one bounded pass: no body can exhaust stack or time. Foundation's decoder would
// answer each wrong guess at a value's type with an error, which a hostile body turns into seconds of work.
import JSON

extension JSONLimits {
  /// A chat request needs five levels; the longest sensible list of token ids is far below so many values.
  static let request = JSONLimits(depth: 64, values: 300_000)
}

extension JSONValue {
  /// The value that the body of a request is. Throws `APIError` (400) for anything that is not JSON within bounds.
  init(body bytes: [UInt8]) throws {
    do {
      self = try JSONValue(reading: bytes, limits: .request)
    } catch let error as JSONError {
      throw APIError.badRequest(Self.complaint(error))
    }
  }

  private static func complaint(_ error: JSONError) -> String {
    switch error.kind {
    case .empty: "the body is empty; it must be a JSON object"
    case .encoding: "the body contains bytes that are not UTF-8; it must be a JSON object in UTF-8"
    case .depth:
      "the body is nested more than \(JSONLimits.request.depth) levels deep, which is the deepest that is read"
    case .count: "the body has more than \(JSONLimits.request.values) values, which is the most that is read"
    case .syntax: "the body is not valid JSON: \(error); it must be a JSON object in UTF-8"
    }
  }

  /// A table with names in alphabetical order.
  init(_ table: [String: Double]) {
    self = .object(table.sorted { $0.key < $1.key }.map { Member($0.key, .number($0.value)) })
  }

  /// What it is, for sentences about mistakes. Long texts are cut.
  var summary: String {
    switch self {
    case .null: "null"
    case .bool(let value): value ? "true" : "false"
    case .integer(let value): String(value)
    case .number(let value): "\(value)"
    case .string(let text): "the text \"\(text.count > 40 ? String(text.prefix(40)) + "…" : text)\""
    case .array(let items): items.isEmpty ? "an empty list" : "a list of \(items.count)"
    case .object: "an object"
    }
  }
}
