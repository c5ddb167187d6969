// The meaning of an unquoted YAML word, by the core schema of YAML 1.2: `yes`, `no` and `on` are text, and 1e-4 is a
// number.

extension ConfigTree {
  /// An unquoted word as the value it stands for.
  init(plainScalar text: String) {
    switch text {
    case "", "~", "null", "Null", "NULL": self = .null
    case "true", "True", "TRUE": self = .bool(true)
    case "false", "False", "FALSE": self = .bool(false)
    case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF": self = .double(.infinity)
    case "-.inf", "-.Inf", "-.INF": self = .double(-.infinity)
    case ".nan", ".NaN", ".NAN": self = .double(.nan)
    default: self = Self.number(text) ?? .string(text)
    }
  }

  /// How a number is written so that it reads back as the same kind and the same bits.
  static func yamlText(_ value: Double) -> String {
    if value.isNaN { return ".nan" }
    if value.isInfinite { return value < 0 ? "-.inf" : ".inf" }
    return "\(value)"
  }

  private static func number(_ text: String) -> ConfigTree? {
    if text.hasPrefix("0x") { return Int(text.dropFirst(2), radix: 16).map(ConfigTree.int) }
    if text.hasPrefix("0o") { return Int(text.dropFirst(2), radix: 8).map(ConfigTree.int) }
    guard isDecimal(text) else { return nil }
    if let int = Int(text) { return .int(int) }
    return Double(text).map(ConfigTree.double)
  }

  /// [-+]? (digits [. digits?] | . digits) ([eE] [-+]? digits)?
  private static func isDecimal(_ text: String) -> Bool {
    var rest = text.utf8[...]
    func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
    func skipSign() {
      if rest.first == UInt8(ascii: "-") || rest.first == UInt8(ascii: "+") { rest = rest.dropFirst() }
    }
    func skipDigits() -> Int {
      let count = rest.prefix(while: isDigit).count
      rest = rest.dropFirst(count)
      return count
    }
    skipSign()
    var digits = skipDigits()
    if rest.first == UInt8(ascii: ".") {
      rest = rest.dropFirst()
      digits += skipDigits()
    }
    guard digits > 0 else { return false }
    if rest.first == UInt8(ascii: "e") || rest.first == UInt8(ascii: "E") {
      rest = rest.dropFirst()
      skipSign()
      guard skipDigits() > 0 else { return false }
    }
    return rest.isEmpty
  }
}
