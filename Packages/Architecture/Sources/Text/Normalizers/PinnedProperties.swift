// Questions about characters whose answers depend on the version of Unicode that was current when they were fixed.
// Published tokenizers were made with these answers, so they are kept.

/// Properties as published tokenizers know them: the Bert family those of Unicode 8, plain steps those of Unicode 17.
enum PinnedProperties {
  /// Punctuation, and the symbols of ASCII with it.
  static func isPunctuation(_ value: UInt32) -> Bool {
    if value < 0x80 {
      return (33...47).contains(value) || (58...64).contains(value) || (91...96).contains(value)
        || (123...126).contains(value)
    }
    if value == 0x166D || value == 0x111C9 { return true }
    return CharacterClasses.standard[value].contains(.punctuation) && isAssigned(value, in: 8)
  }

  /// A mark that takes no room of its own.
  static func isNonspacingMark(_ scalar: Unicode.Scalar) -> Bool {
    // Characters that became such marks, or ceased to be, after Unicode 8.
    switch scalar.value {
    case ..<0x300, 0x1885, 0x1886, 0xA9BD, 0x111C9: return false
    case 0x1734, 0x1171E: return true
    default: break
    }
    return scalar.properties.generalCategory == .nonspacingMark && isAssigned(scalar.value, in: 8)
  }

  /// A control or format character, or one for private use.
  static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control: true
    case .format, .privateUse: isAssigned(scalar.value, in: 8)
    default: false
    }
  }

  /// A mark of any kind, in Unicode 9.
  static func isCombiningMark(_ scalar: Unicode.Scalar) -> Bool {
    if scalar.value == 0x1CF2 || scalar.value == 0x1CF3 { return true }
    return scalar.value >= 0x300 && scalar.value != 0x111C9 && CharacterClasses.standard[scalar.value].contains(.mark)
      && isAssigned(scalar.value, in: 9)
  }

  /// A number of any kind, in Unicode 17.
  static func isNumeric(_ value: UInt32) -> Bool {
    CharacterClasses.standard[value].contains(.number) || (0x11DE0...0x11DE9).contains(value)
      || (0x16FF4...0x16FF6).contains(value)
  }

  /// The lower case of a character by itself, in Unicode 17.
  static func appendLowercase(of scalar: Unicode.Scalar, to bytes: inout [UInt8]) {
    switch scalar.value {
    case 0x41...0x5A: bytes.append(UInt8(scalar.value) | 0x20)
    case 0..<0x80: bytes.append(UInt8(scalar.value))
    case 0xA7CE, 0xA7D2, 0xA7D4: append(scalar.value + 1, to: &bytes)
    case 0x16EA0...0x16EB8: append(scalar.value + 0x1B, to: &bytes)
    default: bytes.append(contentsOf: scalar.properties.lowercaseMapping.utf8)
    }
  }

  private static func append(_ value: UInt32, to bytes: inout [UInt8]) {
    if let scalar = Unicode.Scalar(value) { NormalizerStep.append(scalar, to: &bytes) }
  }

  private static func isAssigned(_ value: UInt32, in version: Int) -> Bool {
    guard let age = Unicode.Scalar(value)?.properties.age else { return false }
    return age.major <= version
  }
}

/// What `\w` means to the engines that define word boundaries here.
func isWordCharacter(_ value: UInt32) -> Bool {
  if value < 0x80 {
    return (48...57).contains(value) || (65...90).contains(value) || value == 95 || (97...122).contains(value)
  }
  let classes = CharacterClasses.standard[value]
  if classes.contains(.letter) || classes.contains(.mark) { return true }
  guard let properties = Unicode.Scalar(value)?.properties, let age = properties.age, age.major <= 16 else {
    return false
  }
  return properties.isAlphabetic || properties.generalCategory == .decimalNumber
    || properties.generalCategory == .connectorPunctuation || properties.isJoinControl
}
