// The filter `tojson` as transformers defines it: Python's `json.dumps`, by default without escaping what is not ASCII.

struct JSONWriter {
  private let budget: Budget
  private let escapesNonASCII: Bool
  private let sortsKeys: Bool
  private let indent: TemplateText?
  private let itemSeparator: TemplateText
  private let keySeparator: TemplateText

  /// Takes `ensure_ascii`, `indent`, `separators` and `sort_keys`.
  init(_ budget: Budget, _ arguments: CallArguments) throws {
    self.budget = budget
    let values = try arguments.values("ensure_ascii", "indent", "separators", "sort_keys", of: "tojson")
    (escapesNonASCII, sortsKeys) = (values[0].isTrue, values[3].isTrue)
    var space: TemplateText?
    if case .text(let text) = values[1] {
      space = text
    } else if let width = try values[1].integer("the indent") {
      guard width <= 1000 else { throw TemplateError("the indent is \(width); at most 1000 is allowed") }
      space = TemplateText(Array(repeating: CodePoint(" "), count: Swift.max(0, width)))
    }
    indent = space
    let usual: (TemplateText, TemplateText) = (space == nil ? ", " : ",", ": ")
    (itemSeparator, keySeparator) = try Self.separators(values[2], budget) ?? usual
  }

  private static func separators(_ value: Value?, _ budget: Budget) throws -> (TemplateText, TemplateText)? {
    guard let value, !value.isNone else { return nil }
    let parts = try Comparer(budget: budget).items(value)
    guard parts.count == 2, case .text(let item) = parts[0], case .text(let key) = parts[1] else {
      throw TemplateError("the separators of 'tojson' must be two texts")
    }
    return (item, key)
  }

  func text(of value: Value) throws -> TemplateText {
    var text = TemplateText("")
    try write(value, 0, to: &text)
    return text
  }

  private func write(_ value: Value, _ level: Int, to text: inout TemplateText) throws {
    try budget.spend(2)
    switch value {
    case .none: text.append("null")
    case .bool(let flag): text.append(flag ? "true" : "false")
    case .integer(let number): text.append(String(number))
    case .float(let number): text.append(Self.description(of: number))
    case .text(let inner): try quote(inner, to: &text)
    case .list(let items), .tuple(let items):
      try write(items.values, "[", "]", level, to: &text) { try write($0, level + 1, to: &$1) }
    case .dictionary(let mapping):
      var entries = mapping.entries
      if sortsKeys { entries = try sorted(entries) }
      try write(entries, "{", "}", level, to: &text) { entry, text in
        try quote(Self.name(entry.name), to: &text)
        text += keySeparator
        try write(entry.value, level + 1, to: &text)
      }
    case .undefined(let missing):
      throw TemplateError("what is undefined cannot be written as JSON: \(missing.sentence)")
    case .view, .range, .iterator, .namespace, .loop, .macro, .function, .method:
      throw TemplateError(
        "a value of type \(value.typeName) cannot be written as JSON; a list, a mapping or a text can")
    }
  }

  private func sorted(
    _ entries: [(key: Key, name: Value, value: Value)]
  ) throws -> [(key: Key, name: Value, value: Value)] {
    let order = try Comparer(budget: budget).sorted(entries.indices.map { .integer($0) }) { index in
      entries[index.asInteger ?? 0].name
    }
    return order.map { entries[$0.asInteger ?? 0] }
  }

  private func write<Item>(
    _ items: [Item], _ begin: String, _ end: String, _ level: Int, to text: inout TemplateText,
    each: (Item, inout TemplateText) throws -> Void
  ) throws {
    text.append(begin)
    for (index, item) in items.enumerated() {
      if index > 0 { text += itemSeparator }
      try breakLine(level + 1, in: &text)
      try each(item, &text)
    }
    if !items.isEmpty { try breakLine(level, in: &text) }
    text.append(end)
  }

  private func breakLine(_ level: Int, in text: inout TemplateText) throws {
    guard let indent else { return }
    try budget.spend(indent.count * level)
    text.append("\n")
    for _ in 0..<level { text += indent }
  }

  private static func name(_ key: Value) throws -> TemplateText {
    switch key {
    case .text(let text): text
    case .none: "null"
    case .bool(let flag): flag ? "true" : "false"
    case .integer(let number): TemplateText(String(number))
    case .float(let number): TemplateText(description(of: number))
    default: throw TemplateError("a key of type \(key.typeName) cannot be written as JSON; a text or a number can")
    }
  }

  private static func description(of number: Double) -> String {
    if number.isNaN { return "NaN" }
    if number.isInfinite { return number < 0 ? "-Infinity" : "Infinity" }
    return pythonDescription(of: number)
  }

  private func quote(_ inner: TemplateText, to text: inout TemplateText) throws {
    try budget.spend(inner.count)
    text.append("\"")
    for point in inner.points {
      switch point.value {
      case 0x22: text.append("\\\"")
      case 0x5C: text.append("\\\\")
      case 0x0A: text.append("\\n")
      case 0x0D: text.append("\\r")
      case 0x09: text.append("\\t")
      case 0x0C: text.append("\\f")
      case 0x08: text.append("\\b")
      case 0..<0x20: text.append(Self.escape(point.value))
      case 0x80...0x10FFFF where escapesNonASCII:
        for unit in String(point.scalar).utf16 { text.append(Self.escape(UInt32(unit))) }
      default: text.points.append(point)
      }
    }
    text.append("\"")
  }

  private static func escape(_ unit: UInt32) -> String {
    let digits = String(unit, radix: 16)
    return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
  }
}
