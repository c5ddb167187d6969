// The filters on numbers, and those that make numbers.
import Foundation

extension Rendering {
  func numberFilter(_ filter: Filter, _ value: Value, _ arguments: CallArguments) throws -> Value {
    // Reading a number out of a text goes through several texts more.
    if case .text(let text) = value { try budget.spend(32 + text.count) }
    switch filter {
    case .abs: return try absolute(value)
    case .int:
      let values = try arguments.values("default", "base", of: filter.rawValue)
      let base = try values[1].integer("the base") ?? 10
      guard base == 0 || (2...36).contains(base) else { throw TemplateError("the base is \(base); it must be 2 to 36") }
      return try integer(value, base) ?? values[0] ?? .integer(0)
    case .float:
      if case .undefined(let missing) = value { throw missing.error }
      if let number = float(value) { return .float(number) }
      return try arguments.values("default", of: filter.rawValue)[0] ?? .float(0)
    case .round: return try rounded(value, arguments)
    default: throw TemplateError("'\(filter.rawValue)' is no filter on numbers")
    }
  }

  private func absolute(_ value: Value) throws -> Value {
    if case .undefined(let missing) = value { throw missing.error }
    if let number = value.asInteger {
      guard number != Int.min else {
        throw TemplateError("a whole number does not fit 64 bits, which is the largest here")
      }
      return .integer(Swift.abs(number))
    }
    guard case .float(let number) = value else { throw TemplateError("'abs' needs a number") }
    return .float(number.magnitude)
  }

  private func float(_ value: Value) -> Double? {
    guard case .text(let text) = value else { return value.asDouble }
    let written = text.stripped().string.replacing("_", with: "")
    // Swift reads hexadecimal too, which Python does not.
    guard !written.lowercased().contains("x"), !written.isEmpty else { return nil }
    return Double(written)
  }

  private func integer(_ value: Value, _ base: Int) throws -> Value? {
    if case .undefined(let missing) = value { throw missing.error }
    if let number = value.asInteger { return .integer(number) }
    if case .text(let text) = value, let number = Self.integer(text.stripped().string, base) { return .integer(number) }
    guard let number = float(value), !number.isNaN else { return nil }
    if number.isInfinite, value.asText != nil { return nil }
    guard let whole = Int(exactly: number.rounded(.towardZero)) else {
      throw TemplateError("a whole number does not fit 64 bits, which is the largest here")
    }
    return .integer(whole)
  }

  private static func integer(_ written: String, _ base: Int) -> Int? {
    var digits = written[...]
    let isNegative = digits.hasPrefix("-")
    if isNegative || digits.hasPrefix("+") { digits = digits.dropFirst() }
    var base = base
    for (letter, radix) in [("x", 16), ("o", 8), ("b", 2)] where base == radix || base == 0 {
      guard digits.lowercased().hasPrefix("0" + letter) else { continue }
      (digits, base) = (digits.dropFirst(2), radix)
      break
    }
    let plain = digits.replacing("_", with: "")
    guard !plain.isEmpty, !plain.hasPrefix("+"), !plain.hasPrefix("-") else { return nil }
    return Int((isNegative ? "-" : "") + plain, radix: base == 0 ? 10 : base)
  }

  private func rounded(_ value: Value, _ arguments: CallArguments) throws -> Value {
    let values = try arguments.values("precision", "method", of: "round")
    let precision = try values[0].integer("the precision") ?? 0
    let method = try values[1].text("the method")?.string ?? "common"
    guard let number = value.asDouble else {
      if case .undefined(let missing) = value { throw missing.error }
      throw TemplateError("'round' needs a number, but was given a value of type \(value.typeName)")
    }
    guard (-300...300).contains(precision) else {
      throw TemplateError("the precision is \(precision); it must be -300 to 300")
    }
    switch method {
    case "common":
      // Python rounds a whole number to a whole number.
      if let whole = value.asInteger, precision >= 0 { return .integer(whole) }
      let result = roundedHalfEven(number, precision)
      return value.asInteger == nil ? .float(result) : Int(exactly: result).map { .integer($0) } ?? .float(result)
    case "ceil", "floor":
      let scale = pow(10, Double(precision))
      let scaled = number * scale
      return .float((method == "ceil" ? scaled.rounded(.up) : scaled.rounded(.down)) / scale)
    default: throw TemplateError("the method of 'round' is \"common\", \"ceil\" or \"floor\"")
    }
  }
}

/// Rounds the exact value to `precision` digits after the point, halves to even, as Python does.
func roundedHalfEven(_ number: Double, _ precision: Int) -> Double {
  guard number.isFinite else { return number }
  if precision >= 0 { return Double(String(format: "%.\(precision)f", number)) ?? number }
  let scale = pow(10, Double(-precision))
  return (number / scale).rounded(.toNearestOrEven) * scale
}
