// Expressions, from the loosest binding to the tightest.

extension Parser {
  /// One expression, or several with commas between them.
  mutating func tuple(
    withConditional: Bool = true, endedBy end: String? = nil, inParentheses: Bool = false
  ) throws -> Expression {
    let position = current.position
    var (parts, isTuple): ([Expression], Bool) = ([], false)
    while true {
      if current.kind == .variableEnd || current.kind == .blockEnd || isAt(")")
        || (end.map { current.kind == .name($0) } ?? false)
      {
        break
      }
      parts.append(try expression(withConditional: withConditional))
      guard take(",") else { break }
      isTuple = true
    }
    if !isTuple, let only = parts.first { return only }
    guard isTuple || inParentheses else { throw unexpected("an expression") }
    return try node(.tuple(parts), at: position, over: parts)
  }

  mutating func expression(withConditional: Bool = true) throws -> Expression {
    try nested { try withConditional ? $0.conditional() : $0.disjunction() }
  }

  private mutating func conditional() throws -> Expression {
    let position = current.position
    var result = try disjunction()
    while takeName("if") {
      conditions += 1
      defer { conditions -= 1 }
      let test = try disjunction()
      let otherwise = takeName("else") ? try nested { try $0.conditional() } : nil
      let parts = [test, result] + (otherwise.map { [$0] } ?? [])
      result = try node(.conditional(test: test, then: result, otherwise: otherwise), at: position, over: parts)
    }
    return result
  }

  private mutating func disjunction() throws -> Expression {
    let position = current.position
    var left = try conjunction()
    while takeName("or") {
      let right = try conjunction()
      left = try node(.or(left, right), at: position, over: [left, right])
    }
    return left
  }

  private mutating func conjunction() throws -> Expression {
    let position = current.position
    var left = try negation()
    while takeName("and") {
      let right = try negation()
      left = try node(.and(left, right), at: position, over: [left, right])
    }
    return left
  }

  private mutating func negation() throws -> Expression {
    let position = current.position
    guard takeName("not") else { return try comparison() }
    let operand = try nested { try $0.negation() }
    return try node(.not(operand), at: position, over: [operand])
  }

  private mutating func comparison() throws -> Expression {
    let position = current.position
    let first = try sum()
    var rest: [(Expression.Comparison, Expression)] = []
    while let comparison = takeComparison() { rest.append((comparison, try sum())) }
    return rest.isEmpty ? first : try node(.comparison(first, rest), at: position, over: [first] + rest.map(\.1))
  }

  private mutating func takeComparison() -> Expression.Comparison? {
    if case .mark(let mark) = current.kind, let comparison = Expression.Comparison(rawValue: mark) {
      advance()
      return comparison
    }
    if takeName("in") { return .isIn }
    guard current.kind == .name("not"), following.kind == .name("in") else { return nil }
    advance()
    advance()
    return .isNotIn
  }

  private mutating func takeOperator(_ marks: String...) -> Expression.Operator? {
    guard case .mark(let mark) = current.kind, marks.contains(mark) else { return nil }
    advance()
    return Expression.Operator(rawValue: mark)
  }

  private mutating func sum() throws -> Expression {
    var left = try concatenation()
    while true {
      let position = current.position
      guard let kind = takeOperator("+", "-") else { return left }
      let right = try concatenation()
      left = try node(.arithmetic(kind, left, right), at: position, over: [left, right])
    }
  }

  private mutating func concatenation() throws -> Expression {
    let position = current.position
    var parts = [try product()]
    while take("~") { parts.append(try product()) }
    return parts.count == 1 ? parts[0] : try node(.concatenation(parts), at: position, over: parts)
  }

  private mutating func product() throws -> Expression {
    var left = try power()
    while true {
      let position = current.position
      guard let kind = takeOperator("*", "/", "//", "%") else { return left }
      let right = try power()
      left = try node(.arithmetic(kind, left, right), at: position, over: [left, right])
    }
  }

  private mutating func power() throws -> Expression {
    var left = try unary()
    while true {
      let position = current.position
      guard takeOperator("**") != nil else { return left }
      let right = try unary()
      left = try node(.arithmetic(.power, left, right), at: position, over: [left, right])
    }
  }

  private mutating func unary(withFilters: Bool = true) throws -> Expression {
    let position = current.position
    var result: Expression
    if take("-") {
      let operand = try nested { try $0.unary(withFilters: false) }
      result = try node(.negative(operand), at: position, over: [operand])
    } else if take("+") {
      let operand = try nested { try $0.unary(withFilters: false) }
      result = try node(.positive(operand), at: position, over: [operand])
    } else {
      result = try primary()
    }
    result = try postfix(result)
    return withFilters ? try filtersAndTests(result) : result
  }

  // MARK: Primary expressions

  /// The argument of a test without parentheses.
  mutating func testArgument() throws -> Expression { try postfix(try primary()) }

  private mutating func primary() throws -> Expression {
    let token = current
    func literal(_ value: Literal) throws -> Expression { try node(.literal(value), at: token.position) }
    switch token.kind {
    case .name(let name):
      advance()
      switch name {
      case "true", "True": return try literal(.bool(true))
      case "false", "False": return try literal(.bool(false))
      case "none", "None": return try literal(.none)
      default:
        if ["caller", "varargs", "kwargs"].contains(name) { mentioned.insert(name) }
        return try node(.name(name), at: token.position)
      }
    case .string(var text):
      advance()
      while case .string(let more) = current.kind {
        text += more
        advance()
      }
      return try literal(.text(text))
    case .integer(let value):
      advance()
      return try literal(.integer(value))
    case .float(let value):
      advance()
      return try literal(.float(value))
    case .mark("("):
      advance()
      let inner = try tuple(inParentheses: true)
      try expect(.mark(")"), "')'")
      return inner
    case .mark("["): return try list()
    case .mark("{"): return try dictionary()
    case .data, .blockBegin, .blockEnd, .variableBegin, .variableEnd, .mark, .end: throw unexpected("an expression")
    }
  }

  private mutating func list() throws -> Expression {
    let position = advance().position
    var items: [Expression] = []
    while !isAt("]") {
      items.append(try expression())
      guard take(",") else { break }
    }
    try expect(.mark("]"), "',' or ']'")
    return try node(.list(items), at: position, over: items)
  }

  private mutating func dictionary() throws -> Expression {
    let position = advance().position
    var items: [(key: Expression, value: Expression)] = []
    while !isAt("}") {
      let key = try expression()
      try expect(.mark(":"), "':'")
      items.append((key, try expression()))
      guard take(",") else { break }
    }
    try expect(.mark("}"), "',' or '}'")
    return try node(.dictionary(items), at: position, over: items.flatMap { [$0.key, $0.value] })
  }
}
