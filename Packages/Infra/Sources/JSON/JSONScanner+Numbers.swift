// Numbers of JSON: whole ones stay exact where they fit 64 bits, the others are the nearest floating-point number.

extension JSONScanner {
  /// A number that follows the grammar, before anybody asks for its value.
  struct WrittenNumber {
    let range: Range<Int>
    /// Without fraction and exponent.
    let isWhole: Bool
    /// The value of a whole number that fits.
    let integer: Int?
  }

  /// A whole number, zero or more, that fits an `Int`.
  public mutating func count() throws -> Int {
    guard let first = peek(), first == UInt8(ascii: "-") || (0x30...0x39).contains(first) else {
      throw expected("a whole number of zero or more")
    }
    let start = position
    let number = try writtenNumber()
    if first != UInt8(ascii: "-"), let integer = number.integer { return integer }
    position = start
    guard first != UInt8(ascii: "-") else {
      throw failure("expected a whole number of zero or more, found a negative number")
    }
    guard number.isWhole else { throw failure("expected a whole number, found a fraction or an exponent") }
    throw failure("expected a number that fits 64 bits, found a larger one")
  }

  /// The number that is next. One that is written whole and fits an `Int` is an integer; infinities are refused.
  mutating func number() throws -> JSONValue {
    let number = try writtenNumber()
    if let integer = number.integer { return .integer(integer) }
    let text = String(decoding: UnsafeBufferPointer(rebasing: bytes[number.range]), as: UTF8.self)
    guard let value = Double(text), value.isFinite else {
      position = number.range.lowerBound
      throw failure("expected a number below 1.8e308, found one that is too large")
    }
    return .number(value)
  }

  mutating func writtenNumber() throws -> WrittenNumber {
    guard let first = peek(), first == UInt8(ascii: "-") || (0x30...0x39).contains(first) else {
      throw expected("a value")
    }
    let start = position
    let isNegative = takeNext("-")
    let firstDigit = position
    // Counted downwards, because there is one more number below zero than above.
    var value: Int? = 0
    try digits { digit in
      guard let (tens, overflows) = value?.multipliedReportingOverflow(by: 10) else { return }
      let (sum, carries) = tens.subtractingReportingOverflow(Int(digit))
      value = overflows || carries ? nil : sum
    }
    guard bytes[firstDigit] != UInt8(ascii: "0") || position == firstDigit + 1 else {
      position = start
      throw failure("found a number with a leading zero")
    }
    let wholeEnd = position
    if takeNext(".") { try digits() }
    if takeNext("e") || takeNext("E") {
      if !takeNext("+") { _ = takeNext("-") }
      try digits()
    }
    guard position == wholeEnd else { return WrittenNumber(range: start..<position, isWhole: false, integer: nil) }
    let integer = isNegative ? value : value.flatMap { $0 == .min ? nil : -$0 }
    return WrittenNumber(range: start..<position, isWhole: true, integer: integer)
  }

  /// One digit or more, each handed to `body`.
  private mutating func digits(_ body: (UInt8) -> Void = { _ in }) throws {
    let start = position
    while position < bytes.count, case let digit = bytes[position] &- 0x30, digit < 10 {
      body(digit)
      position += 1
    }
    guard position > start else { throw failure("expected a digit of a number") }
  }

  private mutating func takeNext(_ mark: Unicode.Scalar) -> Bool {
    guard position < bytes.count, bytes[position] == UInt8(ascii: mark) else { return false }
    position += 1
    return true
  }
}
