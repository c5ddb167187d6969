// Runs the statements of a template. One rendering lives and dies with one call of `Template.render`.

final class Rendering {
  let budget: Budget
  let now: TemplateDate
  var comparer: Comparer { Comparer(budget: budget) }
  /// What has been written to the innermost block that keeps its text.
  private(set) var output: [CodePoint] = []
  /// Scopes and namespaces may hold each other in circles; `finish` empties them.
  private var scopes: [Scope] = []
  private var namespaces: [Namespace] = []

  /// How a statement ends.
  enum Flow { case on, breakLoop, continueLoop }

  init(_ limits: TemplateLimits, now: TemplateDate) { (budget, self.now) = (Budget(limits), now) }

  /// Lets go of everything. Emptied one by one, a long chain is not released by recursion.
  func finish() {
    for scope in scopes { scope.variables = [:] }
    for namespace in namespaces { namespace.attributes = Mapping() }
    (scopes, namespaces) = ([], [])
  }

  func makeNamespace() -> Namespace {
    let namespace = Namespace()
    namespaces.append(namespace)
    return namespace
  }

  func write(_ text: TemplateText) throws {
    try budget.spend(text.count)
    output += text.points
    try budget.checkOutput(output.count)
  }

  /// What `body` writes, instead of writing it.
  func captured(_ body: () throws -> Void) throws -> TemplateText {
    let outer = output
    output = []
    defer { output = outer }
    try body()
    return TemplateText(output)
  }

  // MARK: Statements

  func run(_ statements: [Statement], in scope: Scope) throws -> Flow {
    for statement in statements {
      try budget.enter()
      defer { budget.leave() }
      do {
        let flow = try run(statement, in: scope)
        if flow != .on { return flow }
      } catch let error as TemplateError {
        throw error.at(statement.position)
      }
    }
    return .on
  }

  private func run(_ statement: Statement, in scope: Scope) throws -> Flow {
    switch statement.kind {
    case .text(let text): try write(text)
    case .output(let expression): try write(Printer.string(evaluate(expression, in: scope), budget))
    case .branch(let branches, let otherwise):
      for branch in branches where try evaluate(branch.test, in: scope).isTrue {
        return try run(branch.body, in: scope)
      }
      return try run(otherwise, in: scope)
    case .loop(let loop): return try run(loop, in: scope)
    case .assign(let target, let expression): try assign(evaluate(expression, in: scope), to: target, in: scope)
    case .assignBlock(let target, let filter, let body):
      try assign(try filtered(body, by: filter, in: scope), to: target, in: scope)
    case .filterBlock(let filter, let body):
      try write(Printer.string(try filtered(body, by: filter, in: scope), budget))
    case .macro(let definition): scope.variables[definition.name] = .macro(makeMacro(definition, in: scope))
    case .callBlock(let definition, let call):
      let caller = makeMacro(definition, in: scope)
      try write(Printer.string(try evaluateCall(call, in: scope, caller: .macro(caller)), budget))
    case .with(let values, let body):
      let inner = Scope(inside: scope)
      for (target, value) in values { try assign(evaluate(value, in: scope), to: target, in: inner) }
      return try run(body, in: inner)
    case .generation(let body): return try run(body, in: Scope(inside: scope))
    case .breakLoop: return .breakLoop
    case .continueLoop: return .continueLoop
    }
    return .on
  }

  private func makeMacro(_ definition: MacroDefinition, in scope: Scope) -> Macro {
    scopes.append(scope)
    return Macro(definition, in: scope)
  }

  /// What a block writes, after its filters.
  private func filtered(_ body: [Statement], by filter: Expression?, in scope: Scope) throws -> Value {
    let inner = Scope(inside: scope)
    let text = try captured { _ = try run(body, in: inner) }
    guard let filter else { return .text(text) }
    inner.variables[Statement.body] = .text(text)
    return try evaluate(filter, in: inner)
  }

