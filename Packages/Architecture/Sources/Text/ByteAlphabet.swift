// The byte-level alphabet: one printable character for each of the 256 bytes.
// Files spell tokens in it, so that a vocabulary of arbitrary bytes is readable text without spaces or controls.

/// The bijection between bytes and the characters that stand for them in byte-level vocabularies.
enum ByteAlphabet {
  /// The character of each byte: printable Latin-1 stands for itself, the rest is moved to U+0100 and up.
  static let characters: [Unicode.Scalar] = {
    var next: UInt32 = 256
    return (0...255).map { (byte: UInt32) in
      if isPrintable(byte) { return Unicode.Scalar(UInt8(byte)) }
      defer { next += 1 }
      return Unicode.Scalar(next) ?? "\u{FFFD}"
    }
  }()

  /// The byte of each character, indexed by scalar value; -1 where a scalar is not in the alphabet.
  private static let bytes: [Int16] = {
    var table = [Int16](repeating: -1, count: 512)
    for (byte, character) in characters.enumerated() { table[Int(character.value)] = Int16(byte) }
    return table
  }()

  /// All bytes in the order of their characters, which is the order vocabularies number them in.
  static var bytesInCharacterOrder: [UInt8] {
    (0...255).sorted { characters[$0].value < characters[$1].value }.map { UInt8($0) }
  }

  /// How one byte is written, in UTF-8.
  static func spelling(of byte: UInt8) -> [UInt8] { spellings[Int(byte)] }

  private static let spellings: [[UInt8]] = characters.map { Array(String($0).utf8) }

  /// How a token made of `bytes` is written in a file.
  static func spelling(of bytes: some Sequence<UInt8>) -> String {
    var text = String.UnicodeScalarView()
    for byte in bytes { text.append(characters[Int(byte)]) }
    return String(text)
  }

  /// The bytes that `spelling` stands for, or nil when it uses a character outside the alphabet.
  static func bytes(of spelling: String) -> [UInt8]? {
    var result: [UInt8] = []
    result.reserveCapacity(spelling.utf8.count)
    for character in spelling.unicodeScalars {
      guard character.value < 512 else { return nil }
      let byte = bytes[Int(character.value)]
      guard byte >= 0 else { return nil }
      result.append(UInt8(byte))
    }
    return result
  }

  /// The bytes that `spelling` stands for, or nil when it uses a character outside the alphabet.
  static func bytes(of spelling: [UInt8]) -> [UInt8]? {
    var result: [UInt8] = []
    result.reserveCapacity(spelling.count)
    var index = 0
    while index < spelling.count {
      // The alphabet ends below U+0200: a character of it has one byte or two.
      var value = Int(spelling[index])
      index += 1
      if value >= 0x80 {
        guard value & 0xE0 == 0xC0, index < spelling.count, spelling[index] & 0xC0 == 0x80 else { return nil }
        value = (value & 0x1F) << 6 | Int(spelling[index] & 0x3F)
        index += 1
      }
      guard value < bytes.count, bytes[value] >= 0 else { return nil }
      result.append(UInt8(bytes[value]))
    }
    return result
  }

  private static func isPrintable(_ byte: UInt32) -> Bool {
    (33...126).contains(byte) || (161...172).contains(byte) || (174...255).contains(byte)
  }
}
