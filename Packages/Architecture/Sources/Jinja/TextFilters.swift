// The filters on texts. What is not a text becomes one first.

extension Rendering {
  func textFilter(_ filter: Filter, _ value: Value, _ arguments: CallArguments) throws -> Value {
    let name = filter.rawValue
    let text = try value.asText ?? Printer.string(value, budget)
    try budget.spend(text.count)
    switch filter {
    case .string:
      _ = try arguments.values(of: name)
      return .text(text)
    case .trim:
      let characters = try arguments.values("chars", of: name)[0].text("the characters")
      try budget.spend(characters?.count ?? 0)
      return .text(text.stripped(characters))
    case .upper, .lower, .capitalize:
      try budget.spend(3 * text.count)
      return .text(filter == .upper ? text.uppercased : filter == .lower ? text.lowercased : text.capitalized)
    case .title:
      try budget.spend(TemplateText.titleCost * text.count)
      return .text(text.titledByWord)
    case .replace: return try replace(text, arguments)
    case .indent: return try indent(value, arguments)
    case .center:
      let width = try arguments.values("width", of: name)[0].integer("the width") ?? 80
      try budget.spend(Swift.max(0, width))
      return .text(text.centered(in: width, by: " "))
    case .truncate: return try truncate(text, arguments)
    case .wordcount:
      let words = text.points.split { !($0.scalar.isPythonLetter || $0.scalar.isPythonNumeric || $0 == "_") }
      return .integer(words.count)
    case .format: return .text(try PercentFormat(budget).result(text, arguments))
    case .safe:
      var safe = text
      safe.isMarkup = true
      return .text(safe)
    case .escape, .e: return .text(text.isMarkup ? text : text.escaped)
    case .forceescape: return .text(text.escaped)
    default: throw TemplateError("'\(name)' is no filter on texts")
    }
  }

  private func replace(_ text: TemplateText, _ arguments: CallArguments) throws -> Value {
    let values = try arguments.values("old", "new", "count", of: "replace")
    guard let old = values[0], let new = values[1] else { throw TemplateError("'replace' needs an old and a new text") }
    let count = try values[2].integer("the count")
    let result = try text.replacing(
      Printer.string(old, budget), with: Printer.string(new, budget), limit: count.flatMap { $0 < 0 ? nil : $0 }, budget
    )
    return .text(result)
  }

  private func indent(_ value: Value, _ arguments: CallArguments) throws -> Value {
    guard case .text(let text) = value else {
      if case .undefined(let missing) = value { throw missing.error }
      throw TemplateError("'indent' needs a text, but was given a value of type \(value.typeName)")
    }
    let values = try arguments.values("width", "first", "blank", of: "indent")
    var space = TemplateText("    ")
    if case .text(let given) = values[0] {
      space = given
    } else if let width = try values[0].integer("the width") {
      try budget.spend(Swift.max(0, width))
      space = TemplateText(Array(repeating: CodePoint(" "), count: Swift.max(0, width)))
    }
    let lines = (text + "\n").lines()
    try budget.spend(2 * text.count + lines.count * (space.count + 1))
    var result = TemplateText("")
    for (index, line) in lines.enumerated() {
      if index > 0 { result += "\n" }
      if index == 0 ? values[1].isTrue : values[2].isTrue || !line.isEmpty { result += space }
      result += line
    }
    return .text(result)
  }

  private func truncate(_ text: TemplateText, _ arguments: CallArguments) throws -> Value {
    let values = try arguments.values("length", "killwords", "end", "leeway", of: "truncate")
    let length = try values[0].integer("the length") ?? 255
    let end = try values[2].text("the end") ?? "..."
    let leeway = try values[3].integer("the leeway") ?? 5
    guard length >= end.count, leeway >= 0 else {
      throw TemplateError("'truncate' is to leave \(length) characters, but its end has \(end.count)")
    }
    let (most, overflows) = length.addingReportingOverflow(leeway)
    if overflows || text.count <= most { return .text(text) }
    let kept = TemplateText(text.points.prefix(length - end.count))
    if values[1].isTrue { return .text(kept + end) }
    let space = kept.lastIndex(of: " ") ?? kept.count
    return .text(TemplateText(kept.points[..<space]) + end)
  }
}
