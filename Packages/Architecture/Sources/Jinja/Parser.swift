// From tokens to statements, by recursive descent in the order of jinja2's own parser.

/// One pass over the tokens of a template.
struct Parser {
  private let tokens: [Token]
  private var index = 0
  private var depth = 0
  /// The loops around the current statement, up to the next macro.
  var loops = 0
  /// The conditions around the current expression: what is in one may use a filter that does not exist.
  var conditions = 0
  /// The special names that the macros around the current statement have mentioned.
  var mentioned: Set<String> = []

  static let maxDepth = 64
  static let maxChain = 150

  init(_ tokens: [Token]) { self.tokens = tokens }

  /// Throws `TemplateError`.
  static func statements(of source: String) throws -> [Statement] {
    var parser = Parser(try Lexer.tokens(of: source))
    let statements = try parser.statements(until: [])
    guard parser.current.kind == .end else { throw parser.unexpected("a statement") }
    return statements
  }

  // MARK: Tokens

  var current: Token { tokens[index] }
  var following: Token { tokens[Swift.min(index + 1, tokens.count - 1)] }

  @discardableResult
  mutating func advance() -> Token {
    let token = tokens[index]
    if index < tokens.count - 1 { index += 1 }
    return token
  }
  mutating func take(_ kind: Token.Kind) -> Bool {
    guard current.kind == kind else { return false }
    advance()
    return true
  }
  mutating func take(_ mark: String) -> Bool { take(.mark(mark)) }
  mutating func takeName(_ name: String) -> Bool { take(.name(name)) }
  func isAt(_ mark: String) -> Bool { current.kind == .mark(mark) }

  mutating func expect(_ kind: Token.Kind, _ what: String) throws {
    guard take(kind) else { throw unexpected(what) }
  }
  mutating func expectName(_ what: String = "a name") throws -> String {
    guard case .name(let name) = current.kind else { throw unexpected(what) }
    advance()
    return name
  }

  func unexpected(_ expected: String) -> TemplateError {
    error("\(current.summary) stands where \(expected) is expected", at: current.position)
  }
  func error(_ message: String, at position: Position) -> TemplateError {
    TemplateError(message, kind: .syntax, at: position)
  }

  /// Reads something that may contain itself.
  mutating func nested<Result>(_ read: (inout Parser) throws -> Result) throws -> Result {
    guard depth < Self.maxDepth else {
      throw error(
        "this is nested more than \(Self.maxDepth) levels deep, which is the deepest that is read",
        at: current.position)
    }
    depth += 1
    defer { depth -= 1 }
    return try read(&self)
  }

  /// Makes a node, and bounds how deep it is.
  func node(_ kind: Expression.Kind, at position: Position, over parts: [Expression] = []) throws -> Expression {
    let depth = (parts.map(\.depth).max() ?? 0) + 1
    guard depth <= Self.maxChain else {
      throw error("this expression is a chain of more than \(Self.maxChain) parts; use shorter ones", at: position)
    }
    return Expression(kind: kind, position: position, depth: depth)
  }

  // MARK: Statements

  /// Statements up to a block that begins with one of `ends`, whose name is the current token then.
  mutating func statements(until ends: Set<String>) throws -> [Statement] {
    var result: [Statement] = []
    while true {
      let position = current.position
      switch current.kind {
      case .data(let text):
        advance()
        result.append(Statement(kind: .text(text), position: position))
      case .variableBegin:
        advance()
        let expression = try tuple()
        try expect(.variableEnd, "'}}'")
        result.append(Statement(kind: .output(expression), position: position))
      case .blockBegin:
        advance()
        if case .name(let name) = current.kind, ends.contains(name) { return result }
        result += try nested { try $0.statement(endedBy: ends) }
        try expect(.blockEnd, "'%}'")
      case .end:
        if ends.isEmpty { return result }
        throw error("the template ends where \(Self.list(ends)) is expected", at: position)
      case .blockEnd, .variableEnd, .name, .string, .integer, .float, .mark: throw unexpected("text or a tag")
      }
    }
  }

  /// The body of a block: the end of its first tag, and statements up to one of `ends`.
  mutating func body(until ends: Set<String>) throws -> [Statement] {
    _ = take(":")
    try expect(.blockEnd, "'%}'")
    return try statements(until: ends)
  }

  /// The body of a block that `end` closes.
  mutating func body(until end: String) throws -> [Statement] {
    let statements = try body(until: [end] as Set<String>)
    advance()
    return statements
  }

  static func list(_ names: Set<String>) -> String {
    names.sorted().map { "'\($0)'" }.joined(separator: " or ")
  }
}
