// What may follow an expression: attributes, subscripts, calls, filters and tests.

extension Parser {
  mutating func postfix(_ start: Expression) throws -> Expression {
    var result = start
    while case .mark(let mark) = current.kind {
      switch mark {
      case ".": result = try attribute(of: result)
      case "[": result = try subscripted(result)
      case "(": result = try call(result)
      default: return result
      }
    }
    return result
  }

  private mutating func attribute(of owner: Expression) throws -> Expression {
    let position = advance().position
    switch current.kind {
    case .name(let name):
      advance()
      return try node(.attribute(owner, name), at: position, over: [owner])
    case .integer(let number):
      let index = try node(.literal(.integer(number)), at: advance().position)
      return try node(.item(owner, index), at: position, over: [owner])
    case .data, .blockBegin, .blockEnd, .variableBegin, .variableEnd, .string, .float, .mark, .end:
      throw unexpected("the name of an attribute")
    }
  }

  private mutating func subscripted(_ owner: Expression) throws -> Expression {
    let position = advance().position
    if isAt("]") { throw unexpected("an index") }
    let start = isAt(":") ? nil : try expression()
    guard take(":") else {
      guard let start else { throw unexpected("an index") }
      if isAt(",") { throw error("an index of several parts is not supported", at: current.position) }
      try expect(.mark("]"), "']'")
      return try node(.item(owner, start), at: position, over: [owner, start])
    }
    let stop = isAt(":") || isAt("]") ? nil : try expression()
    let step = take(":") && !isAt("]") ? try expression() : nil
    try expect(.mark("]"), "']'")
    let parts = [owner] + [start, stop, step].compactMap { $0 }
    return try node(.slice(owner, start: start, stop: stop, step: step), at: position, over: parts)
  }

  private mutating func call(_ callee: Expression) throws -> Expression {
    let position = current.position
    let arguments = try arguments()
    return try node(.call(callee, arguments), at: position, over: [callee] + arguments.all)
  }

  /// The arguments of a call, with their parentheses.
  private mutating func arguments() throws -> Arguments {
    advance()
    var result = Arguments()
    func misplaced(_ what: String) -> TemplateError {
      error("\(what) cannot stand here; the order is values, names, *sequence, **mapping", at: current.position)
    }
    while !isAt(")") {
      if take("*") {
        guard result.unpackedSequence == nil, result.unpackedMapping == nil else { throw misplaced("*") }
        result.unpackedSequence = try expression()
      } else if take("**") {
        guard result.unpackedMapping == nil else { throw misplaced("**") }
        result.unpackedMapping = try expression()
      } else if case .name(let name) = current.kind, following.kind == .mark("=") {
        guard result.unpackedMapping == nil else { throw misplaced("a named argument") }
        guard !result.named.contains(where: { $0.name == name }) else { throw misplaced("a second '\(name)'") }
        advance()
        advance()
        result.named.append((name, try expression()))
      } else {
        guard result.named.isEmpty, result.unpackedSequence == nil, result.unpackedMapping == nil else {
          throw misplaced("a value without a name")
        }
        result.positional.append(try expression())
      }
      guard take(",") else { break }
    }
    try expect(.mark(")"), "',' or ')'")
    return result
  }

  mutating func filtersAndTests(_ start: Expression) throws -> Expression {
    var result = start
    while true {
      if isAt("|") {
        result = try filters(over: result)
      } else if current.kind == .name("is") {
        result = try test(result)
      } else if isAt("(") {
        result = try call(result)
      } else {
        return result
      }
    }
  }

  /// Filters over `input`; with `beginsInside` the first one's bar has been left out.
  mutating func filters(over input: Expression, beginsInside: Bool = false) throws -> Expression {
    var (result, isFirst) = (input, beginsInside)
    while isFirst || take("|") {
      isFirst = false
      let position = current.position
      let name = try dottedName("the name of a filter")
      guard conditions > 0 || Filter(rawValue: name) != nil else {
        throw error("there is no filter '\(name)' here", at: position)
      }
      let arguments = isAt("(") ? try arguments() : Arguments()
      result = try node(.filter(result, name, arguments), at: position, over: [result] + arguments.all)
    }
    return result
  }

  private mutating func dottedName(_ what: String) throws -> String {
    var name = try expectName(what)
    while take(".") { name += "." + (try expectName(what)) }
    return name
  }

  private mutating func test(_ subject: Expression) throws -> Expression {
    let position = advance().position
    let isNegated = takeName("not")
    let namePosition = current.position
    let name = try dottedName("the name of a test")
    guard conditions > 0 || Test(rawValue: name) != nil else {
      throw error("there is no test '\(name)' here", at: namePosition)
    }
    var arguments = Arguments()
    if isAt("(") {
      arguments = try self.arguments()
    } else if beginsTestArgument {
      if current.kind == .name("is") { throw error("tests cannot be chained by 'is'", at: current.position) }
      arguments.positional = [try nested { try $0.testArgument() }]
    }
    let result = try node(.test(subject, name, arguments), at: position, over: [subject] + arguments.all)
    return isNegated ? try node(.not(result), at: position, over: [result]) : result
  }

  private var beginsTestArgument: Bool {
    switch current.kind {
    case .name(let name): !["else", "or", "and"].contains(name)
    case .string, .integer, .float: true
    case .mark(let mark): mark == "[" || mark == "{"
    case .data, .blockBegin, .blockEnd, .variableBegin, .variableEnd, .end: false
    }
  }
}
