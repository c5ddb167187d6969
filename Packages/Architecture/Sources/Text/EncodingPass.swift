// One call of `encode`: the tokens so far, and a memory of the pieces that this text has already shown.
// The memory lives and dies with the call, so the tokenizer stays an immutable value.

/// Encodes ranges of one text. The bytes must outlive it.
struct EncodingPass {
  private(set) var tokens: [TokenID] = []
  private let encoding: BytePairEncoding
  private let bytes: UnsafeBufferPointer<UInt8>
  private var loop: MergeLoop
  private var seen: [SeenPiece]

  /// Where a piece stood in the text and where its tokens stand in the output: nothing is copied.
  private struct SeenPiece {
    var hash: UInt64 = 0
    var start = 0
    var length = 0
    var firstToken = 0
    var tokenCount = 0
  }

  /// One place per 16 bytes of text, at most 65 536 (2.5 MB); a newer piece takes the place of an older one.
  init(_ encoding: BytePairEncoding, _ bytes: UnsafeBufferPointer<UInt8>) {
    (self.encoding, self.bytes) = (encoding, bytes)
    loop = MergeLoop(encoding.mergeTable)
    var places = 16
    while places < min(bytes.count / 16, 65_536) { places *= 2 }
    seen = Array(repeating: SeenPiece(), count: places)
    tokens.reserveCapacity(bytes.count / 4 + 1)
  }

  /// Appends a token that was recognised whole.
  mutating func append(_ token: Int32) { tokens.append(TokenID(rawValue: token)) }

  /// Appends the tokens of the text in `range`.
  mutating func encode(_ range: Range<Int>) {
    var scanner = PieceScanner(encoding.preTokenizer, bytes, in: range)
    while let piece = scanner.next() {
      if piece.count == 1 { append(encoding.byteTokens[Int(bytes[piece.lowerBound])]) } else { encode(piece: piece) }
    }
  }

  private mutating func encode(piece: Range<Int>) {
    let content = UnsafeBufferPointer(rebasing: bytes[piece])
    let hash = byteHash(content)
    let place = Int(truncatingIfNeeded: hash) & (seen.count - 1)
    let old = seen[place]
    if old.hash == hash, old.length == piece.count, isEqual(content, toTextAt: old.start) {
      for index in old.firstToken..<old.firstToken + old.tokenCount { tokens.append(tokens[index]) }
      return
    }
    loop.merge(content, startingWith: encoding.byteTokens)
    seen[place] = SeenPiece(
      hash: hash, start: piece.lowerBound, length: piece.count, firstToken: tokens.count,
      tokenCount: loop.symbols.count)
    for symbol in loop.symbols { append(symbol) }
  }

  @inline(__always)
  private func isEqual(_ content: UnsafeBufferPointer<UInt8>, toTextAt start: Int) -> Bool {
    for index in 0..<content.count where content[index] != bytes[start + index] { return false }
    return true
  }
}
