// `map`, `select`, `reject` and their siblings: filters that take the name of another filter or of a test.

extension Rendering {
  func choiceFilter(_ filter: Filter, _ value: Value, _ arguments: CallArguments) throws -> Value {
    // Nothing is done, and nothing is wrong, where there is nothing to walk over.
    guard value.isTrue else { return .iterator(try ItemIterator([])) }
    let items = try spent(comparer.items(value))
    if filter == .map { return .iterator(try ItemIterator(try mapped(items, arguments))) }
    let looksInside = filter == .selectattr || filter == .rejectattr
    let keeps = filter == .select || filter == .selectattr
    guard !looksInside || !arguments.positional.isEmpty else {
      throw TemplateError("'\(filter.rawValue)' needs the name of an attribute")
    }
    let key = try key(looksInside ? arguments.positional[0] : nil)
    let condition = try condition(looksInside ? arguments.rest : arguments)
    return .iterator(try ItemIterator(try items.filter { try condition(key($0)) == keeps }))
  }

  /// The test that the arguments name; without a name, whether the value is true.
  private func condition(_ arguments: CallArguments) throws -> (Value) throws -> Bool {
    guard let first = arguments.positional.first else { return { $0.isTrue } }
    guard case .text(let name) = first, Test(rawValue: name.string) != nil else {
      throw TemplateError("there is no test \(try Printer.representation(first, budget).string.prefix(80)) here")
    }
    let rest = arguments.rest
    return { [self] value in
      try budget.enter()
      defer { budget.leave() }
      return try test(name.string, value, rest)
    }
  }

  private func mapped(_ items: [Value], _ arguments: CallArguments) throws -> [Value] {
    guard let first = arguments.positional.first else {
      let values = try arguments.values("attribute", "default", of: "map")
      guard values[0] != nil else { throw TemplateError("'map' needs a filter or an attribute") }
      return try items.map(key(values[0], fallback: values[1].flatMap { $0.isNone ? nil : $0 }))
    }
    guard case .text(let name) = first, Filter(rawValue: name.string) != nil else {
      throw TemplateError("there is no filter \(try Printer.representation(first, budget).string.prefix(80)) here")
    }
    let rest = arguments.rest
    return try items.map { item in
      try budget.enter()
      defer { budget.leave() }
      return try filter(name.string, item, rest)
    }
  }
}
