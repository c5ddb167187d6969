// The filters on lists, mappings and everything else that can be walked over.

extension Rendering {
  func listFilter(_ filter: Filter, _ value: Value, _ arguments: CallArguments) throws -> Value {
    let name = filter.rawValue
    switch filter {
    case .length, .count: return .integer(try comparer.length(value))
    case .list: return try .listOf(spent(comparer.items(value)))
    case .join: return try join(value, arguments)
    case .first:
      if case .iterator(let iterator) = value, let first = iterator.next() { return first }
      if case .text(let text) = value, let first = text.points.first { return .text(TemplateText([first])) }
      return try comparer.items(value).first ?? .undefined(Undefined("No first item, sequence was empty."))
    case .last:
      if case .iterator = value { throw TemplateError("'last' needs a list here; write '| list' before it") }
      return try comparer.items(value).last ?? .undefined(Undefined("No last item, sequence was empty."))
    case .reverse:
      if case .text(let text) = value {
        try budget.spend(text.count)
        return .text(TemplateText(text.points.reversed()))
      }
      return .iterator(try ItemIterator(spent(comparer.items(value)).reversed()))
    case .items:
      if case .undefined = value { return .iterator(try ItemIterator([])) }
      guard case .dictionary(let mapping) = value else {
        throw TemplateError("'items' needs a mapping, but was given a value of type \(value.typeName)")
      }
      return .iterator(try ItemIterator(spent(mapping.pairs())))
    case .batch, .slice:
      let values = try arguments.values(filter == .batch ? "linecount" : "slices", "fill_with", of: name)
      guard let count = try values[0].integer("the count"), count > 0 else {
        throw TemplateError("'\(name)' needs a whole number of at least 1")
      }
      let items = try spent(comparer.items(value))
      let fill = values[1].flatMap { $0.isNone ? nil : $0 }
      return .iterator(try ItemIterator(try filter == .batch ? batch(items, count, fill) : slices(items, count, fill)))
    case .sum:
      let values = try arguments.values("attribute", "start", of: name)
      let key = try key(values[0])
      var sum = values[1] ?? .integer(0)
      if case .text = sum { throw TemplateError("'sum' adds numbers; '| join' joins texts") }
      for item in try comparer.items(value) { sum = try Arithmetic(budget: budget).result(.add, sum, key(item)) }
      return sum
    default: throw TemplateError("'\(name)' is no filter on lists")
    }
  }

  /// The same items, with the work of copying them counted.
  func spent(_ items: [Value]) throws -> [Value] {
    try budget.spend(items.count)
    return items
  }

  private func join(_ value: Value, _ arguments: CallArguments) throws -> Value {
    let values = try arguments.values("d", "attribute", of: "join")
    let separator = try values[0].map { try Printer.string($0, budget) } ?? ""
    let key = try key(values[1])
    var result = TemplateText("")
    for (index, item) in try comparer.items(value).enumerated() {
      let part = try Printer.string(key(item), budget)
      try budget.spend(part.count + separator.count)
      if index > 0 { result += separator }
      result += part
    }
    return .text(result)
  }

  private func batch(_ items: [Value], _ count: Int, _ fill: Value?) throws -> [Value] {
    var (rows, row): ([Value], [Value]) = ([], [])
    for item in items {
      if row.count == count {
        rows.append(try .listOf(row))
        row = []
      }
      row.append(item)
    }
    guard !row.isEmpty else { return rows }
    if let fill {
      try budget.spend(count)
      row += Array(repeating: fill, count: count - row.count)
    }
    return rows + [try .listOf(row)]
  }

  private func slices(_ items: [Value], _ count: Int, _ fill: Value?) throws -> [Value] {
    try budget.spend(count)
    let (size, extra) = (items.count / count, items.count % count)
    var (columns, start): ([Value], Int) = ([], 0)
    for column in 0..<count {
      let end = start + size + (column < extra ? 1 : 0)
      columns.append(try .listOf(Array(items[start..<end]) + (column >= extra ? fill.map { [$0] } ?? [] : [])))
      start = end
    }
    return columns
  }

