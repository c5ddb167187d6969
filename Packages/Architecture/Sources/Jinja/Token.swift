// What the lexer hands to the parser.

/// A stretch of the source with its meaning.
struct Token: Sendable {
  enum Kind: Sendable, Equatable {
    case data(TemplateText)
    case blockBegin, blockEnd, variableBegin, variableEnd
    case name(String)
    case string(TemplateText)
    case integer(Int)
    case float(Double)
    case mark(String)
    case end
  }
  var kind: Kind
  var position: Position

  /// What it is, for sentences about mistakes.
  var summary: String {
    switch kind {
    case .data: "text"
    case .blockBegin: "'{%'"
    case .blockEnd: "'%}'"
    case .variableBegin: "'{{'"
    case .variableEnd: "'}}'"
    case .name(let name): "'\(name)'"
    case .string: "a string"
    case .integer(let value): "\(value)"
    case .float(let value): "\(value)"
    case .mark(let mark): "'\(mark)'"
    case .end: "the end of the template"
    }
  }
}
