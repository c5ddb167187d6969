// Attributes, items and slices, in the order that jinja2's sandbox looks for them: `a.b` prefers a method, `a['b']`
// an entry. What would change a value is refused.

extension Rendering {
  /// `owner.name`.
  func attribute(_ name: String, of owner: Value) throws -> Value {
    if case .undefined(let missing) = owner { throw missing.error }
    if let found = try ownAttribute(name, of: owner) { return found }
    if case .dictionary(let mapping) = owner, let value = mapping[name] { return value }
    return missing(name, in: owner)
  }

  private func missing(_ name: String, in owner: Value) -> Value {
    let what = owner.isNone ? "None" : "\(owner.typeName) object"
    return .undefined(Undefined("'\(what)' has no attribute '\(name)'"))
  }

  /// What belongs to the type and not to the entries.
  private func ownAttribute(_ name: String, of owner: Value) throws -> Value? {
    if name.hasPrefix("_") {
      if case .dictionary(let mapping) = owner, mapping[name] != nil, !name.hasPrefix("__") { return nil }
      if name.hasPrefix("__") {
        return .undefined(Undefined("access to attribute '\(name)' of '\(owner.typeName)' object is unsafe."))
      }
      return nil
    }
    switch owner {
    case .loop(let loop): return try loop.attribute(name)
    case .namespace(let namespace): return namespace.attributes[name]
    case .macro(let macro): return name == "name" ? .string(macro.definition.name) : nil
    case .text, .list, .tuple, .dictionary, .view, .integer, .float:
      if let supported = Methods.names(of: owner), supported.contains(name) { return .method(owner, name) }
      if Methods.changes(owner, name) {
        return .undefined(Undefined("access to attribute '\(name)' of '\(owner.typeName)' object is unsafe."))
      }
      if Methods.unsupported(of: owner).contains(name) {
        throw TemplateError("the method '\(name)' of \(owner.typeName) is not supported in a chat template")
      }
      return nil
    case .function(.dict):
      if name == "fromkeys" { throw TemplateError("dict.fromkeys is not supported in a chat template") }
      return nil
    case .undefined, .none, .bool, .range, .iterator, .function, .method: return nil
    }
  }

  /// `owner[index]`.
  func item(_ index: Value, of owner: Value) throws -> Value {
    if case .undefined(let missing) = owner { throw missing.error }
    switch owner {
    case .dictionary(let mapping):
      if let key = try? Key(index, budget), let value = mapping[key] { return value }
    case .list, .tuple, .text, .range:
      if let place = index.asInteger { return try element(place, of: owner) }
    case .undefined, .none, .bool, .integer, .float, .view, .iterator, .namespace, .loop, .macro, .function, .method:
      break
    }
    if case .text(let name) = index {
      if let found = try ownAttribute(name.string, of: owner) { return found }
      return missing(name.string, in: owner)
    }
    let shown = try Printer.representation(index, budget).string.prefix(80)
    return .undefined(Undefined("\(owner.typeName) object has no element \(shown)"))
  }

  private func element(_ index: Int, of owner: Value) throws -> Value {
    let count = try comparer.length(owner)
    let place = index < 0 ? index + count : index
    guard (0..<count).contains(place) else {
      return .undefined(Undefined("\(owner.typeName) object has no element \(index)"))
    }
    switch owner {
    case .list(let items), .tuple(let items): return items.values[place]
    case .text(let text): return .text(TemplateText([text.points[place]]))
    case .range(let span): return .integer(span[place])
    default: return missing(String(index), in: owner)
    }
  }

  /// `owner[start:stop:step]`.
  func slice(_ owner: Value, _ start: Value, _ stop: Value, _ step: Value) throws -> Value {
    if case .undefined(let missing) = owner { throw missing.error }
    func bound(_ value: Value, _ name: String) throws -> Int? {
      if value.isNone { return nil }
      guard let number = value.asInteger else {
        throw TemplateError("the \(name) of a slice is of type \(value.typeName); it must be a whole number")
      }
      return number
    }
    let step = try bound(step, "step") ?? 1
    guard step != 0 else { throw TemplateError("the step of a slice is 0; it must not be") }
    let (first, last) = (try bound(start, "start"), try bound(stop, "end"))
    switch owner {
    case .text(let text):
      let places = Self.places(first, last, step, text.count)
      try budget.spend(places.count)
      var result = TemplateText(places.map { text.points[$0] })
      result.isMarkup = text.isMarkup
      return .text(result)
    case .list(let items):
      let places = Self.places(first, last, step, items.values.count)
      try budget.spend(places.count)
      return try .listOf(places.map { items.values[$0] })
    case .tuple(let items):
      let places = Self.places(first, last, step, items.values.count)
      try budget.spend(places.count)
      return try .tupleOf(places.map { items.values[$0] })
    case .range(let span):
      let places = Self.places(first, last, step, span.count)
      return try .listOf(places.map { .integer(span[$0]) })
    case .undefined, .none, .bool, .integer, .float, .dictionary, .view, .iterator, .namespace, .loop, .macro,
      .function,
      .method:
      throw TemplateError("a value of type \(owner.typeName) has no slices; a text or a list has")
    }
  }

  /// The places that Python's slice takes from `count` entries.
  private static func places(_ start: Int?, _ stop: Int?, _ step: Int, _ count: Int) -> [Int] {
    func clamped(_ bound: Int, _ low: Int, _ high: Int) -> Int {
      let place = bound < 0 ? bound.addingReportingOverflow(count).partialValue : bound
      return Swift.min(Swift.max(place, low), high)
    }
    if step > 0 {
      let (first, end) = (clamped(start ?? 0, 0, count), clamped(stop ?? count, 0, count))
      return first < end ? Array(stride(from: first, to: end, by: Swift.min(step, count + 1))) : []
    }
    let first = start.map { clamped($0, -1, count - 1) } ?? count - 1
    let end = stop.map { clamped($0, -1, count - 1) } ?? -1
    return first > end ? Array(stride(from: first, to: end, by: Swift.max(step, -count - 1))) : []
  }
}