  // MARK: Order

  func orderFilter(_ filter: Filter, _ value: Value, _ arguments: CallArguments) throws -> Value {
    switch filter {
    case .sort: return try sort(value, arguments)
    case .unique: return try unique(value, arguments)
    case .dictsort: return try sortMapping(value, arguments)
    case .groupby: return try group(value, arguments)
    case .min, .max:
      let values = try arguments.values("case_sensitive", "attribute", of: filter.rawValue)
      let key = try key(values[1], ignoringCase: !values[0].isTrue)
      var best: (key: Value, item: Value)?
      for item in try comparer.items(value) {
        let candidate = try key(item)
        guard let current = best else {
          best = (candidate, item)
          continue
        }
        let isBetter =
          try filter == .min
          ? comparer.isLess(candidate, current.key) : comparer.isLess(current.key, candidate)
        if isBetter { best = (candidate, item) }
      }
      return best?.item ?? .undefined(Undefined("No aggregated item, sequence was empty."))
    default: throw TemplateError("'\(filter.rawValue)' is no filter that orders")
    }
  }

  private func sort(_ value: Value, _ arguments: CallArguments) throws -> Value {
    let values = try arguments.values("reverse", "case_sensitive", "attribute", of: "sort")
    var paths: [Value?] = [values[2]]
    if case .text(let names) = values[2] { paths = names.split(by: ",").map { .text($0) } }
    let keys = try paths.map { try key($0, ignoringCase: !values[1].isTrue) }
    let items = try spent(comparer.items(value))
    return try .listOf(
      comparer.sorted(items, by: { item in try .listOf(keys.map { try $0(item) }) }, reversed: values[0].isTrue))
  }

  private func unique(_ value: Value, _ arguments: CallArguments) throws -> Value {
    let values = try arguments.values("case_sensitive", "attribute", of: "unique")
    let key = try key(values[1], ignoringCase: !values[0].isTrue)
    var seen: Set<Key> = []
    let items = try comparer.items(value).filter { try seen.insert(Key(key($0), budget)).inserted }
    return .iterator(try ItemIterator(items))
  }

  private func sortMapping(_ value: Value, _ arguments: CallArguments) throws -> Value {
    let values = try arguments.values("case_sensitive", "by", "reverse", of: "dictsort")
    guard case .dictionary(let mapping) = value else {
      if case .undefined(let missing) = value { throw missing.error }
      throw TemplateError("'dictsort' needs a mapping, but was given a value of type \(value.typeName)")
    }
    let by = try values[1].text("'by'")?.string ?? "key"
    guard by == "key" || by == "value" else { throw TemplateError("'dictsort' sorts by \"key\" or by \"value\"") }
    let key = try key(.integer(by == "key" ? 0 : 1), ignoringCase: !values[0].isTrue)
    return try .listOf(comparer.sorted(spent(mapping.pairs()), by: key, reversed: values[2].isTrue))
  }

  private func group(_ value: Value, _ arguments: CallArguments) throws -> Value {
    let values = try arguments.values("attribute", "default", "case_sensitive", of: "groupby")
    let key = try key(values[0], ignoringCase: !values[2].isTrue, fallback: values[1])
    let shown = try self.key(values[0], fallback: values[1])
    var groups: [(key: Value, items: [Value])] = []
    for item in try comparer.sorted(spent(comparer.items(value)), by: key) {
      let own = try key(item)
      if let last = groups.last, try comparer.areEqual(last.key, own) {
        groups[groups.count - 1].items.append(item)
      } else {
        groups.append((own, [item]))
      }
    }
    return try .listOf(groups.map { try .tupleOf([shown($0.items[0]), .listOf($0.items)]) })
  }
}
