// The Unicode classes that pre-tokenisation asks about, one table look-up per character.
// Regular expressions spell them \p{L}, \p{N}, \p{P}, \p{S}, \p{M} and \s.

/// The classes of one character; a character has at most one general category, but a line break is also
/// whitespace, and letters may have a case.
struct CharacterClass: OptionSet {
  let rawValue: UInt16
  static let letter = CharacterClass(rawValue: 1)
  static let number = CharacterClass(rawValue: 2)
  static let punctuation = CharacterClass(rawValue: 4)
  static let symbol = CharacterClass(rawValue: 8)
  static let mark = CharacterClass(rawValue: 16)
  /// The Unicode property White_Space, which is what `\s` means to the engines that define these patterns.
  static let whitespace = CharacterClass(rawValue: 32)
  /// Carriage return and line feed only.
  static let lineBreak = CharacterClass(rawValue: 64)
  /// U+4E00-U+9FA5 and the Hiragana and Katakana blocks.
  static let eastAsian = CharacterClass(rawValue: 128)
  /// Upper-case and title-case letters, which are letters as well.
  static let upper = CharacterClass(rawValue: 256)
  /// Lower-case letters, which are letters as well.
  static let lower = CharacterClass(rawValue: 512)
}

/// A two-level table from scalar to classes: blocks of 256 scalars, equal blocks stored once. Only the blocks that texts
/// are mostly made of are in it, because asking for the properties of every scalar would take most of the time that a
/// small vocabulary needs to be read; the classes of any other scalar are asked for when it comes.
struct CharacterClasses: Sendable {
  private static let notInTable = UInt16.max
  private let blockOfPage: [UInt16]
  private let classes: [CharacterClass.RawValue]

  /// The table of Unicode 16, the version of the engine that other implementations of these patterns use. Characters
  /// that are newer have no class, so that a text has the same tokens everywhere.
  static let standard = CharacterClasses()

  private init() {
    var blockOfPage = [UInt16](repeating: Self.notInTable, count: 0x110000 / 256)
    var classes: [CharacterClass.RawValue] = []
    var known: [[CharacterClass.RawValue]: UInt16] = [:]
    func enter(_ pages: Range<Int>, _ block: [CharacterClass.RawValue]) {
      let index = known[block] ?? UInt16(known.count)
      if known.updateValue(index, forKey: block) == nil { classes += block }
      for page in pages { blockOfPage[page] = index }
    }
    for range in Self.mixedPages {
      for page in range { enter(page..<page + 1, (0..<256).map { Self.classify(UInt32(page << 8 | $0)).rawValue }) }
    }
    for range in Self.uniformPages {
      enter(
        range, [CharacterClass.RawValue](repeating: Self.classify(UInt32(range.lowerBound << 8)).rawValue, count: 256))
    }
    (self.blockOfPage, self.classes) = (blockOfPage, classes)
  }

  /// The Basic Multilingual Plane but for what is uniform, letters of mathematics, and pictures.
  private static let mixedPages = [
    0..<0x34, 0x4D..<0x4E, 0x9F..<0xAC, 0xD7..<0xD8, 0xF9..<0x100, 0x1D4..<0x1D8, 0x1F0..<0x1FB,
  ]
  /// Pages of ideographs and of Hangul syllables; surrogates; private use.
  private static let uniformPages = [0x34..<0x4D, 0x4E..<0x9F, 0xAC..<0xD7, 0xD8..<0xE0, 0xE0..<0xF9, 0x200..<0x2A6]

  /// The classes of a scalar value; nothing for surrogates and values out of range.
  @inline(__always)
  subscript(scalar: UInt32) -> CharacterClass {
    let page = Int(scalar >> 8)
    guard page < blockOfPage.count else { return [] }
    let block = blockOfPage[page]
    if block == Self.notInTable { return Self.classify(scalar) }
    return CharacterClass(rawValue: classes[Int(block) << 8 | Int(scalar & 255)])
  }

  /// What the table holds.
  static func classify(_ value: UInt32) -> CharacterClass {
    guard let scalar = Unicode.Scalar(value) else { return [] }
    // This class is a range of values, assigned or not; the others follow the properties of Unicode 16.
    var result: CharacterClass =
      (0x4E00...0x9FA5).contains(value) || (0x3040...0x30FF).contains(value) ? .eastAsian : []
    guard let age = scalar.properties.age, age.major <= 16 else { return result }
    result.formUnion(category(of: scalar))
    if scalar.properties.isWhitespace { result.insert(.whitespace) }
    if value == 10 || value == 13 { result.insert(.lineBreak) }
    return result
  }

  private static func category(of scalar: Unicode.Scalar) -> CharacterClass {
    switch scalar.properties.generalCategory {
    case .uppercaseLetter, .titlecaseLetter: return [.letter, .upper]
    case .lowercaseLetter: return [.letter, .lower]
    case .modifierLetter, .otherLetter: return .letter
    case .decimalNumber, .letterNumber, .otherNumber: return .number
    case .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation, .initialPunctuation,
      .finalPunctuation, .otherPunctuation:
      return .punctuation
    case .mathSymbol, .currencySymbol, .modifierSymbol, .otherSymbol: return .symbol
    case .nonspacingMark, .spacingMark, .enclosingMark: return .mark
    case .spaceSeparator, .lineSeparator, .paragraphSeparator, .control, .format, .surrogate, .privateUse, .unassigned:
      return []
    @unknown default: return []
    }
  }
}
