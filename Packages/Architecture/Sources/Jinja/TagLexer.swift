// The inside of a tag: names, numbers, strings and operators, up to the end that no bracket encloses.

extension Lexer {
  /// Reads up to and with the end of the tag.
  mutating func readTag(isBlock: Bool, from begin: Int) throws {
    brackets = []
    while true {
      skipSpace(&index)
      guard index < source.count else {
        throw error("the tag has no end; expected '\(isBlock ? "%}" : "}}")'", at: begin)
      }
      if brackets.isEmpty, takeEnd(isBlock: isBlock) { return }
      try readToken()
    }
  }

  private mutating func takeEnd(isBlock: Bool) -> Bool {
    let end = isBlock ? "%}" : "}}"
    let start = index
    let sign = source[index]
    if isAt(end, index) {
      index += 2
      if isBlock { endBlock(" ") }
    } else if sign == "-", isAt(end, index + 1) {
      index += 3
      skipSpace(&index)
    } else if isBlock, sign == "+", isAt(end, index + 1) {
      index += 3
    } else {
      return false
    }
    append(isBlock ? .blockEnd : .variableEnd, at: start)
    return true
  }

  private mutating func readToken() throws {
    let first = source[index]
    if first.isPythonDigit {
      try readNumber()
    } else if Self.isWord(first) {
      let start = index
      while index < source.count, Self.isWord(source[index]) { index += 1 }
      append(.name(String(String.UnicodeScalarView(source[start..<index]))), at: start)
    } else if first == "'" || first == "\"" {
      try readString(first)
    } else {
      try readMark()
    }
  }

  private static func isWord(_ scalar: Unicode.Scalar) -> Bool {
    if scalar.value < 0x80 { return scalar == "_" || scalar.properties.isAlphabetic || ("0"..."9").contains(scalar) }
    return scalar.properties.isXIDContinue
  }

  private mutating func readMark() throws {
    let marks = [
      "//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}", ">", "<", "=",
      ".",
      ":", "|", ",", ";",
    ]
    guard let mark = marks.first(where: { isAt($0, index) }) else {
      throw error("'\(source[index])' has no meaning in a template", at: index)
    }
    switch mark {
    case "(": brackets.append(")")
    case "[": brackets.append("]")
    case "{": brackets.append("}")
    case ")", "]", "}":
      guard let open = brackets.popLast() else { throw error("'\(mark)' closes a bracket that is not open", at: index) }
      guard String(open) == mark else { throw error("'\(mark)' stands where '\(open)' is expected", at: index) }
    default: break
    }
    append(.mark(mark), at: index)
    index += mark.unicodeScalars.count
  }

  // MARK: Numbers

  private mutating func readNumber() throws {
    let start = index
    let followsDot = start > 0 && source[start - 1] == "."
    if source[index] == "0", index + 1 < source.count, let radix = Self.radix(source[index + 1]) {
      var digits = ""
      var place = index + 2
      while place < source.count, let digit = digit(source[place], radix) {
        digits += digit
        place += 1
      }
      if !digits.isEmpty {
        guard let value = Int(digits, radix: radix) else { throw tooLarge(start) }
        index = place
        return append(.integer(value), at: start)
      }
    }
    var written = digitRun()
    var isFloat = false
    if !followsDot {
      if isAt(".", index), index + 1 < source.count, ("0"..."9").contains(source[index + 1]) {
        index += 1
        written += "." + digitRun()
        isFloat = true
      }
      if let exponent = exponent() {
        written += exponent
        isFloat = true
      }
    }
    if isFloat {
      guard let value = Double(written) else { throw tooLarge(start) }
      append(.float(value), at: start)
    } else {
      guard written.count == 1 || written.first != "0" || written.allSatisfy({ $0 == "0" }) else {
        throw error("\(written) begins with zero; a whole number may not", at: start)
      }
      guard let value = Int(written) else { throw tooLarge(start) }
      append(.integer(value), at: start)
    }
  }

  private mutating func tooLarge(_ start: Int) -> TemplateError {
    error("the number is too large; at most \(Int.max) is read", at: start)
  }

  private static func radix(_ letter: Unicode.Scalar) -> Int? {
    switch letter {
    case "b", "B": 2
    case "o", "O": 8
    case "x", "X": 16
    default: nil
    }
  }

  /// The digit, "" for a separator, or nil.
  private func digit(_ scalar: Unicode.Scalar, _ radix: Int) -> String? {
    if scalar == "_" { return "" }
    guard scalar.isASCII, let value = Character(scalar).hexDigitValue, value < radix else { return nil }
    return String(scalar)
  }

  /// Decimal digits; an underscore may stand between two of them.
  private mutating func digitRun() -> String {
    var digits = ""
    while index < source.count {
      if ("0"..."9").contains(source[index]) {
        digits.unicodeScalars.append(source[index])
      } else if source[index] != "_" || index + 1 >= source.count || !("0"..."9").contains(source[index + 1]) {
        break
      }
      index += 1
    }
    if digits.isEmpty { index += 1 }  // a digit of another script, which the parser refuses as a number
    return digits
  }

  private mutating func exponent() -> String? {
    guard isAt("e", index) || isAt("E", index) else { return nil }
    var place = index + 1
    let sign = isAt("-", place) ? "-" : ""
    if isAt("-", place) || isAt("+", place) { place += 1 }
    guard place < source.count, ("0"..."9").contains(source[place]) else { return nil }
    index = place
    return "e" + sign + digitRun()
  }

  // MARK: Strings

  private mutating func readString(_ quote: Unicode.Scalar) throws {
    let start = index
    var text: [CodePoint] = []
    index += 1
    while index < source.count {
      let next = source[index]
      index += 1
      if next == quote { return append(.string(TemplateText(text)), at: start) }
      if next == "\\" { try readEscape(into: &text) } else { text.append(CodePoint(next)) }
    }
    throw error("the string has no end; expected \(quote)", at: start)
  }

  private mutating func readEscape(into text: inout [CodePoint]) throws {
    let start = index - 1
    guard index < source.count else { throw error("the string has no end", at: start) }
    let kind = source[index]
    index += 1
    let simple: [Unicode.Scalar: Unicode.Scalar] = [
      "n": "\n", "t": "\t", "r": "\r", "\\": "\\", "'": "'", "\"": "\"", "a": "\u{7}", "b": "\u{8}", "f": "\u{C}",
      "v": "\u{B}",
    ]
    switch kind {
    case "\n": return
    case "x": text.append(CodePoint(try hexadecimal(2, start)))
    case "u": text.append(CodePoint(try hexadecimal(4, start)))
    case "U": text.append(CodePoint(try hexadecimal(8, start)))
    case "N": throw error("\\N is not supported in a string; write the character itself", at: start)
    case "0"..."7":
      var value = kind.value - 48
      while index < start + 4, index < source.count, ("0"..."7").contains(source[index]) {
        value = value * 8 + source[index].value - 48
        index += 1
      }
      text.append(CodePoint(Unicode.Scalar(value) ?? "\u{FFFD}"))
    default:
      if let plain = simple[kind] {
        text.append(CodePoint(plain))
      } else {
        text += [CodePoint("\\"), CodePoint(kind)]
      }
    }
  }

  private mutating func hexadecimal(_ count: Int, _ start: Int) throws -> Unicode.Scalar {
    let digits = String(String.UnicodeScalarView(source[index..<Swift.min(index + count, source.count)]))
    guard digits.unicodeScalars.count == count, digits.allSatisfy(\.isHexDigit), let value = UInt32(digits, radix: 16),
      let scalar = Unicode.Scalar(value)
    else { throw error("the escape is not a character; expected \(count) hexadecimal digits", at: start) }
    index += count
    return scalar
  }
}
