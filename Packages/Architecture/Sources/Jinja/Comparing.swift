// Equality, order and membership as Python has them, counting the work: values may share parts, so that a small
// template can build a comparison of any size.

struct Comparer {
  let budget: Budget

  func areEqual(_ a: Value, _ b: Value) throws -> Bool {
    try budget.spend(1)
    switch (a, b) {
    case (.text(let a), .text(let b)):
      try budget.spend(Swift.min(a.count, b.count) / 8)
      return a == b
    case (.none, .none), (.undefined, .undefined): return true
    case (.list(let a), .list(let b)), (.tuple(let a), .tuple(let b)): return try areEqual(a.values, b.values)
    case (.dictionary(let a), .dictionary(let b)):
      guard a.count == b.count else { return false }
      for entry in a.entries {
        guard let other = b[entry.key], try areEqual(entry.value, other) else { return false }
      }
      return true
    case (.range, .range): return try areEqual(items(a), items(b))
    case (.view(let kind, let a), .view(let other, let b)) where kind == other && kind != .values:
      return try a.count == b.count && a.values(of: kind).allSatisfy { try contains(b.values(of: kind), $0) }
    case (.namespace(let a), .namespace(let b)): return a === b
    case (.macro(let a), .macro(let b)): return a === b
    case (.loop(let a), .loop(let b)): return a === b
    case (.iterator(let a), .iterator(let b)): return a === b
    case (.function(let a), .function(let b)): return a == b
    default:
      if let a = a.asInteger, let b = b.asInteger { return a == b }
      if let a = a.asDouble, let b = b.asDouble { return a == b }
      return false
    }
  }

  private func areEqual(_ a: [Value], _ b: [Value]) throws -> Bool {
    guard a.count == b.count else { return false }
    for (one, other) in zip(a, b) where try !areEqual(one, other) { return false }
    return true
  }

  func contains(_ values: [Value], _ value: Value) throws -> Bool {
    for candidate in values where try areEqual(candidate, value) { return true }
    return false
  }

  /// `a < b`.
  func isLess(_ a: Value, _ b: Value) throws -> Bool {
    // Sorting calls this, and moves values about.
    try budget.spend(4)
    switch (a, b) {
    case (.undefined(let missing), _), (_, .undefined(let missing)): throw missing.error
    case (.text(let a), .text(let b)):
      try budget.spend(Swift.min(a.count, b.count))
      return TemplateText.isLess(a, b)
    case (.list(let a), .list(let b)), (.tuple(let a), .tuple(let b)):
      for (one, other) in zip(a.values, b.values) where try !areEqual(one, other) { return try isLess(one, other) }
      return a.values.count < b.values.count
    default:
      if let a = a.asInteger, let b = b.asInteger { return a < b }
      if let a = a.asDouble, let b = b.asDouble { return a < b }
      throw TemplateError(
        "values of types \(a.typeName) and \(b.typeName) have no order; compare two numbers or two texts")
    }
  }

  func holds(_ comparison: Expression.Comparison, _ a: Value, _ b: Value) throws -> Bool {
    switch comparison {
    case .equal: return try areEqual(a, b)
    case .notEqual: return try !areEqual(a, b)
    case .less: return try isLess(a, b)
    case .greater: return try isLess(b, a)
    case .lessOrEqual, .greaterOrEqual:
      if let x = a.asDouble, let y = b.asDouble, x.isNaN || y.isNaN { return false }
      return try comparison == .lessOrEqual ? !isLess(b, a) : !isLess(a, b)
    case .isIn: return try isMember(a, of: b)
    case .isNotIn: return try !isMember(a, of: b)
    }
  }

  /// `a in b`.
  private func isMember(_ a: Value, of b: Value) throws -> Bool {
    switch b {
    case .text(let text):
      guard case .text(let part) = a else {
        if case .undefined(let missing) = a { throw missing.error }
        throw TemplateError("a value of type \(a.typeName) cannot be in a text; only a text can")
      }
      try budget.spend(text.count / 8)
      return text.firstIndex(of: part) != nil
    case .dictionary(let mapping), .view(.keys, let mapping): return try mapping[Key(a, budget)] != nil
    case .iterator(let iterator):
      while let value = iterator.next() { if try areEqual(value, a) { return true } }
      return false
    case .undefined, .list, .tuple, .view, .range, .loop: return try contains(items(b), a)
    case .none, .bool, .integer, .float, .namespace, .macro, .function, .method:
      throw TemplateError("a value of type \(b.typeName) has no members; a text, a list or a mapping has")
    }
  }

  /// What a walk over the value gives.
  func items(_ value: Value) throws -> [Value] {
    switch value {
    case .undefined: return []
    case .text(let text):
      try budget.spend(8 * text.count)
      return text.points.map { .text(TemplateText([$0])) }
    case .list(let items), .tuple(let items): return items.values
    case .dictionary(let mapping):
      try budget.spend(mapping.count)
      return mapping.names
    case .view(let view, let mapping):
      try budget.spend(mapping.count)
      return try mapping.values(of: view)
    case .range(let span):
      try budget.spend(span.count)
      return (0..<span.count).map { .integer(span[$0]) }
    case .iterator(let iterator): return iterator.drain()
    case .loop, .none, .bool, .integer, .float, .namespace, .macro, .function, .method:
      throw TemplateError("a value of type \(value.typeName) cannot be walked over; a list, a mapping or a text can")
    }
  }

  /// `len(value)`.
  func length(_ value: Value) throws -> Int {
    switch value {
    case .undefined: return 0
    case .text(let text): return text.count
    case .list(let items), .tuple(let items): return items.values.count
    case .dictionary(let mapping), .view(_, let mapping): return mapping.count
    case .range(let span): return span.count
    case .loop(let loop): return try loop.length()
    case .none, .bool, .integer, .float, .iterator, .namespace, .macro, .function, .method:
      throw TemplateError("a value of type \(value.typeName) has no length; a text, a list or a mapping has")
    }
  }

  /// A stable sort. Merge sort by hand, because comparing may throw.
  func sorted(_ values: [Value], by key: (Value) throws -> Value, reversed: Bool = false) throws -> [Value] {
    var entries = try values.map { (key: try key($0), value: $0) }
    if reversed { entries.reverse() }
    var width = 1
    while width < entries.count {
      var merged: [(key: Value, value: Value)] = []
      merged.reserveCapacity(entries.count)
      var start = 0
      while start < entries.count {
        let middle = Swift.min(start + width, entries.count)
        let end = Swift.min(start + 2 * width, entries.count)
        var (left, right) = (start, middle)
        while left < middle, right < end {
          if try isLess(entries[right].key, entries[left].key) {
            merged.append(entries[right])
            right += 1
          } else {
            merged.append(entries[left])
            left += 1
          }
        }
        merged += entries[left..<middle]
        merged += entries[right..<end]
        start = end
      }
      entries = merged
      width *= 2
    }
    // Reversed before and after, equal entries keep their order.
    let sorted = entries.map(\.value)
    return reversed ? sorted.reversed() : sorted
  }
}
