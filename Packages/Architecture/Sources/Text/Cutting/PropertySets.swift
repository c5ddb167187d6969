// Properties of characters as the inside of a PCRE2 set, in the version of Unicode that tokenizer files mean.
// An older PCRE2 does not know the newest characters; they are added here by their numbers.
import CPCRE2

/// The insides of sets: `[` and `]` are the caller's.
enum PropertySets {
  /// The Unicode property White_Space. PCRE2's own `\s` has one character more, U+180E.
  static let space =
    "\\x09-\\x0d\\x20\\x{85}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}"

  /// Letters, marks, decimal digits, letter numbers, connectors, letters in circles and squares, and the raised digits
  /// and fractions of Latin-1, which Oniguruma counts as well.
  static func word() throws -> String {
    try ["L", "M", "Nd", "Nl", "Pc"].map { try named($0) }.joined()
      + "\\x{b2}\\x{b3}\\x{b9}\\x{bc}-\\x{be}\\x{24b6}-\\x{24e9}"
      + "\\x{1f130}-\\x{1f149}\\x{1f150}-\\x{1f169}\\x{1f170}-\\x{1f189}"
  }

  /// General categories by their long names, as files sometimes write them.
  private static let shortNames = [
    "letter": "L", "uppercaseletter": "Lu", "lowercaseletter": "Ll", "titlecaseletter": "Lt", "modifierletter": "Lm",
    "otherletter": "Lo", "mark": "M", "nonspacingmark": "Mn", "spacingmark": "Mc", "enclosingmark": "Me",
    "number": "N", "decimalnumber": "Nd", "letternumber": "Nl", "othernumber": "No", "punctuation": "P",
    "connectorpunctuation": "Pc", "dashpunctuation": "Pd", "openpunctuation": "Ps", "closepunctuation": "Pe",
    "initialpunctuation": "Pi", "finalpunctuation": "Pf", "otherpunctuation": "Po", "symbol": "S", "mathsymbol": "Sm",
    "currencysymbol": "Sc", "modifiersymbol": "Sk", "othersymbol": "So", "separator": "Z", "spaceseparator": "Zs",
    "lineseparator": "Zl", "paragraphseparator": "Zp", "other": "C", "control": "Cc", "format": "Cf",
  ]

  /// The set of a property by its name. Throws `TokenizerError` for a name that cannot be one.
  static func named(_ name: String) throws -> String {
    guard !name.isEmpty, name.utf8.count < 40,
      name.utf8.allSatisfy({ $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: " ") || isASCIILetter($0) })
    else { throw TokenizerError("uses '\\p{\(name.prefix(40))}', which names no property; \\p{L} does") }
    let plain = name.lowercased().filter { $0.isLetter }
    switch plain {
    case "space", "whitespace": return space
    case "word": return try word()
    case "digit": return try named("Nd")
    case "alpha": return "\\p{Alphabetic}"
    default: break
    }
    let short = shortNames[plain] ?? name
    let written = isScript(short) ? "sc:\(short)" : short
    return "\\p{\(written)}" + (newerOfScript[short] ?? newer(short))
  }

  /// Whether a name is a script's. Files mean the script that a character belongs to; by the bare name PCRE2 from 10.40
  /// on means all those that it is used in, and earlier ones do not know the prefix that says otherwise.
  private static func isScript(_ name: String) -> Bool {
    guard name.utf8.count > 2 else { return false }
    let pattern = Array("\\p{sc:\(name)}".utf8)
    var (errorCode, errorOffset): (Int32, Int) = (0, 0)
    let code = pcre2_compile_8(pattern, pattern.count, PCRE2_UTF, &errorCode, &errorOffset, nil)
    defer { pcre2_code_free_8(code) }
    return code != nil
  }

  /// Characters that East Asian scripts gained in Unicode 15 and 15.1; naming them twice does no harm.
  private static let newerOfScript = [
    "Han": "\\x{2ebf0}-\\x{2ee5d}", "Hiragana": "\\x{1b132}", "Katakana": "\\x{1b155}",
  ]

  /// Characters of a general category that this PCRE2 does not know yet, as ranges.
  private static func newer(_ category: String) -> String {
    guard category.utf8.count <= 2 else { return "" }
    var (result, start, last) = ("", UInt32(0), UInt32(0))
    func close() { if start > 0 { result += "\\x{\(String(start, radix: 16))}-\\x{\(String(last, radix: 16))}" } }
    for character in newCharacters where character.category.hasPrefix(category) {
      if character.value != last + 1 || start == 0 {
        close()
        start = character.value
      }
      last = character.value
    }
    close()
    return result
  }

  /// Assigned characters of Unicode 16 that the linked PCRE2 takes for unassigned.
  private static let newCharacters: [(value: UInt32, category: String)] = {
    var buffer = [UInt8](repeating: 0, count: 32)
    _ = pcre2_config_8(UInt32(PCRE2_CONFIG_UNICODE_VERSION), &buffer)
    let text = String(decoding: buffer.prefix { $0 != 0 }, as: UTF8.self)
    let numbers = text.split(separator: ".").compactMap { Int($0) }
    let known = (numbers.first ?? 14, numbers.dropFirst().first ?? 0)
    guard known < (16, 0) else { return [] }
    return (UInt32(0x80)..<0x40000).compactMap { value in
      guard let properties = Unicode.Scalar(value)?.properties, let age = properties.age,
        (age.major, age.minor) > known, age.major <= 16
      else { return nil }
      return (value, properties.generalCategory.shortName)
    }
  }()

  private static func isASCIILetter(_ byte: UInt8) -> Bool { (byte | 0x20) &- UInt8(ascii: "a") < 26 }
}

extension Unicode.GeneralCategory {
  /// The two letters of the standard, such as `Lu`.
  var shortName: String {
    switch self {
    case .uppercaseLetter: "Lu"
    case .lowercaseLetter: "Ll"
    case .titlecaseLetter: "Lt"
    case .modifierLetter: "Lm"
    case .otherLetter: "Lo"
    case .nonspacingMark: "Mn"
    case .spacingMark: "Mc"
    case .enclosingMark: "Me"
    case .decimalNumber: "Nd"
    case .letterNumber: "Nl"
    case .otherNumber: "No"
    case .connectorPunctuation: "Pc"
    case .dashPunctuation: "Pd"
    case .openPunctuation: "Ps"
    case .closePunctuation: "Pe"
    case .initialPunctuation: "Pi"
    case .finalPunctuation: "Pf"
    case .otherPunctuation: "Po"
    case .mathSymbol: "Sm"
    case .currencySymbol: "Sc"
    case .modifierSymbol: "Sk"
    case .otherSymbol: "So"
    case .spaceSeparator: "Zs"
    case .lineSeparator: "Zl"
    case .paragraphSeparator: "Zp"
    case .control: "Cc"
    case .format: "Cf"
    case .surrogate: "Cs"
    case .privateUse: "Co"
    case .unassigned: "Cn"
    @unknown default: "Cn"
    }
  }
}
