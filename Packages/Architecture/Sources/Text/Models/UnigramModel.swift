// The unigram model: of all ways to write a piece with tokens, the one whose scores sum to the most (Viterbi).
// Kudo 2018, "Subword Regularization"; ties and unknown characters as in the published implementation.

/// A vocabulary with scores.
struct UnigramModel: Sendable {
  /// How much less than the worst token a character costs that no token covers.
  private static let unknownPenalty = 10.0

  private let trie: ByteTrie
  private let scores: [Double]
  private let lowest: Double
  private let unknown: Int32
  /// Tokens of the 256 bytes for what is unknown; nil without this fallback, -1 where a byte has no token.
  private let byteFallback: [Int32]?

  /// `tokens` by id; those in `hidden` are never found in text.
  init(tokens: [(bytes: [UInt8], score: Double)], unknown: Int32, hidden: Set<Int32>, byteFallback: [Int32]?) {
    var trie = ByteTrie()
    for (id, token) in tokens.enumerated() where !hidden.contains(Int32(id)) && !token.bytes.isEmpty {
      trie.insert(token.bytes, value: Int32(id))
    }
    self.trie = trie
    scores = tokens.map(\.score)
    lowest = scores.min() ?? 0
    (self.unknown, self.byteFallback) = (unknown, byteFallback)
  }

  /// The best way that ends at a byte: the last token, where it begins, and the sum so far.
  private struct Step {
    var score = 0.0
    var start = -1
    var token: Int32 = -1
  }

  /// Appends the tokens of one piece.
  func encode(_ piece: UnsafeBufferPointer<UInt8>, into tokens: inout [TokenID]) {
    let steps = bestSteps(piece)
    var path: [(start: Int, end: Int, token: Int32)] = []
    var end = piece.count
    while end > 0 {
      let step = steps[end]
      if step.token == unknown, let last = path.last, last.token == unknown {
        path[path.count - 1].start = step.start
      } else {
        path.append((step.start, end, step.token))
      }
      end = step.start
    }
    for part in path.reversed() {
      if part.token == unknown {
        append(unknown: piece[part.start..<part.end], into: &tokens)
      } else {
        tokens.append(TokenID(rawValue: part.token))
      }
    }
  }

  private func bestSteps(_ piece: UnsafeBufferPointer<UInt8>) -> [Step] {
    var steps = [Step](repeating: Step(), count: piece.count + 1)
    func offer(_ score: Double, from start: Int, to end: Int, _ token: Int32) {
      if steps[end].start < 0 || score > steps[end].score {
        steps[end] = Step(score: score, start: start, token: token)
      }
    }
    var index = 0
    while index < piece.count {
      let length = min(lengthOfCharacter(piece[index]), piece.count - index)
      let soFar = steps[index].score
      var coversCharacter = false
      trie.forEachPrefix(of: piece, from: index) { end, token in
        offer(scores[Int(token)] + soFar, from: index, to: end, token)
        if end - index == length { coversCharacter = true }
      }
      if !coversCharacter { offer(lowest - Self.unknownPenalty + soFar, from: index, to: index + length, unknown) }
      index += length
    }
    return steps
  }

  /// A stretch without tokens: found whole after all, in bytes, or unknown.
  private func append(unknown bytes: Slice<UnsafeBufferPointer<UInt8>>, into tokens: inout [TokenID]) {
    if let whole = trie.value(of: bytes) { return tokens.append(TokenID(rawValue: whole)) }
    if let byteFallback, bytes.allSatisfy({ byteFallback[Int($0)] >= 0 }) {
      for byte in bytes { tokens.append(TokenID(rawValue: byteFallback[Int(byte)])) }
    } else {
      tokens.append(TokenID(rawValue: unknown))
    }
  }
}
