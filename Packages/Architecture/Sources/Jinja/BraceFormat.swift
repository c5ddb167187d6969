// `'{}'.format(value)`.

struct BraceFormat {
  private let rendering: Rendering
  init(_ rendering: Rendering) { self.rendering = rendering }

  func result(_ format: TemplateText, _ arguments: CallArguments) throws -> TemplateText {
    var (text, index, next) = (TemplateText(""), 0, 0)
    let points = format.points
    while index < points.count {
      let point = points[index]
      index += 1
      guard point == "{" || point == "}" else {
        text.points.append(point)
        continue
      }
      if index < points.count, points[index] == point {
        text.points.append(point)
        index += 1
        continue
      }
      guard point == "{", let end = format.firstIndex(of: "}", from: index) else {
        throw TemplateError("the format has a brace without its counterpart; write it twice to have it once")
      }
      text += try field(TemplateText(points[index..<end]), arguments, &next)
      try rendering.budget.spend(text.count / 16)
      index = end + 1
    }
    return text
  }

  private func field(_ field: TemplateText, _ arguments: CallArguments, _ next: inout Int) throws -> TemplateText {
    guard !field.points.contains(where: { $0 == "{" }) else {
      throw TemplateError("a place within a place of a format is not supported here")
    }
    let colon = field.firstIndex(of: ":") ?? field.count
    let parts = TemplateText(field.points[..<colon]).split(by: "!", limit: 1)
    var value = try value(parts[0].string, arguments, &next)
    if parts.count > 1 {
      switch parts[1].string {
      case "s": value = .text(try Printer.string(value, rendering.budget))
      case "r": value = .text(try Printer.representation(value, rendering.budget))
      default: throw TemplateError("the conversion '!\(parts[1])' of a format is not supported here")
      }
    }
    let layout = try Self.layout(field.points.dropFirst(colon + 1))
    if let kind = layout.kind, "dxXobfFeEgG".unicodeScalars.contains(kind) {
      return layout.layout.laidOut(try layout.layout.digits(of: value), isNumber: true)
    }
    guard layout.kind == nil || layout.kind == "s" else {
      throw TemplateError("the format '\(field)' is not supported here")
    }
    var text = try Printer.string(value, rendering.budget)
    if let precision = layout.layout.precision {
      guard case .text = value else { throw TemplateError("the format '\(field)' needs a kind such as f") }
      text = TemplateText(text.points.prefix(precision))
    }
    return layout.layout.laidOut(text, isNumber: value.asDouble != nil)
  }

  private func value(_ name: String, _ arguments: CallArguments, _ next: inout Int) throws -> Value {
    guard !name.contains("."), !name.contains("[") else {
      throw TemplateError("the place '{\(name)}' of a format looks into a value, which is not supported here")
    }
    let index = name.isEmpty ? next : Int(name)
    if let index {
      if name.isEmpty { next += 1 }
      guard arguments.positional.indices.contains(index) else {
        throw TemplateError("the format has more places than there are values")
      }
      return arguments.positional[index]
    }
    guard let named = arguments.named.first(where: { $0.name == name }) else {
      throw TemplateError("the format names '\(name)', which is not given")
    }
    return named.value
  }

  /// `[[fill]align][sign][0][width][,][.precision][kind]`.
  private static func layout(_ spec: ArraySlice<CodePoint>) throws -> (layout: FieldLayout, kind: Unicode.Scalar?) {
    var (layout, rest) = (FieldLayout(), spec)
    func isAlignment(_ point: CodePoint?) -> Bool { point.map { "<>^=".unicodeScalars.contains($0.scalar) } ?? false }
    if let first = rest.first, isAlignment(rest.dropFirst().first) {
      (layout.fill, rest) = (first, rest.dropFirst())
    }
    if isAlignment(rest.first) { layout.alignment = rest.popFirst()?.scalar }
    if let sign = rest.first, sign == "+" || sign == " " || sign == "-" {
      if sign.scalar != "-" { layout.sign = sign.scalar }
      rest = rest.dropFirst()
    }
    if let zero = rest.first, zero == "0" {
      if layout.alignment == nil { (layout.fill, layout.alignment) = (CodePoint("0"), "=") }
      rest = rest.dropFirst()
    }
    layout.width = try number(&rest) ?? 0
    if let comma = rest.first, comma == "," {
      layout.groups = true
      rest = rest.dropFirst()
    }
    if let point = rest.first, point == "." {
      rest = rest.dropFirst()
      layout.precision = try number(&rest) ?? 0
    }
    let kind = rest.popFirst()?.scalar
    guard rest.isEmpty else { throw TemplateError("the format '\(TemplateText(spec))' is not supported here") }
    layout.kind = kind ?? (layout.groups ? "d" : "s")
    return (layout, layout.groups && kind == nil ? "d" : kind)
  }

  private static func number(_ rest: inout ArraySlice<CodePoint>) throws -> Int? {
    var number: Int?
    while let digit = rest.first, (48...57).contains(digit.value) {
      number = try FieldLayout.checked((number ?? 0) * 10 + Int(digit.value) - 48)
      rest = rest.dropFirst()
    }
    return number
  }
}
