// Python's two ways to put values into a text: `'%s' % value` and `'{}'.format(value)`.
import Foundation

/// How one value is laid out.
struct FieldLayout {
  var fill: CodePoint = CodePoint(" ")
  /// "<", ">", "^" or "=".
  var alignment: Unicode.Scalar?
  var sign: Unicode.Scalar?
  var width = 0
  var precision: Int?
  var groups = false
  var kind: Unicode.Scalar = "s"

  static let maxWidth = 10_000

  /// A number as digits, with its sign.
  func digits(of value: Value) throws -> TemplateText {
    let text: String
    switch kind {
    case "d", "i", "u", "x", "X", "o", "b":
      let whole = value.asInteger ?? value.asDouble.flatMap { Int(exactly: $0.rounded(.towardZero)) }
      guard let whole else {
        throw TemplateError("a value of type \(value.typeName) stands where a whole number is written")
      }
      let radix = kind == "x" || kind == "X" ? 16 : kind == "o" ? 8 : kind == "b" ? 2 : 10
      let plain = String(whole.magnitude, radix: radix, uppercase: kind == "X")
      text =
        (whole < 0 ? "-" : "") + String(repeating: "0", count: Swift.max(0, (precision ?? 0) - plain.count)) + plain
    case "f", "F", "e", "E", "g", "G":
      guard let number = value.asDouble else {
        throw TemplateError("a value of type \(value.typeName) stands where a number is written")
      }
      text = String(format: "%.\(precision ?? 6)\(kind)", number)
    default: throw TemplateError("the format '\(kind)' is not supported here")
    }
    return TemplateText(grouped((sign.map { text.hasPrefix("-") ? "" : String($0) } ?? "") + text))
  }

  private func grouped(_ text: String) -> String {
    guard groups else { return text }
    let sign = text.prefix { $0 == "-" || $0 == "+" || $0 == " " }
    let whole = text.dropFirst(sign.count).prefix { $0.isNumber }
    var result = ""
    for (index, digit) in whole.enumerated() {
      if index > 0, (whole.count - index) % 3 == 0 { result += "," }
      result.append(digit)
    }
    return sign + result + text.dropFirst(sign.count + whole.count)
  }

  /// The text, filled to the width.
  func laidOut(_ text: TemplateText, isNumber: Bool) -> TemplateText {
    let room = Swift.max(0, width - text.count)
    guard room > 0 else { return text }
    func filling(_ count: Int) -> TemplateText { TemplateText(Array(repeating: fill, count: count)) }
    switch alignment ?? (isNumber ? ">" : "<") {
    case "<": return text + filling(room)
    case "^": return filling(room / 2) + text + filling(room - room / 2)
    case "=":
      let signs = text.points.prefix { $0 == "-" || $0 == "+" || $0 == " " }.count
      return TemplateText(text.points[..<signs]) + filling(room) + TemplateText(text.points[signs...])
    default: return filling(room) + text
    }
  }

  static func checked(_ number: Int) throws -> Int {
    guard number <= maxWidth else {
      throw TemplateError("a width of \(number) is too large; at most \(maxWidth) is allowed")
    }
    return number
  }
}

/// `format % values`.
struct PercentFormat {
  private let budget: Budget
  init(_ budget: Budget) { self.budget = budget }

  func result(_ format: TemplateText, _ values: Value) throws -> TemplateText {
    if case .tuple(let items) = values { return try result(format, items.values, nil) }
    if case .dictionary(let mapping) = values { return try result(format, [values], mapping) }
    return try result(format, [values], nil)
  }

  /// The filter `format`.
  func result(_ format: TemplateText, _ arguments: CallArguments) throws -> TemplateText {
    guard arguments.named.isEmpty else {
      guard arguments.positional.isEmpty else { throw TemplateError("'format' takes values or names, not both") }
      var mapping = Mapping()
      for (name, value) in arguments.named { try mapping.set(name, value) }
      return try result(format, [], mapping)
    }
    return try result(format, arguments.positional, nil)
  }

  func result(_ format: TemplateText, _ values: [Value], _ mapping: Mapping?) throws -> TemplateText {
    var (text, index, used) = (TemplateText(""), 0, 0)
    let points = format.points
    while index < points.count {
      guard points[index] == "%" else {
        text.points.append(points[index])
        index += 1
        continue
      }
      index += 1
      var value: Value?
      if index < points.count, points[index] == "(" {
        guard let mapping, let end = format.firstIndex(of: ")", from: index) else {
          throw TemplateError("the format names a value, but no mapping is given")
        }
        let name = TemplateText(points[(index + 1)..<end])
        guard let found = mapping[.text(name)] else {
          throw TemplateError("the mapping has no '\(name)', which the format names")
        }
        (value, index) = (found, end + 1)
      }
      let layout = try Self.layout(points, &index)
      if layout.kind == "%" {
        text += "%"
        continue
      }
      if value == nil {
        guard used < values.count else { throw TemplateError("the format has more places than there are values") }
        value = values[used]
        used += 1
      }
      text += try written(value ?? .none, layout)
      try budget.spend(text.count / 16 + layout.width)
    }
    guard mapping != nil || used == values.count else {
      throw TemplateError("the format has \(used) places, but there are \(values.count) values")
    }
    return text
  }

  private func written(_ value: Value, _ layout: FieldLayout) throws -> TemplateText {
    guard layout.kind == "s" || layout.kind == "r" else {
      return layout.laidOut(try layout.digits(of: value), isNumber: true)
    }
    var text = try layout.kind == "s" ? Printer.string(value, budget) : Printer.representation(value, budget)
    if let precision = layout.precision { text = TemplateText(text.points.prefix(precision)) }
    return layout.laidOut(text, isNumber: true)
  }

  private static func layout(_ points: [CodePoint], _ index: inout Int) throws -> FieldLayout {
    var layout = FieldLayout()
    while index < points.count, let flag = "-+ 0#".unicodeScalars.first(where: { points[index] == $0 }) {
      switch flag {
      case "-": layout.alignment = "<"
      case "0" where layout.alignment == nil: (layout.fill, layout.alignment) = (CodePoint("0"), "=")
      case "+", " ": layout.sign = flag
      case "#": throw TemplateError("the flag '#' of a format is not supported here")
      default: break
      }
      index += 1
    }
    if layout.alignment == "<" { layout.fill = CodePoint(" ") }
    layout.width = try number(points, &index) ?? 0
    if index < points.count, points[index] == "." {
      index += 1
      layout.precision = try number(points, &index) ?? 0
    }
    guard index < points.count else { throw TemplateError("the format ends within a place") }
    layout.kind = points[index].scalar
    index += 1
    return layout
  }

  private static func number(_ points: [CodePoint], _ index: inout Int) throws -> Int? {
    var number: Int?
    while index < points.count, (48...57).contains(points[index].value) {
      number = try FieldLayout.checked((number ?? 0) * 10 + Int(points[index].value) - 48)
      index += 1
    }
    return number
  }
}
