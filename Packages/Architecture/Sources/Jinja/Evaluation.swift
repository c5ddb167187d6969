// What expressions give.

extension Rendering {
  func evaluate(_ expression: Expression, in scope: Scope) throws -> Value {
    try budget.enter()
    defer { budget.leave() }
    do {
      return try value(of: expression, in: scope)
    } catch let error as TemplateError {
      throw error.at(expression.position)
    }
  }

  private func value(of expression: Expression, in scope: Scope) throws -> Value {
    switch expression.kind {
    case .literal(let literal): return Self.value(of: literal)
    case .name(let name): return scope.value(name) ?? .undefined(Undefined("'\(name)' is undefined"))
    case .tuple(let parts): return try .tupleOf(parts.map { try evaluate($0, in: scope) })
    case .list(let parts): return try .listOf(parts.map { try evaluate($0, in: scope) })
    case .dictionary(let pairs): return try dictionary(pairs, in: scope)
    case .attribute(let owner, let name): return try attribute(name, of: evaluate(owner, in: scope))
    case .item(let owner, let index):
      return try item(evaluate(index, in: scope), of: evaluate(owner, in: scope))
    case .slice(let owner, let start, let stop, let step):
      let bounds = try [start, stop, step].map { try $0.map { try evaluate($0, in: scope) } ?? .none }
      return try slice(evaluate(owner, in: scope), bounds[0], bounds[1], bounds[2])
    case .call: return try evaluateCall(expression, in: scope, caller: nil)
    case .filter(let input, let name, let arguments):
      let value = try evaluate(input, in: scope)
      return try filter(name, value, try values(of: arguments, in: scope))
    case .test(let subject, let name, let arguments):
      let value = try evaluate(subject, in: scope)
      return .bool(try test(name, value, try values(of: arguments, in: scope)))
    case .negative, .positive, .not, .and, .or, .arithmetic, .concatenation, .comparison, .conditional:
      return try operation(expression, in: scope)
    }
  }

  private static func value(of literal: Literal) -> Value {
    switch literal {
    case .none: .none
    case .bool(let flag): .bool(flag)
    case .integer(let number): .integer(number)
    case .float(let number): .float(number)
    case .text(let text): .text(text)
    }
  }

  private func dictionary(_ pairs: [(key: Expression, value: Expression)], in scope: Scope) throws -> Value {
    var mapping = Mapping()
    for pair in pairs {
      try mapping.set(evaluate(pair.key, in: scope), evaluate(pair.value, in: scope), budget)
    }
    return .dictionary(mapping)
  }

  private func operation(_ expression: Expression, in scope: Scope) throws -> Value {
    switch expression.kind {
    case .not(let operand): return .bool(try !evaluate(operand, in: scope).isTrue)
    case .and(let left, let right):
      let value = try evaluate(left, in: scope)
      return value.isTrue ? try evaluate(right, in: scope) : value
    case .or(let left, let right):
      let value = try evaluate(left, in: scope)
      return value.isTrue ? value : try evaluate(right, in: scope)
    case .negative(let operand): return try signed(evaluate(operand, in: scope), isNegative: true)
    case .positive(let operand): return try signed(evaluate(operand, in: scope), isNegative: false)
    case .arithmetic(let kind, let left, let right):
      let value = try evaluate(left, in: scope)
      return try Arithmetic(budget: budget).result(kind, value, evaluate(right, in: scope))
    case .concatenation(let parts):
      var text = TemplateText("")
      for part in parts {
        let more = try Printer.string(evaluate(part, in: scope), budget)
        try budget.spend(more.count)
        text += more
      }
      return .text(text)
    case .comparison(let first, let rest): return .bool(try comparison(first, rest, in: scope))
    case .conditional(let test, let then, let otherwise):
      if try evaluate(test, in: scope).isTrue { return try evaluate(then, in: scope) }
      if let otherwise { return try evaluate(otherwise, in: scope) }
      return .undefined(Undefined("the inline if-expression evaluated to false and no else section was defined"))
    case .literal, .name, .tuple, .list, .dictionary, .attribute, .item, .slice, .call, .filter, .test:
      return try evaluate(expression, in: scope)
    }
  }

  private func signed(_ value: Value, isNegative: Bool) throws -> Value {
    if case .undefined(let missing) = value { throw missing.error }
    if let number = value.asInteger {
      guard isNegative else { return .integer(number) }
      let (result, overflows) = (0).subtractingReportingOverflow(number)
      guard !overflows else { throw TemplateError("a whole number does not fit 64 bits, which is the largest here") }
      return .integer(result)
    }
    guard case .float(let number) = value else {
      throw TemplateError("a value of type \(value.typeName) has no sign; a number has")
    }
    return .float(isNegative ? -number : number)
  }

  private func comparison(
    _ first: Expression, _ rest: [(Expression.Comparison, Expression)], in scope: Scope
  ) throws -> Bool {
    var left = try evaluate(first, in: scope)
    for (kind, expression) in rest {
      let right = try evaluate(expression, in: scope)
      guard try comparer.holds(kind, left, right) else { return false }
      left = right
    }
    return true
  }

  // MARK: Calls

  func values(of arguments: Arguments, in scope: Scope) throws -> CallArguments {
    var result = CallArguments()
    result.positional = try arguments.positional.map { try evaluate($0, in: scope) }
    result.named = try arguments.named.map { ($0.name, try evaluate($0.value, in: scope)) }
    if let sequence = arguments.unpackedSequence {
      result.positional += try comparer.items(evaluate(sequence, in: scope))
    }
    if let unpacked = arguments.unpackedMapping {
      guard case .dictionary(let mapping) = try evaluate(unpacked, in: scope) else {
        throw TemplateError("'**' needs a mapping behind it")
      }
      for entry in mapping.entries {
        guard case .text(let name) = entry.name else {
          throw TemplateError("'**' needs a mapping whose keys are texts")
        }
        result.named.append((name.string, entry.value))
      }
    }
    return result
  }

  /// A call; with a `caller`, of a call block.
  func evaluateCall(_ expression: Expression, in scope: Scope, caller: Value?) throws -> Value {
    guard case .call(let callee, let arguments) = expression.kind else { return try evaluate(expression, in: scope) }
    let function = try evaluate(callee, in: scope)
    var values = try values(of: arguments, in: scope)
    if let caller { values.named.append(("caller", caller)) }
    switch function {
    case .macro(let macro): return try call(macro, values)
    case .function(let function): return try call(function, values)
    case .method(let receiver, let name): return try call(name, of: receiver, values)
    case .undefined(let missing): throw missing.error
    case .none, .bool, .integer, .float, .text, .list, .tuple, .dictionary, .view, .range, .iterator, .namespace, .loop:
      throw TemplateError("a value of type \(function.typeName) cannot be called; a macro, a function or a method can")
    }
  }
}
