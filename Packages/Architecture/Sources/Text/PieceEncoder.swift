// Pieces to tokens, through a memory of short pieces: most words of a text have been met before.
// An entry is one cache line with the piece's bytes and its tokens inside, so a hit touches nothing else.

/// Encodes pieces with one model.
struct PieceEncoder {
  private(set) var tokens: [TokenID] = []
  private let model: SubwordModel
  private var loop: MergeLoop
  private var memory: [Entry] = []
  /// Bytes of all texts so far.
  private var total = 0

  /// A piece of up to 15 bytes with up to eight tokens.
  private struct Entry {
    static let mostTokens = 8
    /// The bytes, the last one the length; all zero in an entry that is free.
    var key: SIMD2<UInt64> = .zero
    var count: Int32 = 0
    var tokens: SIMD8<Int32> = .zero
  }

  init(_ model: SubwordModel) {
    self.model = model
    if case .bytePair(let model) = model { loop = MergeLoop(model.merges) } else { loop = MergeLoop(MergeTable([])) }
  }

  /// Makes room for the tokens of a text with so many bytes, and for the words of all texts so far.
  mutating func prepare(for byteCount: Int) {
    tokens.reserveCapacity(byteCount / 4 + 1)
    total += byteCount
    var places = 16
    while places < min(total / 16, 1 << 15) { places *= 2 }
    // Growing forgets, so it happens in large steps.
    if places >= memory.count * 4 { memory = Array(repeating: Entry(), count: places) }
  }

  /// Gives the tokens out and forgets them.
  mutating func takeTokens() -> [TokenID] {
    defer { tokens = [] }
    return tokens
  }

  /// Appends a token that was recognised whole.
  mutating func append(_ token: Int32) { tokens.append(TokenID(rawValue: token)) }

  /// Appends the tokens of the text in `range`, cut in a known way.
  mutating func encode(_ range: Range<Int>, of bytes: UnsafeBufferPointer<UInt8>, cut way: PreTokenizer) {
    var scanner = PieceScanner(way, bytes, in: range)
    while let piece = scanner.next() { encode(UnsafeBufferPointer(rebasing: bytes[piece])) }
  }

  /// Appends the tokens of one piece.
  @inline(__always)
  mutating func encode(_ piece: UnsafeBufferPointer<UInt8>) {
    guard piece.count < 16, !memory.isEmpty else { return encodeAnew(piece) }
    let key = Self.key(of: piece)
    let place = Int(truncatingIfNeeded: mixed(key[0] ^ mixed(key[1]))) & (memory.count - 1)
    let entry = memory[place]
    if entry.key == key {
      for index in 0..<Int(entry.count) { tokens.append(TokenID(rawValue: entry.tokens[index])) }
      return
    }
    let start = tokens.count
    encodeAnew(piece)
    remember(key, from: start, at: place)
  }

  private mutating func remember(_ key: SIMD2<UInt64>, from start: Int, at place: Int) {
    let count = tokens.count - start
    guard count <= Entry.mostTokens else { return }
    var entry = Entry(key: key, count: Int32(count))
    for index in 0..<count { entry.tokens[index] = tokens[start + index].rawValue }
    memory[place] = entry
  }

  private mutating func encodeAnew(_ piece: UnsafeBufferPointer<UInt8>) {
    switch model {
    case .bytePair(let model):
      model.encode(piece, &loop)
      for symbol in loop.symbols { tokens.append(TokenID(rawValue: symbol)) }
    case .unigram(let model): model.encode(piece, into: &tokens)
    case .wordPiece(let model): model.encode(piece, into: &tokens)
    case .wordLevel(let model): model.encode(piece, into: &tokens)
    }
  }

  /// The bytes of a piece in two words, with the length in the last byte.
  @inline(__always)
  private static func key(of piece: UnsafeBufferPointer<UInt8>) -> SIMD2<UInt64> {
    var (low, high) = (UInt64(0), UInt64(piece.count) << 56)
    let raw = UnsafeRawBufferPointer(piece)
    if raw.count >= 8 {
      low = raw.loadUnaligned(fromByteOffset: 0, as: UInt64.self)
      for index in 8..<raw.count { high |= UInt64(raw[index]) << UInt64(8 * (index - 8)) }
    } else {
      for index in 0..<raw.count { low |= UInt64(raw[index]) << UInt64(8 * index) }
    }
    return SIMD2(low, high)
  }
}
