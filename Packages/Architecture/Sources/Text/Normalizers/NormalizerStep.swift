// The steps of normalization that tokenizer files can name, one case each, applied in order to a stretch of text.

/// One step: text in, text out.
enum NormalizerStep: Sendable {
  case form(UnicodeNormalization.Form)
  case lowercase
  case strip(left: Bool, right: Bool)
  /// Combining marks disappear.
  case stripAccents
  case replaceLiteral([UInt8], with: [UInt8])
  case replacePattern(PatternMatcher, with: [UInt8])
  /// Put before a text that is not empty.
  case prepend([UInt8])
  /// Control characters disappear, unusual whitespace becomes a space.
  case nmt
  case bert(BertNormalization)
  case characterMap(CharacterMap)
  /// Bytes become the characters of the byte-level alphabet.
  case byteAlphabet

  /// A text under way.
  struct Stretch {
    var bytes: [UInt8]
    /// Whether the first character stands for the first one of the whole input.
    var beginsInput: Bool
  }

  /// Applies the step.
  func apply(to text: inout Stretch) {
    switch self {
    case .form(let form): text.bytes = UnicodeNormalization.standard.normalize(text.bytes, to: form)
    case .lowercase: text.bytes = lowercased(text.bytes)
    case .strip(let left, let right): Self.strip(&text, left, right)
    case .stripAccents: Self.keep(&text) { !OlderCategories.isCombiningMark($0) }
    case .replaceLiteral(let literal, let replacement):
      Self.replace(&text, with: replacement) { bytes, body in forEachOccurrence(of: literal, in: bytes, body) }
    case .replacePattern(let matcher, let replacement):
      Self.replace(&text, with: replacement) { bytes, body in matcher.search(bytes, body) }
    case .prepend(let prefix): if !text.bytes.isEmpty { text.bytes = prefix + text.bytes }
    case .nmt: Self.nmt(&text)
    case .bert(let settings): settings.apply(to: &text)
    case .characterMap(let map): text.bytes = map.map(text.bytes)
    case .byteAlphabet: text.bytes = text.bytes.flatMap { ByteAlphabet.spelling(of: $0) }
    }
  }

  /// Keeps the characters that `isKept`.
  static func keep(_ text: inout Stretch, _ isKept: (Unicode.Scalar) -> Bool) {
    var result: [UInt8] = []
    result.reserveCapacity(text.bytes.count)
    var isFirst = true
    for scalar in String(decoding: text.bytes, as: UTF8.self).unicodeScalars {
      if isKept(scalar) {
        append(scalar, to: &result)
      } else if isFirst {
        text.beginsInput = false
      }
      isFirst = false
    }
    text.bytes = result
  }

  private static func strip(_ text: inout Stretch, _ left: Bool, _ right: Bool) {
    func isSpace(_ scalar: Unicode.Scalar) -> Bool { CharacterClasses.standard[scalar.value].contains(.whitespace) }
    var scalars = String(decoding: text.bytes, as: UTF8.self).unicodeScalars[...]
    if left, let first = scalars.first, isSpace(first) {
      scalars = scalars.drop(while: isSpace)
      text.beginsInput = false
    }
    if right { while let last = scalars.last, isSpace(last) { scalars.removeLast() } }
    text.bytes = Array(Substring(scalars).utf8)
  }

  private static func replace(
    _ text: inout Stretch, with replacement: [UInt8],
    at find: (UnsafeBufferPointer<UInt8>, (Range<Int>) -> Void) -> Void
  ) {
    var result: [UInt8] = []
    result.reserveCapacity(text.bytes.count)
    var end = 0
    var movesStart = false
    text.bytes.withUnsafeBufferPointer { bytes in
      find(bytes) { range in
        // What replaces more than one byte at the beginning stands for the last of them.
        if range.lowerBound == 0, range.count > (replacement.isEmpty ? 0 : 1) { movesStart = true }
        result.append(contentsOf: bytes[end..<range.lowerBound])
        result += replacement
        end = range.upperBound
      }
      result.append(contentsOf: bytes[end...])
    }
    if movesStart { text.beginsInput = false }
    text.bytes = result
  }

  private static func nmt(_ text: inout Stretch) {
    keep(&text) { scalar in
      switch scalar.value {
      case 0x01...0x08, 0x0B, 0x0E...0x1F, 0x7F, 0x8F, 0x9F: false
      default: true
      }
    }
    var result: [UInt8] = []
    for scalar in String(decoding: text.bytes, as: UTF8.self).unicodeScalars {
      switch scalar.value {
      case 0x09, 0x0A, 0x0C, 0x0D, 0x1680, 0x200B...0x200F, 0x2028, 0x2029, 0x2581, 0xFEFF, 0xFFFD:
        result.append(UInt8(ascii: " "))
      default: append(scalar, to: &result)
      }
    }
    text.bytes = result
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
    if scalar.value < 0x80 {
      result.append(UInt8(scalar.value) | ((65...90).contains(scalar.value) ? 0x20 : 0))
    } else {
      result.append(contentsOf: scalar.properties.lowercaseMapping.utf8)
    }
  }
  return result
}
