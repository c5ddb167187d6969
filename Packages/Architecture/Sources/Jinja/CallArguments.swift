// The arguments of a call, and how a function takes them.

struct CallArguments {
  var positional: [Value] = []
  var named: [(name: String, value: Value)] = []

  /// The values of `parameters` in their order, nil where none was given. Throws for what the function does not take.
  func values(_ parameters: String..., of function: String) throws -> [Value?] {
    guard positional.count <= parameters.count else {
      throw TemplateError(
        "'\(function)' takes at most \(parameters.count) values here, but was given \(positional.count)")
    }
    var values: [Value?] = positional
    values += Array(repeating: nil, count: parameters.count - positional.count)
    for (name, value) in named {
      guard let place = parameters.firstIndex(of: name), values[place] == nil else {
        throw TemplateError(
          "'\(function)' takes no argument '\(name)' here; it takes "
            + (parameters.isEmpty ? "none" : parameters.joined(separator: ", ")))
      }
      values[place] = value
    }
    return values
  }

  /// Arguments of which the first has been taken.
  var rest: CallArguments { CallArguments(positional: Array(positional.dropFirst()), named: named) }
}

/// Reading an argument as what it must be.
extension Value? {
  func integer(_ name: String) throws -> Int? {
    guard let self, !self.isNone else { return nil }
    guard let number = self.asInteger else {
      if case .undefined(let missing) = self { throw missing.error }
      throw TemplateError("\(name) is of type \(self.typeName); it must be a whole number")
    }
    return number
  }
  func text(_ name: String) throws -> TemplateText? {
    guard let self, !self.isNone else { return nil }
    guard case .text(let text) = self else {
      if case .undefined(let missing) = self { throw missing.error }
      throw TemplateError("\(name) is of type \(self.typeName); it must be a text")
    }
    return text
  }
  var isTrue: Bool { self?.isTrue ?? false }
}
