// A JSON value that knows where in the request it stands, so that complaints can say which field they are about.
import JSON

/// One value of a request, with its path, for example `messages[2].content`.
struct JSONField {
  let path: String
  let value: JSONValue

  /// The whole body, which must be an object.
  init(body: JSONValue) throws {
    guard case .object = body else {
      throw APIError.badRequest("the body is \(body.summary); it must be a JSON object")
    }
    (path, value) = ("", body)
  }

  private init(path: String, value: JSONValue) { (self.path, self.value) = (path, value) }

  /// The member of this object; nil when it is absent or null, which mean the same in this API.
  subscript(name: String) -> JSONField? {
    guard let member = value[name], member != .null else { return nil }
    return JSONField(path: path.isEmpty ? name : "\(path).\(name)", value: member)
  }

  /// "`path` is X; it must be Y" as an error about this field.
  func mustBe(_ rule: String, code: String? = nil) -> APIError {
    .badRequest("\(path) is \(value.summary); it must be \(rule)", param: path, code: code)
  }

  func string(_ rule: String = "a text") throws -> String {
    guard case .string(let text) = value else { throw mustBe(rule) }
    return text
  }

  func bool() throws -> Bool {
    guard case .bool(let flag) = value else { throw mustBe("true or false") }
    return flag
  }

  func integer(in range: ClosedRange<Int>) throws -> Int {
    let rule =
      switch (range.lowerBound, range.upperBound) {
      case (Int.min, Int.max): "a whole number"
      case (let least, Int.max): "a whole number of at least \(least)"
      case (let least, let most): "a whole number from \(least) to \(most)"
      }
    guard let number = wholeNumber, range.contains(number) else { throw mustBe(rule) }
    return number
  }

  /// The value where it is a whole number, also where it is written with a fraction of zero.
  private var wholeNumber: Int? {
    switch value {
    case .integer(let whole): whole
    case .number(let number): Int(exactly: number)
    case .null, .bool, .string, .array, .object: nil
    }
  }

  func number(in range: ClosedRange<Double>) throws -> Double {
    let rule = "a number from \(Self.short(range.lowerBound)) to \(Self.short(range.upperBound))"
    let number: Double
    switch value {
    case .integer(let whole): number = Double(whole)
    case .number(let fraction): number = fraction
    case .null, .bool, .string, .array, .object: throw mustBe(rule)
    }
    guard range.contains(number) else { throw mustBe(rule) }
    return number
  }

  func items(_ rule: String) throws -> [JSONField] {
    guard case .array(let items) = value else { throw mustBe(rule) }
    return items.enumerated().map { JSONField(path: "\(path)[\($0.offset)]", value: $0.element) }
  }

  func object(_ rule: String = "an object") throws -> JSONField {
    guard case .object = value else { throw mustBe(rule) }
    return self
  }

  private static func short(_ value: Double) -> String { value == value.rounded() ? String(Int(value)) : "\(value)" }
}
