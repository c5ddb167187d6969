// The methods of texts.

/// One call of a method of a text.
struct TextMethod {
  let text: TemplateText
  let name: String
  let arguments: CallArguments
  let rendering: Rendering
  private var budget: Budget { rendering.budget }

  init(text: TemplateText, name: String, arguments: CallArguments, rendering: Rendering) {
    (self.text, self.name, self.arguments, self.rendering) = (text, name, arguments, rendering)
  }

  func result() throws -> Value {
    if name == "format" { return .text(try BraceFormat(rendering).result(text, arguments)) }
    guard let result = try trimmed() ?? pieces() ?? search() ?? cased() ?? padded() ?? classified() else {
      throw TemplateError("a text has no method '\(name)'")
    }
    return result
  }

  private func trimmed() throws -> Value? {
    let side: TemplateText.Side
    switch name {
    case "strip": side = .both
    case "lstrip": side = .left
    case "rstrip": side = .right
    default: return nil
    }
    let characters = try arguments.values("chars", of: name)[0].text("the characters")
    try budget.spend(characters?.count ?? 0)
    return .text(text.stripped(characters, side))
  }

  // MARK: In pieces

  private func pieces() throws -> Value? {
    switch name {
    case "split", "rsplit":
      let values = try arguments.values("sep", "maxsplit", of: name)
      return try split(at: values[0].text("the separator"), limit: values[1].integer("maxsplit"))
    case "splitlines":
      let lines = text.lines(keepingEnds: try arguments.values("keepends", of: name)[0].isTrue)
      try budget.spend(16 * lines.count)
      return .list(Items(texts: lines))
    case "partition", "rpartition": return try partition()
    case "join":
      guard let list = try arguments.values("iterable", of: name)[0] else { throw TemplateError("'join' needs a list") }
      return .text(try joined(rendering.comparer.items(list)))
    default: return nil
    }
  }

  private func split(at separator: TemplateText?, limit: Int?) throws -> Value {
    let limit = limit.flatMap { $0 < 0 ? nil : $0 }
    guard let separator else {
      if name == "rsplit", limit != nil {
        throw TemplateError("'rsplit' at white space takes no largest number here; give it a separator")
      }
      let parts = text.splitAtSpace(limit: limit)
      try budget.spend(16 * parts.count)
      return .list(Items(texts: parts))
    }
    guard !separator.isEmpty else { throw TemplateError("the separator of '\(name)' is empty; it must not be") }
    let parts =
      name == "split" ? text.split(by: separator, limit: limit) : text.splitFromRight(by: separator, limit: limit)
    try budget.spend(text.count + 16 * parts.count)
    return .list(Items(texts: parts))
  }

  private func partition() throws -> Value {
    guard let separator = try arguments.values("sep", of: name)[0].text("the separator"), !separator.isEmpty else {
      throw TemplateError("'\(name)' needs a separator that is not empty")
    }
    let place = name == "partition" ? text.firstIndex(of: separator) : text.lastIndex(of: separator)
    guard let place else {
      return .tuple(Items(texts: name == "partition" ? [text, "", ""] : ["", "", text]))
    }
    let after = TemplateText(text.points[(place + separator.count)...])
    return .tuple(Items(texts: [TemplateText(text.points[..<place]), separator, after]))
  }

  private func joined(_ values: [Value]) throws -> TemplateText {
    var result = TemplateText("")
    for (index, value) in values.enumerated() {
      guard case .text(let part) = value else {
        throw TemplateError("'join' needs texts, but entry \(index) is of type \(value.typeName); '| join' takes any")
      }
      try budget.spend(part.count + text.count)
      if index > 0 { result += text }
      result += part
    }
    return result
  }

  // MARK: Search

  private func search() throws -> Value? {
    switch name {
    case "startswith", "endswith": return .bool(try isAtEdge())
    case "find", "rfind", "index", "rindex":
      let (part, range) = try needle()
      let found =
        name.hasPrefix("r")
        ? text.lastIndex(of: part, from: range.lowerBound, to: range.upperBound)
        : text.firstIndex(of: part, from: range.lowerBound, to: range.upperBound)
      if found == nil, name.hasSuffix("index") {
        throw TemplateError("'\(name)' finds no such text; test with 'in' before")
      }
      return .integer(found ?? -1)
    case "count":
      let (part, range) = try needle()
      if part.isEmpty { return .integer(range.count + 1) }
      return .integer(TemplateText(text.points[range]).indices(of: part).count)
    case "replace":
      let values = try arguments.values("old", "new", "count", of: name)
      guard let old = try values[0].text("the old text"), let new = try values[1].text("the new text") else {
        throw TemplateError("'replace' needs an old and a new text")
      }
      let count = try values[2].integer("the count")
      return .text(try text.replacing(old, with: new, limit: count.flatMap { $0 < 0 ? nil : $0 }, budget))
    case "removeprefix", "removesuffix":
      guard let part = try arguments.values("text", of: name)[0].text("the text") else {
        throw TemplateError("'\(name)' needs a text")
      }
      if name == "removeprefix" { return .text(text.hasPrefix(part) ? TemplateText(text.points[part.count...]) : text) }
      return .text(text.hasSuffix(part) ? TemplateText(text.points[..<(text.count - part.count)]) : text)
    default: return nil
    }
  }

