// JSON as a value: what files and requests are read into and answers are written from.
// Objects keep the order and the repetitions of their text, which a dictionary would lose.

/// A JSON value. Two are equal when they have equal parts in equal order, texts by canonical equivalence.
public enum JSONValue: Sendable, Equatable {
  case null
  case bool(Bool)
  /// A number that is written without fraction and exponent and fits 64 bits, kept exactly.
  case integer(Int)
  case number(Double)
  case string(String)
  case array([JSONValue])
  case object([Member])

  /// A name of an object with its value.
  public struct Member: Sendable, Equatable {
    public var name: String
    public var value: JSONValue
    public init(_ name: String, _ value: JSONValue) { (self.name, self.value) = (name, value) }
  }

  /// The member of an object; nil when there is none, or when this is no object. Names are compared code point by code
  /// point. Of equal ones the last counts, as in Python and JavaScript.
  public subscript(name: String) -> JSONValue? {
    guard case .object(let members) = self else { return nil }
    return members.last { $0.name.utf8.elementsEqual(name.utf8) }?.value
  }
}

extension JSONValue: ExpressibleByDictionaryLiteral, ExpressibleByArrayLiteral, ExpressibleByStringLiteral,
  ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral, ExpressibleByNilLiteral
{
  public init(dictionaryLiteral elements: (String, JSONValue)...) {
    self = .object(elements.map { Member($0.0, $0.1) })
  }
  public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
  public init(stringLiteral value: String) { self = .string(value) }
  public init(integerLiteral value: Int) { self = .integer(value) }
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  public init(nilLiteral: ()) { self = .null }
}
