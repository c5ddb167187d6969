// How text is cut into pieces before merging; a token never crosses a piece.
// Each way has a standard name in files, a list of regular expressions, and a hand-written scanner here.

/// A known way to cut text into pieces. Pieces cover the text exactly, in order.
public enum PreTokenizer: String, Sendable, Hashable, CaseIterable, Codable {
  /// Words with the one space before them; other whitespace runs apart.
  case whitespace
  /// English contractions, letter runs, number runs, other runs, each with the one space before it.
  case gpt2
  /// Digits by threes, East Asian runs, then words with marks, punctuation with its line breaks, whitespace.
  case deepSeekV3
  /// Contractions, letter runs with one other character before them, digits by threes, the rest with its line breaks.
  case llama3
  /// As `llama3`, but every digit by itself.
  case qwen2
  /// As `llama3`, but a word also ends where its case rises, and contractions stay with their word.
  case o200k
  /// As `o200k`, without contractions, and every digit by itself.
  case tekken
  /// No cut at all: merges may cross spaces and lines.
  case wholeText

  /// The regular expressions applied one after the other, each isolating its matches and keeping what lies between.
  public var patterns: [String] {
    switch self {
    case .whitespace: [#" ?\S+|\s+(?!\S)|\s+"#]
    case .gpt2: [#"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#]
    case .deepSeekV3:
      [
        #"\p{N}{1,3}"#,
        "[\u{4E00}-\u{9FA5}\u{3040}-\u{309F}\u{30A0}-\u{30FF}]+",
        ##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|"##
          + "[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+",
      ]
    case .llama3: [Self.llama(digits: #"\p{N}{1,3}"#)]
    case .qwen2: [Self.llama(digits: #"\p{N}"#)]
    case .o200k: [Self.cased(digits: #"\p{N}{1,3}"#, contractions: "(?i:'s|'t|'re|'ve|'m|'ll|'d)?")]
    case .tekken: [Self.cased(digits: #"\p{N}"#, contractions: "")]
    case .wholeText: []
    }
  }

  private static func llama(digits: String) -> String {
    #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|"# + digits
      + #"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
  }

  private static func cased(digits: String, contractions: String) -> String {
    let (upper, lower) = (#"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"#, #"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"#)
    let before = #"[^\r\n\p{L}\p{N}]?"#
    return before + upper + "*" + lower + "+" + contractions + "|" + before + upper + "+" + lower + "*" + contractions
      + "|" + digits + #"| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
  }

  /// The way whose patterns a list of patterns begins with, the one with the most of them.
  static func known(atStartOf patterns: [String]) -> PreTokenizer? {
    allCases.sorted { $0.patterns.count > $1.patterns.count }.first { way in
      let count = way.patterns.count
      return count > 0 && count <= patterns.count && PreTokenizer(patterns: Array(patterns.prefix(count))) == way
    }
  }

  /// The way that stands for `patterns`, if it is a known one. Line breaks may be written literally or escaped.
  public init?(patterns: [String]) {
    func unescaped(_ pattern: String) -> String {
      pattern.replacing("\\r", with: "\r").replacing("\\n", with: "\n")
    }
    let wanted = patterns.map { Array(unescaped($0).utf8) }
    let match = Self.allCases.first { way in way.patterns.map { Array(unescaped($0).utf8) } == wanted }
    guard let match else { return nil }
    self = match
  }

  /// The pieces of `text`; joined they are `text` again.
  public func pieces(of text: String) -> [String] {
    var text = text
    return text.withUTF8 { bytes in
      var scanner = PieceScanner(self, bytes, in: 0..<bytes.count)
      var pieces: [String] = []
      while let piece = scanner.next() { pieces.append(String(decoding: bytes[piece], as: UTF8.self)) }
      return pieces
    }
  }
}
