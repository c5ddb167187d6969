// The functions that every chat template can call.

extension Rendering {
  func call(_ function: Function, _ arguments: CallArguments) throws -> Value {
    switch function {
    case .range: return .range(try range(arguments))
    case .dict: return .dictionary(try mapping(arguments))
    case .namespace:
      let namespace = makeNamespace()
      namespace.attributes = try mapping(arguments)
      return .namespace(namespace)
    case .raiseException:
      let message = try arguments.values("message", of: function.rawValue)[0] ?? .none
      throw TemplateError(try Printer.string(message, budget).string, kind: .raised)
    case .now:
      guard let format = try arguments.values("format", of: function.rawValue)[0].text("the format") else {
        throw TemplateError("'strftime_now' needs a format")
      }
      // A directive of two characters may write twenty-five.
      try budget.spend(16 * format.count)
      return .string(try now.written(as: format.string))
    case .lipsum, .cycler, .joiner:
      throw TemplateError("the function '\(function.rawValue)' is not supported in a chat template")
    }
  }

  private func range(_ arguments: CallArguments) throws -> Span {
    guard arguments.named.isEmpty, (1...3).contains(arguments.positional.count) else {
      throw TemplateError("'range' takes one to three whole numbers")
    }
    let numbers = try arguments.positional.map { try Optional($0).integer("a number of 'range'") ?? 0 }
    return numbers.count == 1
      ? try Span(from: 0, to: numbers[0], by: 1)
      : try Span(from: numbers[0], to: numbers[1], by: numbers.count == 3 ? numbers[2] : 1)
  }

  private func mapping(_ arguments: CallArguments) throws -> Mapping {
    var mapping = Mapping()
    guard arguments.positional.count <= 1 else { throw TemplateError("a mapping is made from one other at most") }
    switch arguments.positional.first {
    case nil: break
    case .some(.dictionary(let other)): mapping = other
    case .some(.namespace(let other)): mapping = other.attributes
    case .some(let pairs):
      for pair in try comparer.items(pairs) {
        let parts = try comparer.items(pair)
        guard parts.count == 2 else {
          throw TemplateError("a mapping is made from pairs, but one has \(parts.count) parts")
        }
        try mapping.set(parts[0], parts[1], budget)
      }
    }
    try budget.spend(4 * mapping.count)
    for (name, value) in arguments.named { try mapping.set(name, value) }
    return mapping
  }
}