  private func needle() throws -> (TemplateText, Range<Int>) {
    let values = try arguments.values("sub", "start", "end", of: name)
    guard let part = try values[0].text("the text") else { throw TemplateError("'\(name)' needs a text") }
    return (part, try rendering.pythonRange(values[1], values[2], text.count))
  }

  private func isAtEdge() throws -> Bool {
    let values = try arguments.values("text", "start", "end", of: name)
    let range = try rendering.pythonRange(values[1], values[2], text.count)
    let inner = values[1] == nil ? text : TemplateText(text.points[range])
    var candidates: [Value] = []
    if case .tuple(let items) = values[0] {
      candidates = items.values
    } else {
      candidates = values[0].map { [$0] } ?? []
    }
    guard !candidates.isEmpty || values[0] != nil else { throw TemplateError("'\(name)' needs a text") }
    for candidate in candidates {
      guard let part = try Optional(candidate).text("what '\(name)' looks for") else {
        throw TemplateError("'\(name)' needs a text or a tuple of texts")
      }
      if name == "startswith" ? inner.hasPrefix(part) : inner.hasSuffix(part) { return true }
    }
    return false
  }

  // MARK: Case, padding, classes

  private func cased() throws -> Value? {
    guard ["upper", "lower", "casefold", "title", "capitalize", "swapcase"].contains(name) else { return nil }
    try budget.spend((name == "title" ? TemplateText.titleCost : 4) * text.count)
    let result: TemplateText
    switch name {
    case "upper": result = text.uppercased
    case "lower", "casefold": result = text.lowercased
    case "title": result = text.titled
    case "capitalize": result = text.capitalized
    case "swapcase": result = text.swappedCase
    default: return nil
    }
    _ = try arguments.values(of: name)
    return .text(result)
  }

  private func padded() throws -> Value? {
    guard ["ljust", "rjust", "center", "zfill"].contains(name) else { return nil }
    let values = try arguments.values("width", "fillchar", of: name)
    let width = try values[0].integer("the width") ?? 0
    let fill = try values[1].text("the filling") ?? (name == "zfill" ? "0" : " ")
    guard fill.count == 1 else { throw TemplateError("the filling of '\(name)' is not one character") }
    let room = width > text.count ? width - text.count : 0
    try budget.spend(room)
    func filling(_ count: Int) -> TemplateText { TemplateText(Array(repeating: fill.points[0], count: count)) }
    switch name {
    case "ljust": return .text(text + filling(room))
    case "rjust": return .text(filling(room) + text)
    case "center": return .text(text.centered(in: width, by: fill))
    default:
      let isSigned = text.points.first.map { $0 == "-" || $0 == "+" } ?? false
      let sign = TemplateText(text.points[..<(isSigned ? 1 : 0)])
      return .text(sign + filling(room) + TemplateText(text.points[(isSigned ? 1 : 0)...]))
    }
  }

  private func classified() throws -> Value? {
    let result: Bool
    switch name {
    case "isdigit": result = text.isAll(\.isPythonDigit)
    case "isdecimal": result = text.isAll { $0.properties.numericType == .decimal }
    case "isnumeric": result = text.isAll(\.isPythonNumeric)
    case "isalpha": result = text.isAll(\.isPythonLetter)
    case "isalnum": result = text.isAll { $0.isPythonLetter || $0.isPythonNumeric }
    case "isspace": result = text.isAll(\.isPythonSpace)
    case "isascii": result = text.points.allSatisfy { $0.value < 0x80 }
    case "islower": result = text.isLowercase
    case "isupper": result = text.isUppercase
    default: return nil
    }
    _ = try arguments.values(of: name)
    return .bool(result)
  }
}

extension TemplateText {
  /// `str.center`: an odd blank goes to the left where the width is odd.
  func centered(in width: Int, by fill: TemplateText) -> TemplateText {
    let room = width > count ? width - count : 0
    guard room > 0, let point = fill.points.first else { return self }
    let left = room / 2 + (room & width & 1)
    func filling(_ count: Int) -> [CodePoint] { Array(repeating: point, count: count) }
    return TemplateText(filling(left) + points + filling(room - left))
  }
}
