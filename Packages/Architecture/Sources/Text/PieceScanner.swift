// The scanners behind `PreTokenizer`: each function is one regular expression read by hand over UTF-8 bytes.
// All of them are linear in the text, whatever the text is.

/// Walks over UTF-8 text and yields one piece after the other. The bytes must outlive it.
struct PieceScanner {
  private let way: PreTokenizer
  let bytes: UnsafeBufferPointer<UInt8>
  private let classes = CharacterClasses.standard
  private let textEnd: Int
  private var position: Int
  /// How far the current expression may look: the end of the text or, after an earlier cut, of the segment.
  private(set) var limit: Int

  init(_ way: PreTokenizer, _ bytes: UnsafeBufferPointer<UInt8>, in range: Range<Int>) {
    (self.way, self.bytes) = (way, bytes)
    (position, textEnd) = (range.lowerBound, range.upperBound)
    limit = way == .deepSeekV3 ? range.lowerBound : range.upperBound
  }

  /// The next piece, or nil at the end.
  @inline(__always)
  mutating func next() -> Range<Int>? {
    guard position < textEnd else { return nil }
    let start = position
    switch way {
    case .whitespace: position = endOfWord(at: start)
    case .gpt2: position = endOfGPT2Piece(at: start)
    case .deepSeekV3: position = endOfDeepSeekPiece(at: start)
    case .llama3: position = endOfLlamaPiece(at: start, mostDigits: 3)
    case .qwen2: position = endOfLlamaPiece(at: start, mostDigits: 1)
    case .o200k: position = endOfCasedPiece(at: start, mostDigits: 3, takesContractions: true)
    case .tekken: position = endOfCasedPiece(at: start, mostDigits: 1, takesContractions: false)
    case .wholeText: position = textEnd
    }
    return start..<position
  }

  // MARK: - Characters

  /// What stands at a position: its classes and its length in bytes; length 0 at the limit.
  struct Sighting {
    var classes: CharacterClass
    var length: Int
    @inline(__always) func isOne(of wanted: CharacterClass) -> Bool { !classes.isDisjoint(with: wanted) }
    /// A character that is in none of `unwanted`; false at the limit.
    @inline(__always) func isOther(than unwanted: CharacterClass) -> Bool {
      length > 0 && classes.isDisjoint(with: unwanted)
    }
  }

  @inline(__always)
  func look(at index: Int) -> Sighting {
    guard index < limit else { return Sighting(classes: [], length: 0) }
    let lead = UInt32(bytes[index])
    if lead < 0x80 { return Sighting(classes: classes[lead], length: 1) }
    return lookBeyondASCII(at: index, lead)
  }

  private func lookBeyondASCII(at index: Int, _ lead: UInt32) -> Sighting {
    let length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4
    guard index + length <= limit else { return Sighting(classes: [], length: 1) }
    var scalar = lead & (0x7F >> UInt32(length))
    for offset in 1..<length { scalar = scalar << 6 | UInt32(bytes[index + offset]) & 0x3F }
    return Sighting(classes: classes[scalar], length: length)
  }

  /// The end of the run of characters in `wanted` that begins at `index`.
  @inline(__always)
  func endOfRun(of wanted: CharacterClass, from index: Int) -> Int {
    var index = index
    while true {
      let sighting = look(at: index)
      guard sighting.isOne(of: wanted) else { return index }
      index += sighting.length
    }
  }

  /// The end of the run of characters in none of `unwanted` that begins at `index`.
  @inline(__always)
  func endOfRun(without unwanted: CharacterClass, from index: Int) -> Int {
    var index = index
    while true {
      let sighting = look(at: index)
      guard sighting.isOther(than: unwanted) else { return index }
      index += sighting.length
    }
  }

  /// `\s+(?!\S)|\s+`: a whitespace run, without its last character when a word follows.
  func endOfWhitespace(at start: Int) -> Int {
    var (index, last) = (start, start)
    while true {
      let sighting = look(at: index)
      guard sighting.isOne(of: .whitespace) else { break }
      (last, index) = (index, index + sighting.length)
    }
    return index < limit && last > start ? last : index
  }

  // MARK: - Patterns

  /// ` ?\S+|\s+(?!\S)|\s+`
  private func endOfWord(at start: Int) -> Int {
    let afterSpace = bytes[start] == UInt8(ascii: " ") ? start + 1 : start
    let end = endOfRun(without: .whitespace, from: afterSpace)
    return end > afterSpace ? end : endOfWhitespace(at: start)
  }

