// What goes into a template: JSON as a value. Objects keep their order, because templates write it.

/// A JSON value with ordered objects.
public enum TemplateValue: Sendable, Hashable {
  case null
  case bool(Bool)
  case integer(Int)
  case number(Double)
  case string(String)
  case array([TemplateValue])
  case object([Member])

  /// One name of an object with its value. Of equal names the last counts, at the place of the first.
  public struct Member: Sendable, Hashable {
    public var name: String
    public var value: TemplateValue
    public init(_ name: String, _ value: TemplateValue) { (self.name, self.value) = (name, value) }
  }

  /// The member of an object; nil when there is none, or when this is no object.
  public subscript(name: String) -> TemplateValue? {
    guard case .object(let members) = self else { return nil }
    return members.last { $0.name == name }?.value
  }

  /// Values inside, with this one.
  var weight: Int {
    switch self {
    case .null, .bool, .integer, .number, .string: 1
    case .array(let items): items.reduce(1) { $0 + $1.weight }
    case .object(let members): members.reduce(1) { $0 + $1.value.weight }
    }
  }
}

extension TemplateValue: ExpressibleByDictionaryLiteral, ExpressibleByArrayLiteral, ExpressibleByStringLiteral,
  ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral, ExpressibleByNilLiteral, ExpressibleByFloatLiteral
{
  public init(dictionaryLiteral elements: (String, TemplateValue)...) {
    self = .object(elements.map { Member($0.0, $0.1) })
  }
  public init(arrayLiteral elements: TemplateValue...) { self = .array(elements) }
  public init(stringLiteral value: String) { self = .string(value) }
  public init(integerLiteral value: Int) { self = .integer(value) }
  public init(floatLiteral value: Double) { self = .number(value) }
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  public init(nilLiteral: ()) { self = .null }
}
