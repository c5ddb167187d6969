// The tests that may stand behind `is`.

/// A test by its name in templates.
enum Test: String, CaseIterable {
  case defined, undefined, none, boolean, `true`, `false`, integer, float, number, string, mapping, sequence, iterable
  case callable, escaped, lower, upper, odd, even, divisibleby, filter, test, sameas
  case isIn = "in"
  case equal = "=="
  case eq, equalto
  case notEqual = "!="
  case ne
  case less = "<"
  case lt, lessthan
  case lessOrEqual = "<="
  case le
  case greater = ">"
  case gt, greaterthan
  case greaterOrEqual = ">="
  case ge
}

extension Rendering {
  /// `value is name(arguments)`.
  func test(_ name: String, _ value: Value, _ arguments: CallArguments) throws -> Bool {
    guard let test = Test(rawValue: name) else { throw TemplateError("there is no test '\(name)' here") }
    if let kind = test.comparison { return try comparer.holds(kind, value, operand(of: name, arguments)) }
    switch test {
    case .divisibleby: return try divide(value, operand(of: name, arguments)) == 0
    case .sameas: return try isSame(value, operand(of: name, arguments))
    default: break
    }
    _ = try arguments.values(of: name)
    return try holds(test, value)
  }

  private func operand(of name: String, _ arguments: CallArguments) throws -> Value {
    guard let operand = try arguments.values("other", of: name)[0] else {
      throw TemplateError("the test '\(name)' needs a value behind it")
    }
    return operand
  }

  private func holds(_ test: Test, _ value: Value) throws -> Bool {
    switch test {
    case .defined: return !value.isUndefined
    case .undefined: return value.isUndefined
    case .none: return value.isNone
    case .callable:
      switch value {
      case .macro, .function, .method, .loop, .undefined: return true
      default: return false
      }
    case .escaped: return value.asText?.isMarkup ?? false
    case .lower, .upper:
      let text = try Printer.string(value, budget)
      try budget.spend(text.count)
      return test == .lower ? text.isLowercase : text.isUppercase
    case .odd: return try divide(value, .integer(2)) == 1
    case .even: return try divide(value, .integer(2)) == 0
    case .filter: return Filter(rawValue: value.asText?.string ?? "") != nil
    case .test: return Test(rawValue: value.asText?.string ?? "") != nil
    default: return isOfKind(test, value)
    }
  }

  private func isOfKind(_ test: Test, _ value: Value) -> Bool {
    switch (test, value) {
    case (.boolean, .bool), (.true, .bool(true)), (.false, .bool(false)): true
    case (.integer, .integer), (.float, .float), (.string, .text), (.mapping, .dictionary): true
    case (.number, .bool), (.number, .integer), (.number, .float): true
    case (.sequence, .undefined), (.sequence, .text), (.sequence, .list), (.sequence, .tuple), (.sequence, .dictionary),
      (.sequence, .range):
      true
    case (.iterable, .undefined), (.iterable, .text), (.iterable, .list), (.iterable, .tuple), (.iterable, .dictionary),
      (.iterable, .view), (.iterable, .range), (.iterable, .iterator), (.iterable, .loop):
      true
    default: false
    }
  }

  private func divide(_ value: Value, _ divisor: Value) throws -> Double {
    let result = try Arithmetic(budget: budget).result(.remainder, value, divisor)
    guard let rest = result.asDouble else {
      throw TemplateError("a value of type \(value.typeName) cannot be divided; a number can")
    }
    return rest
  }

  private func isSame(_ a: Value, _ b: Value) throws -> Bool {
    guard a.typeName == b.typeName else { return false }
    return try comparer.areEqual(a, b)
  }
}

extension Test {
  /// The comparison that this test is.
  fileprivate var comparison: Expression.Comparison? {
    switch self {
    case .equal, .eq, .equalto: .equal
    case .notEqual, .ne: .notEqual
    case .less, .lt, .lessthan: .less
    case .lessOrEqual, .le: .lessOrEqual
    case .greater, .gt, .greaterthan: .greater
    case .greaterOrEqual, .ge: .greaterOrEqual
    case .isIn: .isIn
    default: nil
    }
  }
}
