// The normalization of the Bert family: cleaning, spaces around ideographs, accents, lower case.

/// Which of the four are done, in this order.
struct BertNormalization: Sendable {
  var cleansText = true
  var spacesIdeographs = true
  var stripsAccents = true
  var lowercases = true

  /// Applies what is switched on.
  func apply(to text: inout NormalizerStep.Stretch) {
    if cleansText { cleanse(&text) }
    if spacesIdeographs { text.rewrite(spaced) }
    if stripsAccents {
      text.rewrite { UnicodeNormalization.standard.normalize($0, to: .nfd) }
      NormalizerStep.keep(&text) { !PinnedProperties.isNonspacingMark($0) }
    }
    if lowercases { text.rewrite(lowercased) }
  }

  /// Drops control characters; whitespace of every kind becomes a space.
  private func cleanse(_ text: inout NormalizerStep.Stretch) {
    NormalizerStep.keep(&text) { scalar in
      switch scalar.value {
      case 0x09, 0x0A, 0x0D: true
      case 0, 0xFFFD: false
      default: !PinnedProperties.isControl(scalar)
      }
    }
    text.rewrite(whitened)
  }

  private func whitened(_ bytes: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    for scalar in String(decoding: bytes, as: UTF8.self).unicodeScalars {
      let isSpace = CharacterClasses.standard[scalar.value].contains(.whitespace)
      NormalizerStep.append(isSpace ? " " : scalar, to: &result)
    }
    return result
  }

  private func spaced(_ bytes: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    for scalar in String(decoding: bytes, as: UTF8.self).unicodeScalars {
      let isIdeograph = Self.isIdeograph(scalar.value)
      if isIdeograph { result.append(UInt8(ascii: " ")) }
      NormalizerStep.append(scalar, to: &result)
      if isIdeograph { result.append(UInt8(ascii: " ")) }
    }
    return result
  }

  /// The blocks that the family treats as words of one character.
  private static func isIdeograph(_ value: UInt32) -> Bool {
    switch value {
    case 0x4E00...0x9FFF, 0x3400...0x4DBF, 0x20000...0x2A6DF, 0x2A700...0x2B73F, 0x2B740...0x2B81F, 0x2B920...0x2CEAF,
      0xF900...0xFAFF, 0x2F800...0x2FA1F:
      true
    default: false
    }
  }
}
