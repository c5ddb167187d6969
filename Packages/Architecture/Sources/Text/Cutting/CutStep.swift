// The steps of pre-tokenisation that tokenizer files can name, one case each, applied in order.

/// One step: it cuts the pieces of a text further, or writes them anew.
enum CutStep: Sendable {
  /// When a piece gets the space's stand-in put before it.
  enum Prepending: String, Sendable { case always, first, never }

  /// A known way, by its hand-written scanner; every match a piece of its own.
  case known(PreTokenizer)
  /// Matches of a regular expression, or everything but them.
  case pattern(PatternMatcher, SplitBehavior, inverted: Bool)
  /// Occurrences of a text, or everything but them.
  case literal([UInt8], SplitBehavior, inverted: Bool)
  /// One space before a piece that begins with none.
  case prefixSpace
  /// Bytes become the characters of the byte-level alphabet.
  case byteAlphabet
  /// Number characters apart, one by one or in runs.
  case digits(individual: Bool)
  /// Spaces become `replacement`, pieces may get one in front, and are cut before each.
  case metaspace(replacement: [UInt8], Prepending, splits: Bool)
  /// Runs of word characters and runs of others, without the whitespace between them.
  case words
  /// Whatever stands between whitespace.
  case whitespaceSplit
  /// Punctuation apart.
  case punctuation(SplitBehavior)
  /// Whatever stands between two occurrences of a character.
  case delimiter([UInt8])
  /// Pieces of this many characters.
  case fixedLength(Int)
  /// A cut before every run of a text, and no other.
  case beforeRuns(of: [UInt8])

  /// Applies the step.
  func apply(to text: inout CutText) {
    switch self {
    case .known(let way): text.cut(with: way)
    case .pattern(let matcher, let behavior, let inverted):
      text.cut(behavior, inverted: inverted) { bytes, body in matcher.search(bytes, body) }
    case .literal(let literal, let behavior, let inverted):
      text.cut(behavior, inverted: inverted) { bytes, body in forEachOccurrence(of: literal, in: bytes, body) }
    case .prefixSpace:
      text.rewrite { bytes, _, written in
        if bytes.first != UInt8(ascii: " ") { written.append(UInt8(ascii: " ")) }
        written.append(contentsOf: bytes)
      }
    case .byteAlphabet:
      text.rewrite { bytes, _, written in for byte in bytes { written += ByteAlphabet.spelling(of: byte) } }
    case .digits(let individual):
      text.cut(individual ? .isolated : .contiguous) { PinnedProperties.isNumeric($0) }
    case .metaspace(let replacement, let prepending, let splits):
      Self.metaspace(replacement, prepending, &text)
      if splits {
        text.cut(.mergedWithNext) { bytes, body in forEachOccurrence(of: replacement, in: bytes, body) }
      }
    case .words: text.cut(.removed, inverted: true, at: Self.words)
    case .whitespaceSplit: text.cut(.removed) { CharacterClasses.standard[$0].contains(.whitespace) }
    case .punctuation(let behavior): text.cut(behavior) { PinnedProperties.isPunctuation($0) }
    case .delimiter(let delimiter):
      text.cut(.removed) { bytes, body in forEachOccurrence(of: delimiter, in: bytes, body) }
    case .beforeRuns(let literal):
      text.cut(.isolated) { bytes, body in
        var (start, end) = (0, 0)  // of the piece at hand, and of the last occurrence
        forEachOccurrence(of: literal, in: bytes) { place in
          if place.lowerBound > end {
            body(start..<place.lowerBound)
            start = place.lowerBound
          }
          end = place.upperBound
        }
        if start < bytes.count { body(start..<bytes.count) }
      }
    case .fixedLength(let length):
      text.cut(.isolated) { bytes, body in
        var (start, index, count) = (0, 0, 0)
        while index < bytes.count {
          index += lengthOfCharacter(bytes[index])
          count += 1
          if count % length == 0 {
            body(start..<index)
            start = index
          }
        }
      }
    }
  }

  private static func metaspace(_ replacement: [UInt8], _ prepending: Prepending, _ text: inout CutText) {
    text.rewrite { bytes, beginsInput, written in
      let begins = bytes.starts(with: replacement) || bytes.first == UInt8(ascii: " ")
      switch prepending {
      case .always: if !begins { written += replacement }
      case .first: if !begins, beginsInput { written += replacement }
      case .never: break
      }
      for byte in bytes {
        if byte == UInt8(ascii: " ") { written += replacement } else { written.append(byte) }
      }
    }
  }

  /// `\w+|[^\w\s]+`
  private static func words(in bytes: UnsafeBufferPointer<UInt8>, _ body: (Range<Int>) -> Void) {
    var (index, start) = (0, 0)
    var current: Bool?  // whether the run at hand is of word characters; nil in whitespace
    while index < bytes.count {
      let value = scalarValue(in: bytes, at: index)
      let kind = isWordCharacter(value) ? true : CharacterClasses.standard[value].contains(.whitespace) ? nil : false
      if kind != current {
        if current != nil { body(start..<index) }
        (current, start) = (kind, index)
      }
      index += lengthOfCharacter(bytes[index])
    }
    if current != nil { body(start..<index) }
  }
}

/// Calls `body` with every occurrence of `literal`, from the left, without overlaps. An empty text occurs nowhere.
func forEachOccurrence(
  of literal: [UInt8], in bytes: UnsafeBufferPointer<UInt8>, _ body: (Range<Int>) -> Void
) {
  guard let first = literal.first else { return }
  var index = 0
  while index + literal.count <= bytes.count {
    if bytes[index] == first, bytes[index..<index + literal.count].elementsEqual(literal) {
      body(index..<index + literal.count)
      index += literal.count
    } else {
      index += 1
    }
  }
}