  private func run(_ definition: ForLoop, in scope: Scope) throws -> Flow {
    let items = try comparer.items(evaluate(definition.items, in: scope))
    let filter = definition.filter.map { filter in
      { [self] (item: Value) throws -> Bool in
        let inner = Scope(inside: scope)
        try assign(item, to: definition.target, in: inner)
        return try evaluate(filter, in: inner).isTrue
      }
    }
    let loop = try Loop(over: items, budget, where: filter)
    var hasCompleted = false
    while let item = try loop.advance() {
      try budget.step()
      let inner = Scope(inside: scope)
      inner.variables["loop"] = .loop(loop)
      try assign(item, to: definition.target, in: inner)
      let flow = try run(definition.body, in: inner)
      if flow == .breakLoop { break }
      if flow == .on { hasCompleted = true }
    }
    // In jinja2 an iteration that ends by `break` or `continue` does not count.
    return hasCompleted ? .on : try run(definition.otherwise, in: Scope(inside: scope))
  }

  func assign(_ value: Value, to target: Target, in scope: Scope) throws {
    switch target {
    case .name(let name): scope.variables[name] = value
    case .namespace(let name, let attribute, let position):
      guard case .namespace(let namespace) = scope.value(name) else {
        let found = scope.value(name)?.typeName ?? "Undefined"
        throw TemplateError(
          "'\(name)' is of type \(found); only a namespace has attributes that can be set", at: position)
      }
      guard !attribute.hasPrefix("_") else {
        throw TemplateError("a namespace has no attributes with an underscore in front", at: position)
      }
      try namespace.attributes.set(attribute, value)
    case .tuple(let targets, let position):
      let values = try comparer.items(value)
      guard values.count == targets.count else {
        throw TemplateError("\(values.count) values are assigned to \(targets.count) names", at: position)
      }
      for (target, value) in zip(targets, values) { try assign(value, to: target, in: scope) }
    }
  }

  // MARK: Macros

  /// Calls a macro: what it writes.
  func call(_ macro: Macro, _ arguments: CallArguments) throws -> Value {
    let definition = macro.definition
    let inner = Scope(inside: macro.scope)
    var named = arguments.named
    var waiting: [(name: String, fallback: Expression?)] = []
    for (index, parameter) in definition.parameters.enumerated() {
      if index < arguments.positional.count {
        inner.variables[parameter.name] = arguments.positional[index]
      } else if let place = named.firstIndex(where: { $0.name == parameter.name }) {
        inner.variables[parameter.name] = named.remove(at: place).value
      } else {
        waiting.append(parameter)
      }
    }
    let rest = Array(arguments.positional.dropFirst(definition.parameters.count))
    try bindSpecial(definition, rest, &named, in: inner)
    for parameter in waiting {
      let missing = Value.undefined(Undefined("parameter '\(parameter.name)' was not provided"))
      inner.variables[parameter.name] = try parameter.fallback.map { try evaluate($0, in: inner) } ?? missing
    }
    return .text(try captured { _ = try run(definition.body, in: inner) })
  }

  private func bindSpecial(
    _ definition: MacroDefinition, _ rest: [Value], _ named: inout [(name: String, value: Value)], in scope: Scope
  ) throws {
    let parameters = Set(definition.parameters.map(\.name))
    func takes(_ name: String) -> Bool { definition.special.contains(name) && !parameters.contains(name) }
    if takes("caller") {
      let place = named.firstIndex { $0.name == "caller" }
      scope.variables["caller"] = place.map { named.remove(at: $0).value } ?? .undefined(Undefined("No caller defined"))
    }
    if takes("varargs") {
      scope.variables["varargs"] = try .tupleOf(rest)
    } else if !rest.isEmpty {
      throw TemplateError(
        "the macro '\(definition.name)' takes \(definition.parameters.count) values, but was given "
          + "\(definition.parameters.count + rest.count)")
    }
    if takes("kwargs") {
      var mapping = Mapping()
      for (name, value) in named { try mapping.set(name, value) }
      scope.variables["kwargs"] = .dictionary(mapping)
    } else if let extra = named.first {
      throw TemplateError("the macro '\(definition.name)' has no parameter '\(extra.name)'")
    }
  }
}
