// Python's operators on numbers, texts and lists.
import Foundation

struct Arithmetic {
  let budget: Budget

  func result(_ kind: Expression.Operator, _ a: Value, _ b: Value) throws -> Value {
    if kind == .remainder, case .text(let format) = a { return .text(try PercentFormat(budget).result(format, b)) }
    if case .undefined(let missing) = a { throw missing.error }
    if case .undefined(let missing) = b { throw missing.error }
    switch kind {
    case .add: if let joined = try joined(a, b) { return joined }
    case .multiply: if let repeated = try repeated(a, b) ?? repeated(b, a) { return repeated }
    case .subtract, .divide, .floorDivide, .remainder, .power: break
    }
    if let x = a.asInteger, let y = b.asInteger { return try integers(kind, x, y) }
    if let x = a.asDouble, let y = b.asDouble { return .float(try floats(kind, x, y)) }
    throw TemplateError("'\(kind.rawValue)' has no meaning between values of types \(a.typeName) and \(b.typeName)")
  }

  private func joined(_ a: Value, _ b: Value) throws -> Value? {
    switch (a, b) {
    case (.text(let a), .text(let b)):
      try budget.spend(a.count + b.count)
      guard a.isMarkup || b.isMarkup else { return .text(a + b) }
      var result = (a.isMarkup ? a : a.escaped) + (b.isMarkup ? b : b.escaped)
      result.isMarkup = true
      return .text(result)
    case (.list(let a), .list(let b)):
      try budget.spend(4 * (a.values.count + b.values.count))
      return try .listOf(a.values + b.values)
    case (.tuple(let a), .tuple(let b)):
      try budget.spend(4 * (a.values.count + b.values.count))
      return try .tupleOf(a.values + b.values)
    default: return nil
    }
  }

  private func repeated(_ a: Value, _ b: Value) throws -> Value? {
    guard let times = b.asInteger.map({ Swift.max($0, 0) }) else { return nil }
    func bounded(_ count: Int) throws -> Int {
      let (size, overflows) = count.multipliedReportingOverflow(by: times)
      try budget.spend(overflows ? Int.max : size)
      return size
    }
    switch a {
    case .text(let text):
      _ = try bounded(text.count)
      var result = TemplateText("")
      for _ in 0..<(text.isEmpty ? 0 : times) { result += text }
      return .text(result)
    case .list(let items):
      _ = try bounded(4 * items.values.count)
      return try .listOf(Array((0..<(items.values.isEmpty ? 0 : times)).map { _ in items.values }.joined()))
    default: return nil
    }
  }

  private func integers(_ kind: Expression.Operator, _ a: Int, _ b: Int) throws -> Value {
    func checked(_ result: (partialValue: Int, overflow: Bool)) throws -> Value {
      guard !result.overflow else { throw overflow() }
      return .integer(result.partialValue)
    }
    switch kind {
    case .add: return try checked(a.addingReportingOverflow(b))
    case .subtract: return try checked(a.subtractingReportingOverflow(b))
    case .multiply: return try checked(a.multipliedReportingOverflow(by: b))
    case .divide: return .float(try floats(.divide, Double(a), Double(b)))
    case .floorDivide, .remainder:
      guard b != 0 else { throw TemplateError("a number is divided by zero") }
      let division = a.dividedReportingOverflow(by: b)
      guard !division.overflow else { throw overflow() }
      let rest = a.remainderReportingOverflow(dividingBy: b).partialValue
      let isBelow = rest != 0 && (rest < 0) != (b < 0)
      if kind == .remainder { return .integer(isBelow ? rest + b : rest) }
      return .integer(isBelow ? division.partialValue - 1 : division.partialValue)
    case .power:
      guard b >= 0 else { return .float(try floats(.power, Double(a), Double(b))) }
      return .integer(try power(a, b))
    }
  }

  private func power(_ base: Int, _ exponent: Int) throws -> Int {
    var (result, square, rest) = (1, base, exponent)
    while rest > 0 {
      if rest & 1 == 1 {
        let product = result.multipliedReportingOverflow(by: square)
        guard !product.overflow else { throw overflow() }
        result = product.partialValue
      }
      rest >>= 1
      guard rest > 0 else { break }
      let next = square.multipliedReportingOverflow(by: square)
      guard !next.overflow else { throw overflow() }
      square = next.partialValue
    }
    return result
  }

  private func overflow() -> TemplateError {
    TemplateError("a whole number does not fit 64 bits, which is the largest here")
  }

  private func floats(_ kind: Expression.Operator, _ a: Double, _ b: Double) throws -> Double {
    switch kind {
    case .add: return a + b
    case .subtract: return a - b
    case .multiply: return a * b
    case .divide, .floorDivide, .remainder:
      guard b != 0 else { throw TemplateError("a number is divided by zero") }
      if kind == .divide { return a / b }
      var rest = fmod(a, b)
      if rest != 0, (rest < 0) != (b < 0) { rest += b }
      return kind == .remainder ? rest : ((a - rest) / b).rounded()
    case .power:
      let result = pow(a, b)
      guard !result.isNaN || a.isNaN || b.isNaN, result.isFinite || a.isInfinite || b.isInfinite else {
        throw TemplateError("a power has no value as a number: \(a) ** \(b)")
      }
      return result
    }
  }
}

extension TemplateText {
  /// Escaped for HTML, as markupsafe does.
  var escaped: TemplateText {
    var result = TemplateText("")
    for point in points {
      switch point.scalar {
      case "&": result.append("&amp;")
      case "<": result.append("&lt;")
      case ">": result.append("&gt;")
      case "'": result.append("&#39;")
      case "\"": result.append("&#34;")
      default: result.points.append(point)
      }
    }
    result.isMarkup = true
    return result
  }
}
