// The steps that turn the spellings of tokens back into text, as tokenizer files name them.

/// One step over a list of spellings.
enum DecoderStep: Sendable {
  /// Characters of the byte-level alphabet become bytes; everything is one text from here on.
  case byteLevel
  /// The space's stand-in becomes a space; in the first token it disappears when one was put there.
  case metaspace(replacement: [UInt8], dropsFirst: Bool)
  /// Tokens such as `<0x0A>` become bytes, a run of them at a time.
  case byteFallback
  /// Everything is one text from here on.
  case fuse
  /// Up to so many of a character at the beginning and at the end disappear.
  case strip([UInt8], start: Int, stop: Int)
  case replace(Replacement)
  /// A token without the prefix begins a word: a space before it. `cleans` closes up English punctuation.
  case wordPiece(prefix: [UInt8], cleans: Bool)
  /// The suffix that ends a word becomes a space, and nothing in the last token.
  case endOfWord(suffix: [UInt8])
  /// A space between tokens: what happens without a decoder.
  case spaced

  /// Whether everything is one text behind this step.
  var joins: Bool {
    switch self {
    case .byteLevel, .fuse: true
    case .metaspace, .byteFallback, .strip, .replace, .wordPiece, .endOfWord, .spaced: false
    }
  }

  /// The spelling of a token by itself; for steps that look at one token at a time.
  func apply(to token: [UInt8], isFirst: Bool) -> [UInt8] {
    switch self {
    case .byteLevel: ByteAlphabet.bytes(of: token) ?? token
    case .metaspace(let replacement, let dropsFirst):
      replacing(replacement, in: token, with: isFirst && dropsFirst ? [] : [UInt8(ascii: " ")])
    case .strip(let character, let start, let stop): stripped(token, character, start, stop)
    case .replace(.literal(let literal, let content)): replacing(literal, in: token, with: content)
    case .replace(.pattern(let matcher, let content)): replaced(token, with: content) { matcher.search($0, $1) }
    case .wordPiece(let prefix, let cleans): wordPiece(token, isFirst, prefix, cleans)
    case .spaced: isFirst ? token : [UInt8(ascii: " ")] + token
    case .endOfWord(let suffix): replacing(suffix, in: token, with: [UInt8(ascii: " ")])
    case .byteFallback, .fuse: token
    }
  }

  private func stripped(_ token: [UInt8], _ character: [UInt8], _ start: Int, _ stop: Int) -> [UInt8] {
    var rest = token[...]
    for _ in 0..<start {
      guard !rest.isEmpty, rest.starts(with: character) else { break }
      rest = rest.dropFirst(character.count)
    }
    for _ in 0..<stop {
      guard !rest.isEmpty, rest.suffix(character.count).elementsEqual(character) else { break }
      rest = rest.dropLast(character.count)
    }
    return Array(rest)
  }

  private func wordPiece(_ token: [UInt8], _ isFirst: Bool, _ prefix: [UInt8], _ cleans: Bool) -> [UInt8] {
    var token = token
    if !isFirst {
      token = token.starts(with: prefix) ? Array(token.dropFirst(prefix.count)) : [UInt8(ascii: " ")] + token
    }
    guard cleans else { return token }
    for (found, written) in Self.closings { token = replacing(found, in: token, with: written) }
    return token
  }

  private static let closings: [([UInt8], [UInt8])] = [
    (" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"), (" 'm", "'m"),
    (" do not", " don't"), (" 's", "'s"), (" 've", "'ve"), (" 're", "'re"),
  ].map { (Array($0.utf8), Array($1.utf8)) }
}
