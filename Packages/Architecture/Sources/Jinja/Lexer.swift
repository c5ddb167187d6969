// Cuts a template's source into tokens as jinja2 does with `trim_blocks` and `lstrip_blocks`, which is how chat
// templates are rendered: a line that holds only a block leaves no trace.

/// One pass over a source.
struct Lexer {
  let source: [Unicode.Scalar]
  var index = 0
  var tokens: [Token] = []
  /// The brackets that are open in the current tag, as the marks that close them.
  var brackets: [Unicode.Scalar] = []
  private var countedTo = 0
  private var place = Position(line: 1, column: 1)

  /// Line ends become "\n", and one at the very end is dropped.
  init(_ text: String) {
    var scalars: [Unicode.Scalar] = []
    var previous: Unicode.Scalar?
    for scalar in text.unicodeScalars {
      if scalar == "\r" { scalars.append("\n") } else if scalar != "\n" || previous != "\r" { scalars.append(scalar) }
      previous = scalar
    }
    if scalars.last == "\n" { scalars.removeLast() }
    source = scalars
  }

  /// Throws `TemplateError`.
  static func tokens(of text: String) throws -> [Token] {
    var lexer = Lexer(text)
    while lexer.index < lexer.source.count { try lexer.next() }
    lexer.append(.end, at: lexer.source.count)
    return lexer.tokens
  }

  /// The place of a code point; `offset` never goes back by more than a few lines, so this is cheap.
  mutating func position(_ offset: Int) -> Position {
    if offset < countedTo { (countedTo, place) = (0, Position(line: 1, column: 1)) }
    while countedTo < offset {
      if source[countedTo] == "\n" {
        place = Position(line: place.line + 1, column: 1)
      } else {
        place.column += 1
      }
      countedTo += 1
    }
    return place
  }

  mutating func append(_ kind: Token.Kind, at offset: Int) {
    tokens.append(Token(kind: kind, position: position(offset)))
  }

  mutating func error(_ message: String, at offset: Int) -> TemplateError {
    TemplateError(message, kind: .syntax, at: position(offset))
  }

  func isAt(_ text: String, _ offset: Int) -> Bool {
    source[Swift.min(offset, source.count)...].starts(with: text.unicodeScalars)
  }

  private enum Tag { case block, variable, comment, raw(bodyStart: Int) }

  /// The text up to the next tag, and the tag.
  private mutating func next() throws {
    let start = index
    while index < source.count {
      if source[index] == "{", index + 1 < source.count, let tag = tag(at: index) {
        let sign = index + 2 < source.count ? source[index + 2] : " "
        let isSigned = sign == "-" || sign == "+"
        addText(
          start..<index, sign: isSigned ? sign : nil, isVariable: { if case .variable = tag { true } else { false } }())
        let begin = index
        index += isSigned ? 3 : 2
        return try read(tag, from: begin)
      }
      index += 1
    }
    addText(start..<index, sign: "+", isVariable: true)
  }

  private func tag(at offset: Int) -> Tag? {
    switch source[offset + 1] {
    case "{": return .variable
    case "#": return .comment
    case "%": return rawBody(at: offset).map { .raw(bodyStart: $0) } ?? .block
    default: return nil
    }
  }

  /// Where the body of `{% raw %}` begins, when the block at `offset` is one.
  private func rawBody(at offset: Int) -> Int? {
    var place = offset + 2
    if isAt("-", place) || isAt("+", place) { place += 1 }
    skipSpace(&place)
    guard isAt("raw", place) else { return nil }
    place += 3
    skipSpace(&place)
    if isAt("%}", place) { return place + 2 }
    guard isAt("-%}", place) else { return nil }
    place += 3
    skipSpace(&place)
    return place
  }

  func skipSpace(_ place: inout Int) {
    while place < source.count, source[place].isPythonSpace { place += 1 }
  }

  /// Adds the text before a tag. A minus removes white space before the tag; without a sign, the blanks between the
  /// begin of a line and a block go.
  private mutating func addText(_ range: Range<Int>, sign: Unicode.Scalar?, isVariable: Bool) {
    var end = range.upperBound
    if sign == "-" {
      while end > range.lowerBound, source[end - 1].isPythonSpace { end -= 1 }
    } else if sign == nil, !isVariable {
      var line = end
      while line > range.lowerBound, source[line - 1] != "\n" { line -= 1 }
      let beginsLine = line > range.lowerBound || range.lowerBound == 0 || source[range.lowerBound - 1] == "\n"
      if beginsLine, source[line..<end].allSatisfy(\.isPythonSpace) { end = line }
    }
    guard end > range.lowerBound else { return }
    append(.data(TemplateText(source[range.lowerBound..<end].map { CodePoint($0) })), at: range.lowerBound)
  }

  private mutating func read(_ tag: Tag, from begin: Int) throws {
    switch tag {
    case .comment: try skipComment(from: begin)
    case .raw(let body): try readRaw(from: begin, body: body)
    case .block:
      append(.blockBegin, at: begin)
      try readTag(isBlock: true, from: begin)
    case .variable:
      append(.variableBegin, at: begin)
      try readTag(isBlock: false, from: begin)
    }
  }

  private mutating func skipComment(from begin: Int) throws {
    let start = index
    while !isAt("#}", index) {
      guard index < source.count else { throw error("the comment has no end; expected '#}'", at: begin) }
      index += 1
    }
    let sign = index > start ? source[index - 1] : " "
    index += 2
    endBlock(sign)
  }

  /// After the end of a block, a comment or a raw text: a minus removes white space, a plus nothing, neither a line end.
  mutating func endBlock(_ sign: Unicode.Scalar) {
    if sign == "-" {
      skipSpace(&index)
    } else if sign != "+", isAt("\n", index) {
      index += 1
    }
  }

  private mutating func readRaw(from begin: Int, body: Int) throws {
    index = body
    while index < source.count {
      var place = index + 2
      if isAt("{%", index) {
        let sign = isAt("-", place) || isAt("+", place) ? source[place] : nil
        if sign != nil { place += 1 }
        skipSpace(&place)
        if isAt("endraw", place) {
          place += 6
          skipSpace(&place)
          let endSign: Unicode.Scalar = isAt("-", place) ? "-" : isAt("+", place) ? "+" : " "
          if endSign != " " { place += 1 }
          if isAt("%}", place) {
            addText(body..<index, sign: sign, isVariable: false)
            index = place + 2
            return endBlock(endSign)
          }
        }
      }
      index += 1
    }
    throw error("the raw block has no end; expected '{% endraw %}'", at: begin)
  }
}
