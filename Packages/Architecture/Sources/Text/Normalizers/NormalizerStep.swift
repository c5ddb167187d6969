// The steps of normalization that tokenizer files can name, one case each, applied in order to a stretch of text.

/// One step: text in, text out.
enum NormalizerStep: Sendable {
  case form(UnicodeNormalization.Form)
  case lowercase
  case strip(left: Bool, right: Bool)
  /// Combining marks disappear.
  case stripAccents
  case replace(Replacement)
  /// Put before a text that is not empty.
  case prepend([UInt8])
  /// Control characters disappear, unusual whitespace becomes a space.
  case nmt
  case bert(BertNormalization)
  case characterMap(CharacterMap)
  /// Bytes become the characters of the byte-level alphabet.
  case byteAlphabet

  /// How many times as long a text becomes at most, in whole numbers, where the tokenizer's file decides that.
  var growth: Int {
    switch self {
    case .replace(let replacement): replacement.growth
    case .byteAlphabet: 2
    case .form, .lowercase, .strip, .stripAccents, .prepend, .nmt, .bert, .characterMap: 1
    }
  }

  /// A text under way.
  struct Stretch {
    private(set) var bytes: [UInt8]
    /// How many characters stand for the first one of the whole input; 0 when it is not here or no longer.
    private(set) var leading: Int
    /// Whether the first character stands for the first one of the whole input.
    var beginsInput: Bool { leading > 0 }

    init(bytes: [UInt8], beginsInput: Bool) { (self.bytes, leading) = (bytes, beginsInput ? 1 : 0) }

    /// Writes the text anew. In front stand as many characters as the leading ones become by themselves, as far as the
    /// whole begins with them: marks may have been put into another order.
    mutating func rewrite(_ change: ([UInt8]) -> [UInt8]) {
      let written = change(bytes)
      if leading > 0 {
        let front = String(decoding: bytes, as: UTF8.self).unicodeScalars.prefix(leading)
        let alone = String(decoding: change(Array(String(front).utf8)), as: UTF8.self).unicodeScalars
        let whole = String(decoding: written, as: UTF8.self).unicodeScalars
        leading = max(1, zip(alone, whole).prefix { $0 == $1 }.count)
      }
      bytes = written
    }

    /// Replaces the text, of whose leading characters so many are left.
    mutating func replace(with bytes: [UInt8], leading: Int) { (self.bytes, self.leading) = (bytes, max(0, leading)) }
  }

  /// Applies the step.
  func apply(to text: inout Stretch) {
    switch self {
    case .form(let form): text.rewrite { UnicodeNormalization.standard.normalize($0, to: form) }
    case .lowercase: text.rewrite(lowercased)
    case .strip(let left, let right): Self.strip(&text, left, right)
    case .stripAccents: Self.keep(&text) { !PinnedProperties.isCombiningMark($0) }
    case .replace(.literal(let literal, let content)) where literal.count == 1 && literal[0] != text.bytes.first:
      text.replace(with: replacing(literal, in: text.bytes, with: content), leading: text.leading)
    case .replace(.literal(let literal, let content)):
      Self.replace(&text, with: content) { bytes, body in forEachOccurrence(of: literal, in: bytes, body) }
    case .replace(.pattern(let matcher, let content)):
      Self.replace(&text, with: content) { bytes, body in matcher.search(bytes, body) }
    case .prepend(let prefix): if !text.bytes.isEmpty { text.rewrite { prefix + $0 } }
    case .nmt: Self.nmt(&text)
    case .bert(let settings): settings.apply(to: &text)
    case .characterMap(let map): text.rewrite(map.map)
    case .byteAlphabet: text.rewrite { $0.flatMap { ByteAlphabet.spelling(of: $0) } }
    }
  }

  /// Keeps the characters that `isKept`.
  static func keep(_ text: inout Stretch, _ isKept: (Unicode.Scalar) -> Bool) {
    var result: [UInt8] = []
    result.reserveCapacity(text.bytes.count)
    var leading = text.leading
    for (place, scalar) in String(decoding: text.bytes, as: UTF8.self).unicodeScalars.enumerated() {
      if isKept(scalar) { append(scalar, to: &result) } else if place < text.leading { leading -= 1 }
    }
    text.replace(with: result, leading: leading)
  }

  private static func strip(_ text: inout Stretch, _ left: Bool, _ right: Bool) {
    func isSpace(_ scalar: Unicode.Scalar) -> Bool { CharacterClasses.standard[scalar.value].contains(.whitespace) }
    let scalars = String(decoding: text.bytes, as: UTF8.self).unicodeScalars
    var rest = scalars[...]
    if left { rest = rest.drop(while: isSpace) }
    let removed = scalars.distance(from: scalars.startIndex, to: rest.startIndex)
    if right { while let last = rest.last, isSpace(last) { rest.removeLast() } }
    text.replace(with: Array(Substring(rest).utf8), leading: text.leading - removed)
  }

  private static func replace(
    _ text: inout Stretch, with replacement: [UInt8],
    at find: (UnsafeBufferPointer<UInt8>, (Range<Int>) -> Void) -> Void
  ) {
    var ranges: [Range<Int>] = []
    text.bytes.withUnsafeBufferPointer { find($0) { ranges.append($0) } }
    let result = replaced(text.bytes, with: replacement) { _, body in ranges.forEach(body) }
    var leading = text.leading
    if let first = ranges.first, first.lowerBound == 0, leading > 0 {
      // What replaces several characters stands for the last of them.
      let taken = text.bytes[first].count { $0 & 0xC0 != 0x80 }
      let written = replacement.count { $0 & 0xC0 != 0x80 }
      leading = taken > leading ? 0 : leading - taken + (taken > 0 ? written : 0)
    }
    text.replace(with: result, leading: leading)
  }

  private static func nmt(_ text: inout Stretch) {
    keep(&text) { scalar in
      switch scalar.value {
      case 0x01...0x08, 0x0B, 0x0E...0x1F, 0x7F, 0x8F, 0x9F: false
      default: true
      }
    }
    text.rewrite(spaced)
  }

  private static func spaced(_ bytes: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    for scalar in String(decoding: bytes, as: UTF8.self).unicodeScalars {
      switch scalar.value {
      case 0x09, 0x0A, 0x0C, 0x0D, 0x1680, 0x200B...0x200F, 0x2028, 0x2029, 0x2581, 0xFEFF, 0xFFFD:
        result.append(UInt8(ascii: " "))
      default: append(scalar, to: &result)
      }
    }
    return result
  }

  /// Appends a character in UTF-8.
  static func append(_ scalar: Unicode.Scalar, to bytes: inout [UInt8]) {
    if scalar.value < 0x80 {
      bytes.append(UInt8(scalar.value))
    } else {
      bytes.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
    }
  }
}

/// Each character's lower case by itself, without regard to its neighbours.
func lowercased(_ bytes: [UInt8]) -> [UInt8] {
  var result: [UInt8] = []
  result.reserveCapacity(bytes.count)
  for scalar in String(decoding: bytes, as: UTF8.self).unicodeScalars {
    PinnedProperties.appendLowercase(of: scalar, to: &result)
  }
  return result
}
