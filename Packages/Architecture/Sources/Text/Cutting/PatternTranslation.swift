// From the dialect of Oniguruma, in which tokenizer files write their patterns, to that of PCRE2.
// What differs is spelled out (\s, \w, \d, sets inside sets, {n,m}+); what has no counterpart is refused by name.

/// One pass over a pattern, writing the same pattern for PCRE2.
struct PatternTranslation {
  private let pattern: [Unicode.Scalar]
  private var position = 0
  private var output = ""
  /// Where the atom begins in `output` that a quantifier would apply to.
  private var atomStart: String.Index
  private var groupStarts: [String.Index] = []

  /// The pattern for PCRE2, to be compiled with UTF and MULTILINE. Throws `TokenizerError`.
  static func translate(_ pattern: [UInt8]) throws -> [UInt8] {
    let text = String(decoding: pattern, as: UTF8.self)
    var pass = PatternTranslation(pattern: Array(text.unicodeScalars))
    do {
      while pass.position < pass.pattern.count { try pass.step() }
    } catch let error as TokenizerError {
      throw TokenizerError("the pattern \(quoted(pattern)) \(error.description)")
    }
    return Array(pass.output.utf8)
  }

  private init(pattern: [Unicode.Scalar]) {
    self.pattern = pattern
    atomStart = output.startIndex
  }

  private func peek(_ offset: Int = 0) -> Unicode.Scalar? {
    position + offset < pattern.count ? pattern[position + offset] : nil
  }

  private mutating func emit(atom: String) {
    atomStart = output.endIndex
    output += atom
  }

  private mutating func step() throws {
    let scalar = pattern[position]
    switch scalar {
    case "\\":
      let escape = try readEscape()
      emit(atom: escape.isSet ? escape.outsideSet : escape.text)
    case "[":
      position += 1
      emit(atom: try readSet(depth: 0))
    case "(": try openGroup()
    case ")":
      position += 1
      output += ")"
      atomStart = groupStarts.popLast() ?? output.startIndex
    case "{": quantifier()
    default:
      position += 1
      if "*+?|".unicodeScalars.contains(scalar) {
        output.unicodeScalars.append(scalar)
      } else {
        emit(atom: String(scalar))
      }
    }
  }

  private mutating func openGroup() throws {
    groupStarts.append(output.endIndex)
    position += 1
    guard peek() == "?" else { return output += "(" }
    if peek(1) == "~" { throw TokenizerError("uses an absent operator '(?~'; lookaheads can say the same") }
    // Options: `m` there is `s` here, that is, a dot that matches line breaks.
    var end = 1
    while let scalar = peek(end), "imxsna-".unicodeScalars.contains(scalar) { end += 1 }
    if end > 1, let last = peek(end), last == ":" || last == ")" {
      let options = pattern[position + 1..<position + end].map { $0 == "m" ? "s" : String($0) }.joined()
      output += "(?\(options)"
      position += end
      if last == ":" {
        output += ":"
        position += 1
      }
      return
    }
    output += "(?"
    position += 1
  }

  /// `{n,m}` may be repeated by a following `+` there, while here that would forbid backtracking.
  private mutating func quantifier() {
    var end = position + 1
    while end < pattern.count, pattern[end] != "}", end - position < 16 { end += 1 }
    let body = String(String.UnicodeScalarView(pattern[position + 1..<min(end, pattern.count)]))
    let numbers = body.split(separator: ",", omittingEmptySubsequences: false)
    let isQuantifier =
      end < pattern.count && pattern[end] == "}" && (1...2).contains(numbers.count)
      && numbers.contains { !$0.isEmpty }
      && numbers.allSatisfy { $0.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } }
    guard isQuantifier else {
      position += 1
      return emit(atom: "\\{")
    }
    position = end + 1
    output += numbers[0].isEmpty ? "{0\(body)}" : "{\(body)}"
    if peek() == "+" {
      output.insert(contentsOf: "(?:", at: atomStart)
      output += ")"
    }
  }
}

// MARK: - Escapes

extension PatternTranslation {
  /// What an escape stands for: one character, or a set of them.
  struct Escape {
    var text: String
    var isSet = false
    var isNegated = false
    /// The set by itself, as an atom.
    var outsideSet: String { isNegated ? "[^\(text)]" : "[\(text)]" }
  }

