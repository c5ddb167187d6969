// A Jinja template as models carry it for their conversations: read once, rendered as often as needed.

/// A template that has been read. It renders as `transformers` renders it: with `trim_blocks`, `lstrip_blocks`, loop
/// controls, an immutable sandbox, and `tojson`, `raise_exception`, `strftime_now` and `generation` added.
public struct Template: Sendable {
  private let statements: [Statement]

  /// Reads a template. Throws `TemplateError` with the place of what it cannot be.
  public init(_ source: String) throws { statements = try Parser.statements(of: source) }

  /// Renders the template.
  /// - Parameters:
  ///   - variables: What the template sees by name. Its texts are marked as coming from outside, all but each `role`
  ///     that is a word: templates make markers from it.
  ///   - trusted: More of it, whose texts count as the template's own: the special tokens.
  ///   - now: What `strftime_now` writes.
  /// - Throws: `TemplateError`, also when the template does more than `limits` allow.
  public func render(
    _ variables: [String: TemplateValue], trusted: [String: TemplateValue] = [:], now: TemplateDate,
    limits: TemplateLimits = TemplateLimits()
  ) throws -> RenderedText {
    let rendering = Rendering(limits, now: now)
    defer { rendering.finish() }
    let globals = Scope(inside: nil)
    for function in Function.allCases { globals.variables[function.rawValue] = .function(function) }
    for (name, value) in trusted { globals.variables[name] = try Value(value, trusted: true) }
    for (name, value) in variables { globals.variables[name] = try Value(value, trusted: false) }
    _ = try rendering.run(statements, in: Scope(inside: globals))
    return RenderedText(rendering.output)
  }
}

/// What a template has written, with the knowledge of which parts came from outside.
public struct RenderedText: Sendable, Hashable {
  /// A stretch of text from one source.
  public struct Part: Sendable, Hashable {
    public var text: String
    /// True for what came with the variables: special tokens written in it are not special.
    public var isForeign: Bool
  }
  public let parts: [Part]

  init(_ points: [CodePoint]) {
    var (parts, text) = ([Part](), String.UnicodeScalarView())
    for (index, point) in points.enumerated() {
      text.append(point.scalar)
      guard index + 1 == points.count || points[index + 1].isForeign != point.isForeign else { continue }
      parts.append(Part(text: String(text), isForeign: point.isForeign))
      text = String.UnicodeScalarView()
    }
    self.parts = parts
  }

  /// The whole text.
  public var text: String { parts.map(\.text).joined() }
}
