// Python's dictionary: in the order of insertion, with keys that are equal as Python has them equal.

/// A key. Numbers that are equal are the same key: 1, 1.0 and True.
enum Key: Hashable {
  case none
  case integer(Int)
  case float(Double)
  case text(TemplateText)
  case tuple([Key])

  /// Throws when the value cannot be a key, because it could change.
  init(_ value: Value, _ budget: Budget) throws {
    try budget.spend(1)
    switch value {
    case .none: self = .none
    case .bool(let flag): self = .integer(flag ? 1 : 0)
    case .integer(let number): self = .integer(number)
    case .float(let number): self = Int(exactly: number).map { .integer($0) } ?? .float(number)
    case .text(let text):
      try budget.spend(text.count / 8)
      self = .text(text)
    case .tuple(let items): self = .tuple(try items.values.map { try Key($0, budget) })
    case .undefined, .list, .dictionary, .view, .range, .iterator, .namespace, .loop, .macro, .function, .method:
      throw TemplateError("a value of type \(value.typeName) cannot be a key; a text, a number or a tuple can")
    }
  }
}

/// Keys and values in order.
struct Mapping {
  private(set) var entries: [(key: Key, name: Value, value: Value)] = []
  private var places: [Key: Int] = [:]
  private(set) var depth = 1
  /// Below this, looking at every entry is faster than hashing.
  private static let small = 8

  init() {}

  var count: Int { entries.count }
  var names: [Value] { entries.map(\.name) }
  var values: [Value] { entries.map(\.value) }

  private func place(_ key: Key) -> Int? {
    entries.count <= Self.small ? entries.firstIndex { $0.key == key } : places[key]
  }
  subscript(key: Key) -> Value? { place(key).map { entries[$0].value } }
  subscript(name: String) -> Value? { self[.text(TemplateText(name))] }

  /// Sets a value; a new key goes to the end. Throws when that nests too deep.
  mutating func set(_ name: Value, _ value: Value, _ budget: Budget) throws {
    try set(try Key(name, budget), name, value)
  }
  mutating func set(_ name: String, _ value: Value) throws {
    let text = TemplateText(name)
    try set(.text(text), .text(text), value)
  }
  private mutating func set(_ key: Key, _ name: Value, _ value: Value) throws {
    depth = Swift.max(depth, try Items.depth(over: [value]))
    if let place = place(key) {
      entries[place].value = value
      return
    }
    entries.append((key, name, value))
    if entries.count > Self.small {
      if places.isEmpty {
        for (index, entry) in entries.enumerated() { places[entry.key] = index }
      } else {
        places[key] = entries.count - 1
      }
    }
  }

  /// The entries as pairs.
  func pairs() throws -> [Value] { try entries.map { try .tupleOf([$0.name, $0.value]) } }
  func values(of view: Value.View) throws -> [Value] {
    switch view {
    case .keys: names
    case .values: values
    case .items: try pairs()
    }
  }
}

extension Value {
  /// A value from outside: its texts are marked, unless it is `trusted`. JSON's depth has been bounded by its reader.
  init(_ value: TemplateValue, trusted: Bool) throws {
    switch value {
    case .null: self = .none
    case .bool(let flag): self = .bool(flag)
    case .integer(let number): self = .integer(number)
    case .number(let number): self = .float(number)
    case .string(let text): self = .text(TemplateText(text, isForeign: !trusted))
    case .array(let items): self = try .listOf(items.map { try Value($0, trusted: trusted) })
    case .object(let members):
      var mapping = Mapping()
      for member in members {
        let name = TemplateText(member.name, isForeign: !trusted)
        let isOwn = trusted || (member.name == "role" && member.value.isWord)
        try mapping.set(foreign: name, try Value(member.value, trusted: isOwn))
      }
      self = .dictionary(mapping)
    }
  }
}

extension TemplateValue {
  /// A text of letters and underscores alone. Templates make markers such as `<|user|>` from roles like that.
  fileprivate var isWord: Bool {
    guard case .string(let text) = self else { return false }
    return text.utf8.allSatisfy { (97...122).contains($0 | 32) || $0 == 95 }
  }
}

extension Mapping {
  fileprivate mutating func set(foreign name: TemplateText, _ value: Value) throws {
    try set(.text(name), .text(name), value)
  }
}
