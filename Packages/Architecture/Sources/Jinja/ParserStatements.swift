// The statements: what may stand after `{%`.

extension Parser {
  /// One statement, without the end of its last tag.
  mutating func statement(endedBy ends: Set<String>) throws -> [Statement] {
    let position = current.position
    let name = try expectName("the name of a statement")
    func made(_ kind: Statement.Kind) -> [Statement] { [Statement(kind: kind, position: position)] }
    switch name {
    case "if": return made(try branch())
    case "for": return made(try loop())
    case "set": return made(try assignment())
    case "macro": return made(.macro(try macro(position)))
    case "call": return made(try callBlock(position))
    case "filter": return made(try filterBlock(position))
    case "with": return made(try with())
    case "print": return try print(position)
    case "generation": return made(.generation(try apart { try $0.body(until: "endgeneration") }))
    case "break", "continue":
      guard loops > 0 else { throw error("'\(name)' stands outside of a loop", at: position) }
      return made(name == "break" ? .breakLoop : .continueLoop)
    case "include", "import", "from", "extends", "block", "autoescape", "do", "trans":
      throw error("the statement '\(name)' is not supported in a chat template", at: position)
    default:
      let wanted = ends.isEmpty ? "a statement" : "a statement or \(Self.list(ends))"
      throw error("'\(name)' is not a statement; expected \(wanted)", at: position)
    }
  }

  private mutating func branch() throws -> Statement.Kind {
    conditions += 1
    defer { conditions -= 1 }
    var branches: [(test: Expression, body: [Statement])] = []
    while true {
      let test = try tuple(withConditional: false)
      branches.append((test, try body(until: ["elif", "else", "endif"])))
      let end = try expectName()
      if end == "elif" { continue }
      return .branch(branches, otherwise: end == "else" ? try body(until: "endif") : [])
    }
  }

  private mutating func loop() throws -> Statement.Kind {
    let target = try target(endedBy: "in")
    try expect(.name("in"), "'in'")
    let items = try tuple(withConditional: false, endedBy: "recursive")
    let filter = takeName("if") ? try expression() : nil
    if current.kind == .name("recursive") {
      throw error("recursive loops are not supported; a macro can call itself", at: current.position)
    }
    loops += 1
    let main = try body(until: ["endfor", "else"])
    loops -= 1
    let otherwise = try expectName() == "else" ? try body(until: "endfor") : []
    if Self.names(target).contains("loop") {
      throw error("'loop' cannot be a loop's variable; take another name", at: items.position)
    }
    return .loop(ForLoop(target: target, items: items, filter: filter, body: main, otherwise: otherwise))
  }

  private static func names(_ target: Target) -> [String] {
    switch target {
    case .name(let name): [name]
    case .namespace: []
    case .tuple(let parts, _): parts.flatMap(names)
    }
  }

  private mutating func assignment() throws -> Statement.Kind {
    let target = try target(withNamespace: true)
    if take("=") { return .assign(target, try tuple()) }
    let filter = isAt("|") ? try filters(over: bodyName()) : nil
    return .assignBlock(target, filter: filter, try body(until: "endset"))
  }

  private mutating func filterBlock(_ position: Position) throws -> Statement.Kind {
    let filter = try filters(over: bodyName(), beginsInside: true)
    return .filterBlock(filter, try body(until: "endfilter"))
  }

  /// What the filters of a block are applied to.
  private func bodyName() throws -> Expression { try node(.name(Statement.body), at: current.position) }

  private mutating func with() throws -> Statement.Kind {
    var values: [(Target, Expression)] = []
    while current.kind != .blockEnd {
      if !values.isEmpty { try expect(.mark(","), "','") }
      let target = try target()
      try expect(.mark("="), "'='")
      values.append((target, try expression()))
    }
    return .with(values, try body(until: "endwith"))
  }

  private mutating func print(_ position: Position) throws -> [Statement] {
    var result: [Statement] = []
    while current.kind != .blockEnd {
      if !result.isEmpty { try expect(.mark(","), "','") }
      result.append(Statement(kind: .output(try expression()), position: position))
    }
    return result
  }

  // MARK: Macros

  /// Reads what becomes a function of its own: no loop reaches into it.
  private mutating func apart<Result>(_ read: (inout Parser) throws -> Result) throws -> Result {
    let outer = loops
    loops = 0
    defer { loops = outer }
    return try read(&self)
  }

  private mutating func macro(_ position: Position) throws -> MacroDefinition {
    let name = try assignableName()
    return try definition(name, parameters: try parameters(), end: "endmacro")
  }

  private mutating func definition(
    _ name: String, parameters: [(name: String, fallback: Expression?)], end: String
  ) throws -> MacroDefinition {
    let outer = mentioned
    mentioned = []
    let body = try apart { try $0.body(until: end) }
    let special = mentioned
    mentioned = outer.union(special)
    return MacroDefinition(name: name, parameters: parameters, body: body, special: special)
  }

  private mutating func callBlock(_ position: Position) throws -> Statement.Kind {
    let parameters = isAt("(") ? try parameters() : []
    let call = try expression()
    guard case .call = call.kind else {
      throw error("a call block needs a call, as in {% call name() %}", at: position)
    }
    return .callBlock(try definition("caller", parameters: parameters, end: "endcall"), call)
  }

  private mutating func parameters() throws -> [(name: String, fallback: Expression?)] {
    try expect(.mark("("), "'('")
    var result: [(name: String, fallback: Expression?)] = []
    while !isAt(")") {
      if !result.isEmpty { try expect(.mark(","), "','") }
      let position = current.position
      let name = try assignableName()
      let fallback = take("=") ? try expression() : nil
      if fallback == nil, result.last?.fallback != nil {
        throw error("the parameter '\(name)' has no default but follows one that has", at: position)
      }
      result.append((name, fallback))
    }
    advance()
    return result
  }

  // MARK: Targets

  private mutating func assignableName() throws -> String {
    let position = current.position
    let name = try expectName()
    guard !["true", "false", "none", "True", "False", "None"].contains(name) else {
      throw error("'\(name)' is a value; nothing can be assigned to it", at: position)
    }
    return name
  }

  private mutating func target(withNamespace: Bool = false, endedBy end: String? = nil) throws -> Target {
    let position = current.position
    var (parts, isTuple): ([Target], Bool) = ([], false)
    while true {
      if isAt(")") || current.kind == .blockEnd || (end.map { current.kind == .name($0) } ?? false) { break }
      parts.append(try nested { try $0.singleTarget(withNamespace: withNamespace) })
      guard take(",") else { break }
      isTuple = true
    }
    if !isTuple, let only = parts.first { return only }
    guard isTuple else { throw unexpected("a name to assign to") }
    return .tuple(parts, position)
  }

  private mutating func singleTarget(withNamespace: Bool) throws -> Target {
    let position = current.position
    if take("(") {
      let inner = try target(withNamespace: false)
      try expect(.mark(")"), "')'")
      return inner
    }
    let name = try assignableName()
    guard withNamespace, take(".") else { return .name(name) }
    return .namespace(name, attribute: try expectName("the name of an attribute"), position)
  }
}