  /// Reads an escape, backslash included. The text of a set stands between brackets that the caller writes.
  private mutating func readEscape() throws -> Escape {
    guard let scalar = peek(1) else { throw TokenizerError("ends with a backslash; escape it") }
    position += 2
    switch scalar {
    case "s", "S": return Escape(text: PropertySets.space, isSet: true, isNegated: scalar == "S")
    case "d", "D":
      return Escape(text: try PropertySets.named("Nd"), isSet: true, isNegated: scalar == "D")
    case "w", "W": return Escape(text: try PropertySets.word(), isSet: true, isNegated: scalar == "W")
    case "h", "H": return Escape(text: "0-9A-Fa-f", isSet: true, isNegated: scalar == "H")
    case "p", "P":
      guard peek() == "{", let end = pattern[position...].firstIndex(of: "}") else {
        throw TokenizerError("has '\\\(scalar)' without braces; write \\\(scalar){L}")
      }
      var name = String(String.UnicodeScalarView(pattern[position + 1..<end]))
      position = end + 1
      let isTurned = name.hasPrefix("^")
      if isTurned { name.removeFirst() }
      return Escape(text: try PropertySets.named(name), isSet: true, isNegated: (scalar == "P") != isTurned)
    case "b", "B":
      let word = "[\(try PropertySets.word())]"
      return Escape(
        text: scalar == "b"
          ? "(?:(?<=\(word))(?!\(word))|(?<!\(word))(?=\(word)))"
          : "(?:(?<=\(word))(?=\(word))|(?<!\(word))(?!\(word)))")
    case "v": return Escape(text: "\\x0b")
    case "u":
      guard position + 4 <= pattern.count else { throw TokenizerError("has '\\u' without four digits; write \\u0041") }
      let digits = String(String.UnicodeScalarView(pattern[position..<position + 4]))
      guard UInt32(digits, radix: 16) != nil else {
        throw TokenizerError("has '\\u' without four digits; write \\u0041")
      }
      position += 4
      return Escape(text: "\\x{\(digits)}")
    case "x", "r", "n", "t", "f", "e", "a", "A", "z", "Z", "R", "X", "0"..."9":
      return Escape(text: "\\\(scalar)")
    case "a"..."z", "A"..."Z":
      throw TokenizerError("uses '\\\(scalar)', which is not understood; \\p{…}, \\s, \\d, \\w and \\b are")
    default: return Escape(text: scalar.isASCII ? "\\\(scalar)" : String(scalar))
    }
  }
}

// MARK: - Sets

extension PatternTranslation {
  /// Reads a set behind its `[` and returns an atom. Sets may hold sets and be intersected with `&&`.
  private mutating func readSet(depth: Int) throws -> String {
    guard depth < 8 else { throw TokenizerError("nests sets deeper than 8; write them flat") }
    let isNegated = peek() == "^"
    if isNegated { position += 1 }
    var operands: [String] = []
    var (items, others) = ("", [String]())
    func union() -> String {
      let parts = (items.isEmpty ? [] : ["[\(items)]"]) + others
      return parts.count == 1 ? parts[0] : "(?:\(parts.joined(separator: "|")))"
    }
    var isFirst = true
    while let scalar = peek() {
      defer { isFirst = false }
      switch scalar {
      case "]" where !isFirst:
        position += 1
        if operands.isEmpty, others.isEmpty { return "[\(isNegated ? "^" : "")\(items)]" }
        operands.append(union())
        let inner = operands.dropLast().map { "(?=\($0))" }.joined() + (operands.last ?? "")
        return isNegated ? "(?:(?!\(inner))(?s:.))" : "(?:\(inner))"
      case "[":
        if peek(1) == ":" {
          let set = try readBracketName()
          if set.isNegated { others.append(set.outsideSet) } else { items += set.text }
        } else {
          position += 1
          others.append(try readSet(depth: depth + 1))
        }
      case "&" where peek(1) == "&":
        position += 2
        operands.append(union())
        (items, others) = ("", [])
      case "\\":
        let escape = try readEscape()
        if escape.isSet, escape.isNegated { others.append(escape.outsideSet) } else { items += escape.text }
      default:
        position += 1
        // A bracket that opens nothing, and a caret that negates nothing here, must not begin to mean something.
        if scalar == "]" || (scalar == "^" && items.isEmpty) { items += "\\" }
        items.unicodeScalars.append(scalar)
      }
    }
    throw TokenizerError("has a set without an end; close it with ']'")
  }

  /// `[:name:]` or `[:^name:]`
  private mutating func readBracketName() throws -> Escape {
    var end = position + 2
    while end < pattern.count, pattern[end] != ":" { end += 1 }
    guard end + 1 < pattern.count, pattern[end + 1] == "]" else {
      throw TokenizerError("has '[:' without ':]'; escape the bracket")
    }
    var name = String(String.UnicodeScalarView(pattern[position + 2..<end]))
    position = end + 2
    let isNegated = name.hasPrefix("^")
    if isNegated { name.removeFirst() }
    let known = [
      "digit": "Nd", "alpha": "Alphabetic", "upper": "Uppercase", "lower": "Lowercase", "space": "Space",
      "word": "Word",
    ]
    guard let property = known[name] else {
      throw TokenizerError("uses '[:\(name):]'; known are \(known.keys.sorted().joined(separator: ", "))")
    }
    return Escape(text: try PropertySets.named(property), isSet: true, isNegated: isNegated)
  }
}
