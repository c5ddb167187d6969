// What a template is made of, as values.

/// Something that has a value. `depth` bounds how deep a walk over it goes.
struct Expression: Sendable {
  indirect enum Kind: Sendable {
    case literal(Literal)
    case name(String)
    case tuple([Expression])
    case list([Expression])
    case dictionary([(key: Expression, value: Expression)])
    case attribute(Expression, String)
    case item(Expression, Expression)
    case slice(Expression, start: Expression?, stop: Expression?, step: Expression?)
    case call(Expression, Arguments)
    case filter(Expression, String, Arguments)
    case test(Expression, String, Arguments)
    case negative(Expression)
    case positive(Expression)
    case not(Expression)
    case and(Expression, Expression)
    case or(Expression, Expression)
    case arithmetic(Operator, Expression, Expression)
    case concatenation([Expression])
    case comparison(Expression, [(Comparison, Expression)])
    case conditional(test: Expression, then: Expression, otherwise: Expression?)
  }
  let kind: Kind
  let position: Position
  let depth: Int

  enum Operator: String, Sendable {
    case add = "+"
    case subtract = "-"
    case multiply = "*"
    case divide = "/"
    case floorDivide = "//"
    case remainder = "%"
    case power = "**"
  }

  enum Comparison: String, Sendable {
    case equal = "=="
    case notEqual = "!="
    case less = "<"
    case lessOrEqual = "<="
    case greater = ">"
    case greaterOrEqual = ">="
    case isIn = "in"
    case isNotIn = "not in"
  }
}

enum Literal: Sendable, Equatable {
  case none
  case bool(Bool)
  case integer(Int)
  case float(Double)
  case text(TemplateText)
}

/// What stands between the parentheses of a call.
struct Arguments: Sendable {
  var positional: [Expression] = []
  var named: [(name: String, value: Expression)] = []
  /// `*sequence`
  var unpackedSequence: Expression?
  /// `**mapping`
  var unpackedMapping: Expression?

  var all: [Expression] {
    positional + named.map(\.value) + [unpackedSequence, unpackedMapping].compactMap { $0 }
  }
}

/// Something that is done.
struct Statement: Sendable {
  indirect enum Kind: Sendable {
    case text(TemplateText)
    case output(Expression)
    case branch([(test: Expression, body: [Statement])], otherwise: [Statement])
    case loop(ForLoop)
    case assign(Target, Expression)
    /// The filter reads the block's text by the name `Statement.body`.
    case assignBlock(Target, filter: Expression?, [Statement])
    case filterBlock(Expression, [Statement])
    case macro(MacroDefinition)
    case callBlock(MacroDefinition, Expression)
    case with([(Target, Expression)], [Statement])
    case generation([Statement])
    case breakLoop
    case continueLoop
  }
  let kind: Kind
  let position: Position
  /// A name that no template can write.
  static let body = "{body}"
}

struct ForLoop: Sendable {
  var target: Target
  var items: Expression
  var filter: Expression?
  var body: [Statement]
  var otherwise: [Statement]
}

struct MacroDefinition: Sendable {
  var name: String
  var parameters: [(name: String, fallback: Expression?)]
  var body: [Statement]
  /// Which of the special names `caller`, `varargs` and `kwargs` the body mentions.
  var special: Set<String>
}

/// What a value is assigned to.
indirect enum Target: Sendable {
  case name(String)
  case namespace(String, attribute: String, Position)
  case tuple([Target], Position)
}
