// The two models that know words: the longest token first within a word (WordPiece), and words as they are (WordLevel).

/// Takes the longest token from the left, again and again; a word that cannot be covered is unknown as a whole.
struct WordPieceModel: Sendable {
  var vocabulary: ByteStringMap
  var unknown: Int32
  /// Written before every part of a word but the first.
  var continuingPrefix: [UInt8]
  /// A word of more characters is unknown, whatever it is made of.
  var mostCharacters: Int

  /// Appends the tokens of one word.
  func encode(_ word: UnsafeBufferPointer<UInt8>, into tokens: inout [TokenID]) {
    let before = tokens.count
    let boundaries = word.indices.filter { word[$0] & 0xC0 != 0x80 } + [word.count]
    guard boundaries.count - 1 <= mostCharacters else { return tokens.append(TokenID(rawValue: unknown)) }
    var start = 0  // counts characters
    while start < boundaries.count - 1 {
      var end = boundaries.count - 1
      var found: Int32?
      while end > start, found == nil {
        let part = word[boundaries[start]..<boundaries[end]]
        if start == 0 {
          found = vocabulary[UnsafeBufferPointer(rebasing: part)]
        } else {
          found = vocabulary[continuingPrefix + part]
        }
        if found == nil { end -= 1 }
      }
      guard let found else {
        tokens.removeLast(tokens.count - before)
        return tokens.append(TokenID(rawValue: unknown))
      }
      tokens.append(TokenID(rawValue: found))
      start = end
    }
  }
}

/// Looks words up.
struct WordLevelModel: Sendable {
  var vocabulary: ByteStringMap
  var unknown: Int32

  /// Appends the token of one word.
  func encode(_ word: UnsafeBufferPointer<UInt8>, into tokens: inout [TokenID]) {
    tokens.append(TokenID(rawValue: vocabulary[word] ?? unknown))
  }
}

/// One of the models that tokenizer files know.
enum SubwordModel: Sendable {
  case bytePair(BytePairModel)
  case unigram(UnigramModel)
  case wordPiece(WordPieceModel)
  case wordLevel(WordLevelModel)
}
