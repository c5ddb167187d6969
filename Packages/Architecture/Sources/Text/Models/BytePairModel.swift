// Byte-pair encoding in all its published variants: over bytes or over characters, with fallbacks, prefixes, suffixes.
// The pair of lowest rank merges first, the leftmost first among equals; see MergeLoop.

/// A vocabulary with merges.
struct BytePairModel: Sendable {
  /// What a piece is taken apart into before merging.
  enum Units: Sendable { case bytes, characters }

  var units: Units
  var vocabulary: ByteStringMap
  var merges: MergeTable
  /// What stands for a unit that is not in the vocabulary; nil drops it.
  var unknown: Int32?
  /// Whether neighbouring unknown units share one token.
  var fusesUnknown = false
  /// Tokens of the 256 bytes that stand for units which are not in the vocabulary; nil without this fallback, -1
  /// where a byte has no token.
  var byteFallback: [Int32]?
  /// Whether a piece that is itself a token needs no merging.
  var ignoresMerges = false
  /// Written before every unit but the first of a piece.
  var continuingPrefix: [UInt8] = []
  /// Written after the last unit of a piece.
  var endSuffix: [UInt8] = []

  /// Tokens of single bytes, where that is all there is to know about a unit: no affixes, and none unknown.
  let plainBytes: [Int32]?
  /// Tokens of the characters up to U+FFFF, -1 where there is none; nil where a unit is not a bare character.
  private let plainCharacters: [Int32]?

  init(
    units: Units, vocabulary: ByteStringMap, merges: MergeTable, unknown: Int32? = nil, fusesUnknown: Bool = false,
    byteFallback: [Int32]? = nil, ignoresMerges: Bool = false, continuingPrefix: [UInt8] = [], endSuffix: [UInt8] = []
  ) {
    (self.units, self.vocabulary, self.merges, self.unknown) = (units, vocabulary, merges, unknown)
    (self.fusesUnknown, self.byteFallback, self.ignoresMerges) = (fusesUnknown, byteFallback, ignoresMerges)
    (self.continuingPrefix, self.endSuffix) = (continuingPrefix, endSuffix)
    let bytes = (0...255).compactMap { (byte: UInt8) in vocabulary[[byte]] }
    let isPlain = units == .bytes && continuingPrefix.isEmpty && endSuffix.isEmpty && bytes.count == 256
    plainBytes = isPlain ? bytes : nil
    let isBare = units == .characters && continuingPrefix.isEmpty && endSuffix.isEmpty
    plainCharacters = isBare ? Self.tokensOfCharacters(vocabulary) : nil
  }

  private static func tokensOfCharacters(_ vocabulary: ByteStringMap) -> [Int32] {
    (0..<0x10000).map { (value: UInt32) in
      Unicode.Scalar(value).flatMap { vocabulary[Array(String($0).utf8)] } ?? -1
    }
  }

  /// Whether every unit has a token or is written in bytes, so that none depends on its neighbours for its own.
  var knowsEveryUnit: Bool { plainCharacters != nil && byteFallback.map { !$0.contains(-1) } ?? false }

  /// Over bytes, of which every one has a token.
  init(byteTokens: [Int32], merges: MergeTable) {
    (units, vocabulary, self.merges, plainBytes) = (.bytes, ByteStringMap(), merges, byteTokens)
    plainCharacters = nil
  }

  /// Encodes one piece, leaving its tokens in `loop`.
  @inline(__always)
  func encode(_ piece: UnsafeBufferPointer<UInt8>, _ loop: inout MergeLoop) {
    if ignoresMerges, let whole = vocabulary[piece] { return loop.merge(startingWith: [whole]) }
    if let plainBytes { return loop.merge(piece, startingWith: plainBytes) }
    loop.merge(startingWith: start(piece))
  }

  /// The tokens of the units, before merging.
  private func start(_ piece: UnsafeBufferPointer<UInt8>) -> [Int32] {
    var symbols: [Int32] = []
    symbols.reserveCapacity(piece.count)
    var index = 0
    var waitsForUnknown = false
    var unit: [UInt8] = []
    while index < piece.count {
      let end = units == .bytes ? index + 1 : min(piece.count, index + lengthOfCharacter(piece[index]))
      if let plainCharacters, !waitsForUnknown, end - index < 4 {
        let token = plainCharacters[Int(scalarValue(in: piece, at: index))]
        if token >= 0 {
          symbols.append(token)
          index = end
          continue
        }
      }
      unit.removeAll(keepingCapacity: true)
      if index > 0 { unit += continuingPrefix }
      unit.append(contentsOf: piece[index..<end])
      if end == piece.count { unit += endSuffix }
      index = end
      if let token = vocabulary[unit] {
        if waitsForUnknown, let unknown { symbols.append(unknown) }
        waitsForUnknown = false
        symbols.append(token)
      } else if let bytes = fallback(for: unit) {
        // An unknown that waits is written behind these, as the published implementation does.
        symbols += bytes
      } else if let unknown {
        if waitsForUnknown, !fusesUnknown { symbols.append(unknown) }
        waitsForUnknown = true
      }
    }
    if waitsForUnknown, let unknown { symbols.append(unknown) }
    return symbols
  }

  private func fallback(for unit: [UInt8]) -> [Int32]? {
    guard let byteFallback else { return nil }
    let tokens = unit.map { byteFallback[Int($0)] }
    return tokens.contains(-1) ? nil : tokens
  }
}
