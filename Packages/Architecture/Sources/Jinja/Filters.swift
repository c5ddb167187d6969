// The filters that may stand behind a bar: their names, and where each is done.

/// A filter by its name in templates. jinja2's filters for HTML pages are left out.
enum Filter: String, CaseIterable {
  // Texts
  case string, trim, upper, lower, title, capitalize, replace, indent, center, truncate, wordcount, format
  case safe, escape, e, forceescape
  // Lists and mappings
  case length, count, list, join, first, last, reverse, sort, unique, min, max, sum, batch, slice, items, dictsort
  case map, select, reject, selectattr, rejectattr, groupby
  // Numbers and all others
  case abs, int, float, round, `default`, d, attr, tojson
}

extension Rendering {
  /// `value | name(arguments)`.
  func filter(_ name: String, _ value: Value, _ arguments: CallArguments) throws -> Value {
    guard let filter = Filter(rawValue: name) else { throw TemplateError("there is no filter '\(name)' here") }
    switch filter {
    case .string, .trim, .upper, .lower, .title, .capitalize, .replace, .indent, .center, .truncate, .wordcount,
      .format,
      .safe, .escape, .e, .forceescape:
      return try textFilter(filter, value, arguments)
    case .length, .count, .list, .join, .first, .last, .reverse, .batch, .slice, .items, .sum:
      return try listFilter(filter, value, arguments)
    case .sort, .unique, .min, .max, .dictsort, .groupby: return try orderFilter(filter, value, arguments)
    case .map, .select, .reject, .selectattr, .rejectattr: return try choiceFilter(filter, value, arguments)
    case .abs, .int, .float, .round: return try numberFilter(filter, value, arguments)
    case .default, .d:
      let values = try arguments.values("default_value", "boolean", of: name)
      return value.isUndefined || (values[1].isTrue && !value.isTrue) ? values[0] ?? .string("") : value
    case .attr:
      guard let name = try arguments.values("name", of: name)[0].text("the name") else {
        throw TemplateError("'attr' needs the name of an attribute")
      }
      if case .dictionary = value, Methods.names(of: value)?.contains(name.string) != true {
        return .undefined(Undefined("'dict object' has no attribute '\(name.string)'"))
      }
      return try attribute(name.string, of: value)
    case .tojson: return .text(try JSONWriter(budget, arguments).text(of: value))
    }
  }

  /// What makes a key of an item: the entry at a path such as `function.name`, without regard to case if asked.
  func key(_ attribute: Value?, ignoringCase: Bool = false, fallback: Value? = nil) throws -> (Value) throws -> Value {
    let path = try parts(of: attribute)
    return { [self] item in
      var value = item
      for part in path {
        value = try self.item(part, of: value)
        if value.isUndefined, let fallback { value = fallback }
      }
      if ignoringCase, case .text(let text) = value {
        try budget.spend(text.count)
        return .text(text.lowercased)
      }
      return value
    }
  }

  private func parts(of attribute: Value?) throws -> [Value] {
    switch attribute {
    case nil, .some(.none): return []
    case .some(.text(let path)):
      return path.split(by: ".").map { part in
        if part.isAll(\.isPythonDigit), let index = Int(part.string) { return .integer(index) }
        return .text(part)
      }
    case .some(let other): return [other]
    }
  }
}
