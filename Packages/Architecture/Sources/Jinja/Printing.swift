// How Python prints values: `str` for what a template writes, `repr` for what is inside of something else.

/// Prints values, counting the work.
struct Printer {
  let budget: Budget
  private(set) var text = TemplateText("")
  /// How many values are inside each other here. Lists know how deep they are; namespaces may hold themselves.
  private var depth = 0
  private static let maxDepth = 200

  init(_ budget: Budget) { self.budget = budget }

  /// `str(value)`.
  static func string(_ value: Value, _ budget: Budget) throws -> TemplateText {
    switch value {
    case .text(var text):
      text.isMarkup = false
      return text
    case .undefined: return ""
    case .none, .bool, .integer, .float, .list, .tuple, .dictionary, .view, .range, .iterator, .namespace, .loop,
      .macro,
      .function, .method:
      var printer = Printer(budget)
      try printer.write(value)
      return printer.text
    }
  }

  /// `repr(value)`.
  static func representation(_ value: Value, _ budget: Budget) throws -> TemplateText {
    var printer = Printer(budget)
    try printer.write(value)
    return printer.text
  }

  private mutating func write(_ value: Value) throws {
    try budget.spend(1)
    depth += 1
    defer { depth -= 1 }
    guard depth <= Self.maxDepth else {
      throw TemplateError("what is printed is nested more than \(Self.maxDepth) levels deep", kind: .limit)
    }
    switch value {
    case .undefined: text.append("Undefined")
    case .none: text.append("None")
    case .bool(let flag): text.append(flag ? "True" : "False")
    case .integer(let number): text.append(String(number))
    case .float(let number): text.append(pythonDescription(of: number))
    case .text(let inner): try write(quoting: inner)
    case .list(let items): try write(items.values, "[", "]")
    case .tuple(let items): try write(items.values, "(", items.values.count == 1 ? ",)" : ")")
    case .dictionary(let mapping): try write(mapping)
    case .view(let view, let mapping): try write(mapping.values(of: view), "dict_\(view.rawValue)([", "])")
    case .range(let span):
      text.append("range(\(span.start), \(span.stop)" + (span.step == 1 ? ")" : ", \(span.step))"))
    case .namespace(let namespace):
      text.append("<Namespace ")
      try write(namespace.attributes)
      text.append(">")
    case .macro(let macro): text.append("<Macro '\(macro.definition.name)'>")
    case .loop(let loop): text.append("<LoopContext \(loop.index + 1)/\(try loop.length())>")
    case .iterator: throw TemplateError("what a filter returns cannot be printed as it is; write '| list' behind it")
    case .function, .method: throw TemplateError("a \(value.typeName) cannot be printed; call it")
    }
  }

  private mutating func write(_ values: [Value], _ begin: String, _ end: String) throws {
    text.append(begin)
    for (index, value) in values.enumerated() {
      if index > 0 { text.append(", ") }
      try write(value)
    }
    text.append(end)
  }

  private mutating func write(_ mapping: Mapping) throws {
    text.append("{")
    for (index, entry) in mapping.entries.enumerated() {
      if index > 0 { text.append(", ") }
      try write(entry.name)
      text.append(": ")
      try write(entry.value)
    }
    text.append("}")
  }

  private mutating func write(quoting inner: TemplateText) throws {
    try budget.spend(inner.count)
    if inner.isMarkup { text.append("Markup(") }
    let quote: Unicode.Scalar =
      inner.points.contains { $0 == "'" } && !inner.points.contains { $0 == "\"" } ? "\"" : "'"
    text.append(String(quote))
    for point in inner.points {
      switch point.scalar {
      case quote, "\\":
        text.append("\\")
        text.points.append(point)
      case "\n": text.append("\\n")
      case "\r": text.append("\\r")
      case "\t": text.append("\\t")
      case let scalar where scalar.isPrintable: text.points.append(point)
      case let scalar: text.append(Self.escape(scalar.value))
      }
    }
    text.append(String(quote))
    if inner.isMarkup { text.append(")") }
  }

  private static func escape(_ value: UInt32) -> String {
    let digits = String(value, radix: 16)
    let (letter, width) = value < 0x100 ? ("x", 2) : value < 0x10000 ? ("u", 4) : ("U", 8)
    return "\\" + letter + String(repeating: "0", count: width - digits.count) + digits
  }
}

/// `repr(float)`: the shortest digits that give the number back, with an exponent below 1e-4 and from 1e16.
func pythonDescription(of number: Double) -> String {
  if number.isNaN { return "nan" }
  if number.isInfinite { return number < 0 ? "-inf" : "inf" }
  if number == 0 { return number.sign == .minus ? "-0.0" : "0.0" }
  let (digits, point) = shortestDigits(of: number.magnitude)
  let sign = number < 0 ? "-" : ""
  if point <= -4 || point > 16 {
    let exponent = point - 1
    let written = (exponent < 0 ? "-" : "+") + (abs(exponent) < 10 ? "0" : "") + String(abs(exponent))
    let rest = digits.dropFirst()
    return "\(sign)\(digits.prefix(1))\(rest.isEmpty ? "" : ".\(rest)")e\(written)"
  }
  if point <= 0 { return sign + "0." + String(repeating: "0", count: -point) + digits }
  let padded = digits + String(repeating: "0", count: max(0, point - digits.count))
  let fraction = padded.dropFirst(point)
  return "\(sign)\(padded.prefix(point)).\(fraction.isEmpty ? "0" : fraction)"
}

/// Digits without leading or trailing zeros, and where the decimal point stands from their begin.
private func shortestDigits(of number: Double) -> (digits: String, point: Int) {
  // Swift prints the shortest digits too, only laid out differently.
  let parts = "\(number)".split(separator: "e")
  let mantissa = parts[0].split(separator: ".", omittingEmptySubsequences: false)
  let (whole, fraction) = (String(mantissa[0]), mantissa.count > 1 ? String(mantissa[1]) : "")
  let exponent = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
  let all = whole + fraction
  let zeros = all.prefix { $0 == "0" }.count
  var digits = String(all.dropFirst(zeros))
  while digits.last == "0" { digits.removeLast() }
  return (digits, whole.count + exponent - zeros)
}
