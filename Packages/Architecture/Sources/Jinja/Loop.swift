// The variable `loop`: where a loop is, and what stands around the current item.

/// A loop that runs. Items are filtered as they are reached, so that a filter sees what the body has changed.
final class Loop {
  private let source: [Value]
  private var position = 0
  private let accepts: ((Value) throws -> Bool)?
  /// Accepted, but not reached.
  private var waiting: ArraySlice<Value> = []
  private(set) var index = -1
  private var before: Value?
  private var current: Value?
  private var lastChanged: [Value]?
  let depth: Int
  /// How many loops are around this one; not more than jinja2's own count, which knows recursive loops only.
  private let budget: Budget

  init(over source: [Value], _ budget: Budget, where accepts: ((Value) throws -> Bool)?) throws {
    (self.source, self.accepts, self.budget) = (source, accepts, budget)
    depth = try Items.depth(over: source)
    try budget.spend(source.count / 4)
  }

  /// The next item; nil at the end.
  func advance() throws -> Value? {
    let item: Value
    if waiting.isEmpty {
      guard let pulled = try pull() else { return nil }
      item = pulled
    } else {
      item = waiting.removeFirst()  // a slice's, which moves nothing
    }
    index += 1
    (before, current) = (current, item)
    return item
  }

  private func pull() throws -> Value? {
    while position < source.count {
      let item = source[position]
      position += 1
      if try accepts?(item) ?? true { return item }
    }
    return nil
  }

  private func peek() throws -> Value? {
    if waiting.isEmpty, let item = try pull() { waiting.append(item) }
    return waiting.first
  }

  func length() throws -> Int {
    if accepts == nil { return source.count }
    while let item = try pull() { waiting.append(item) }
    return index + 1 + waiting.count
  }

  /// `loop.name`; nil when there is no such attribute.
  func attribute(_ name: String) throws -> Value? {
    switch name {
    case "index": return .integer(index + 1)
    case "index0": return .integer(index)
    case "first": return .bool(index == 0)
    case "last": return .bool(try peek() == nil)
    case "length": return .integer(try length())
    case "revindex": return .integer(try length() - index)
    case "revindex0": return .integer(try length() - index - 1)
    case "depth": return .integer(1)
    case "depth0": return .integer(0)
    case "previtem": return before ?? .undefined(Undefined("there is no previous item"))
    case "nextitem": return try peek() ?? .undefined(Undefined("there is no next item"))
    case "cycle", "changed": return .method(.loop(self), name)
    default: return nil
    }
  }

  /// `loop.cycle(…)`.
  func cycle(_ values: [Value]) throws -> Value {
    guard !values.isEmpty else { throw TemplateError("loop.cycle has nothing to choose from; give it values") }
    return values[Swift.max(index, 0) % values.count]
  }

  /// `loop.changed(…)`.
  func changed(_ values: [Value]) throws -> Value {
    let comparer = Comparer(budget: budget)
    if let lastChanged, lastChanged.count == values.count {
      var isEqual = true
      for (one, other) in zip(lastChanged, values) where try !comparer.areEqual(one, other) { isEqual = false }
      if isEqual { return .bool(false) }
    }
    lastChanged = values
    return .bool(true)
  }
}
