// Text as templates see it: code points, counted and compared as Python does, each with a mark that says whether it
// came from the conversation. The mark is what keeps a message from forging a special token.

/// A Unicode scalar and its mark. Equality is that of the scalars.
struct CodePoint: Sendable, Hashable {
  private var bits: UInt32
  private static let mark: UInt32 = 1 << 31

  init(_ scalar: Unicode.Scalar, isForeign: Bool = false) { bits = scalar.value | (isForeign ? Self.mark : 0) }

  /// True for text from outside the template.
  var isForeign: Bool { bits & Self.mark != 0 }
  var value: UInt32 { bits & ~Self.mark }
  var scalar: Unicode.Scalar { Unicode.Scalar(value) ?? "\u{FFFD}" }

  static func == (a: CodePoint, b: CodePoint) -> Bool { a.value == b.value }
  static func == (a: CodePoint, b: Unicode.Scalar) -> Bool { a.value == b.value }
  func hash(into hasher: inout Hasher) { hasher.combine(value) }
}

/// A Python string.
struct TemplateText: Sendable, Hashable, ExpressibleByStringLiteral, CustomStringConvertible {
  var points: [CodePoint]
  /// True for what `safe` and `escape` return: text that is joined to it by `+` is escaped for HTML, as in markupsafe.
  var isMarkup = false

  init(_ points: [CodePoint]) { self.points = points }
  init(_ points: ArraySlice<CodePoint>) { self.points = Array(points) }
  init(_ text: String, isForeign: Bool = false) {
    points = text.unicodeScalars.map { CodePoint($0, isForeign: isForeign) }
  }
  init(stringLiteral text: String) { self.init(text) }

  var count: Int { points.count }
  var isEmpty: Bool { points.isEmpty }

  /// The text without its marks.
  var string: String { Self.string(points) }
  var description: String { string }

  static func string(_ points: some Sequence<CodePoint>) -> String {
    var text = ""
    for point in points { text.unicodeScalars.append(point.scalar) }
    return text
  }

  static func == (a: TemplateText, b: TemplateText) -> Bool { a.points == b.points }
  func hash(into hasher: inout Hasher) { hasher.combine(points) }

  static func + (a: TemplateText, b: TemplateText) -> TemplateText { TemplateText(a.points + b.points) }
  static func += (a: inout TemplateText, b: TemplateText) { a.points += b.points }
  mutating func append(_ text: String) { points += text.unicodeScalars.map { CodePoint($0) } }

  /// The order of Python: by code point.
  static func isLess(_ a: TemplateText, _ b: TemplateText) -> Bool {
    a.points.lexicographicallyPrecedes(b.points) { $0.value < $1.value }
  }
}

extension Unicode.Scalar {
  /// What `str.isspace`, `str.strip` and a regular expression's `\s` take for white space.
  var isPythonSpace: Bool {
    switch value {
    case 0x09...0x0D, 0x1C...0x20, 0x85, 0xA0, 0x1680, 0x2000...0x200A, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000: true
    default: false
    }
  }

  /// What `str.splitlines` takes for the end of a line.
  var endsLine: Bool {
    switch value {
    case 0x0A...0x0D, 0x1C...0x1E, 0x85, 0x2028, 0x2029: true
    default: false
    }
  }
}