  /// `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
  private func endOfGPT2Piece(at start: Int) -> Int {
    let afterSpace = bytes[start] == UInt8(ascii: " ") ? start + 1 : start
    let first = look(at: afterSpace)
    if first.isOne(of: .letter) { return endOfRun(of: .letter, from: afterSpace) }
    if first.isOne(of: .number) { return endOfRun(of: .number, from: afterSpace) }
    if first.isOther(than: .whitespace) {
      if bytes[start] == UInt8(ascii: "'"), let end = endOfContraction(at: start) { return end }
      return endOfRun(without: [.whitespace, .letter, .number], from: afterSpace)
    }
    return endOfWhitespace(at: start)
  }

  private func endOfContraction(at start: Int) -> Int? {
    guard start + 1 < limit else { return nil }
    switch bytes[start + 1] {
    case UInt8(ascii: "s"), UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "d"): return start + 2
    case UInt8(ascii: "r"), UInt8(ascii: "v"):
      return start + 2 < limit && bytes[start + 2] == UInt8(ascii: "e") ? start + 3 : nil
    case UInt8(ascii: "l"):
      return start + 2 < limit && bytes[start + 2] == UInt8(ascii: "l") ? start + 3 : nil
    default: return nil
    }
  }

  /// Three cuts at once: digits by threes, East Asian runs, and the words of the segments between and inside them.
  private mutating func endOfDeepSeekPiece(at start: Int) -> Int {
    if start >= limit {
      limit = textEnd
      let first = look(at: start)
      if first.isOne(of: .number) {
        limit = endOfDigits(at: start)
        return limit
      }
      limit =
        first.isOne(of: .eastAsian)
        ? endOfRun(of: .eastAsian, from: start) : endOfRun(without: [.eastAsian, .number], from: start)
    }
    // Characters that nothing matches form one piece up to the next match.
    var index = start
    while index < limit {
      if let end = endOfDeepSeekWord(at: index) { return index == start ? end : index }
      index += look(at: index).length
    }
    return limit
  }

  /// `\p{N}{1,most}`
  func endOfDigits(at start: Int, most: Int = 3) -> Int {
    var index = start
    for _ in 0..<most {
      let sighting = look(at: index)
      guard sighting.isOne(of: .number) else { break }
      index += sighting.length
    }
    return index
  }

  /// The third expression, alternative by alternative; nil where none matches.
  private func endOfDeepSeekWord(at start: Int) -> Int? {
    let first = look(at: start)
    let second = start + first.length
    // [!-/:-@\[-`{-~][A-Za-z]+
    if first.length == 1, first.isOne(of: [.punctuation, .symbol]), second < limit, isASCIILetter(bytes[second]) {
      var end = second + 1
      while end < limit, isASCIILetter(bytes[end]) { end += 1 }
      return end
    }
    // [^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+
    if !first.isOne(of: [.letter, .punctuation, .symbol, .lineBreak]), look(at: second).isOne(of: [.letter, .mark]) {
      return endOfRun(of: [.letter, .mark], from: second)
    }
    if first.isOne(of: [.letter, .mark]) { return endOfRun(of: [.letter, .mark], from: start) }
    // ` ?[\p{P}\p{S}]+[\r\n]*`
    let afterSpace = bytes[start] == UInt8(ascii: " ") ? second : start
    let afterMarks = endOfRun(of: [.punctuation, .symbol], from: afterSpace)
    if afterMarks > afterSpace { return endOfRun(of: .lineBreak, from: afterMarks) }
    guard first.isOne(of: .whitespace) else { return nil }
    return endOfLines(at: start) ?? endOfWhitespace(at: start)
  }

  /// `\s*[\r\n]+`: a whitespace run up to its last line break; nil when it has none.
  func endOfLines(at start: Int) -> Int? {
    var index = start
    var end: Int?
    while true {
      let sighting = look(at: index)
      guard sighting.isOne(of: .whitespace) else { return end }
      index += sighting.length
      if sighting.isOne(of: .lineBreak) { end = index }
    }
  }

  private func isASCIILetter(_ byte: UInt8) -> Bool { (byte | 0x20) &- UInt8(ascii: "a") < 26 }
}
