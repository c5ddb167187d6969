// Learns a byte-level BPE vocabulary from a corpus: again and again the most frequent pair becomes a token.
// Counts are kept per distinct piece and updated only where a merge happened.

/// Settings of a training run; the same corpus and settings give the same tokenizer.
public struct BPETrainer: Sendable, Hashable, Codable {
  /// Ids to fill: special tokens, 256 bytes, then merges. Fewer are made when the corpus has no more pairs.
  public var vocabularySize: Int
  /// Pairs rarer than this are not merged.
  public var minimumFrequency = 2
  /// Numbered from 0 in this order. Where they are written in the corpus, they are cut out before counting.
  public var specialTokens: [String] = []
  /// How text is cut into pieces; merges never cross pieces.
  public var preTokenizer = PreTokenizer.deepSeekV3
  /// One of the special tokens, or nil.
  public var beginningOfSequence: String?
  /// One of the special tokens, or nil.
  public var endOfSequence: String?

  public init(vocabularySize: Int) { self.vocabularySize = vocabularySize }

  /// Learns from the texts of `corpus`. Among equally frequent pairs the one of smaller ids is merged first, left id
  /// before right id. Throws `TokenizerError` when the vocabulary is too small for bytes and special tokens.
  public func train(on corpus: some Sequence<String>) throws -> BytePairEncoding {
    let smallest = 256 + specialTokens.count
    guard vocabularySize >= smallest else {
      throw TokenizerError(
        "a vocabulary of \(vocabularySize) is too small; 256 bytes and \(specialTokens.count) special tokens need "
          + "\(smallest)")
    }
    guard vocabularySize <= 1 << 24 else {
      throw TokenizerError("a vocabulary of \(vocabularySize) is too large; at most \(1 << 24) tokens can be learnt")
    }
    var entries = specialTokens.enumerated().map { id, text in
      VocabularyEntry(id: TokenID(id), bytes: Array(text.utf8), kind: .special)
    }
    let markers = AddedTokenMatcher(entries)
    for byte in ByteAlphabet.bytesInCharacterOrder {
      entries.append(VocabularyEntry(id: TokenID(entries.count), bytes: [byte], kind: .ordinary))
    }
    var byteTokens = [Int32](repeating: 0, count: 256)
    for entry in entries where entry.kind == .ordinary { byteTokens[Int(entry.bytes[0])] = entry.id.rawValue }

    var pieces = ByteStringTable()
    let counts = count(corpus, markers, into: &pieces)
    var words = TrainingWords(pieces, counts, byteTokens)
    let merges = learn(from: &words, into: &entries)
    return try BytePairEncoding(
      entries: entries, merges: merges, preTokenizer: preTokenizer, beginningOfSequence: beginningOfSequence,
      endOfSequence: endOfSequence)
  }

  /// How often each distinct piece occurs, by its number in `pieces`.
  private func count(
    _ corpus: some Sequence<String>, _ markers: AddedTokenMatcher, into pieces: inout ByteStringTable
  ) -> [Int] {
    var counts: [Int] = []
    for var text in corpus {
      text.withUTF8 { bytes in
        var position = 0
        while position < bytes.count {
          let marker = markers.firstMatch(in: bytes, from: position)
          var scanner = PieceScanner(preTokenizer, bytes, in: position..<(marker?.range.lowerBound ?? bytes.count))
          while let piece = scanner.next() {
            let number = pieces.insert(UnsafeBufferPointer(rebasing: bytes[piece]))
            if number == counts.count { counts.append(1) } else { counts[number] += 1 }
          }
          position = marker?.range.upperBound ?? bytes.count
        }
      }
    }
    return counts
  }

  private func learn(from words: inout TrainingWords, into entries: inout [VocabularyEntry]) -> [BytePairEncoding.Merge]
  {
    var merges: [BytePairEncoding.Merge] = []
    var learnt = ByteStringTable()
    var ids: [TokenID] = []
    while entries.count < vocabularySize, let pair = words.mostFrequentPair(atLeast: max(1, minimumFrequency)) {
      let (left, right) = (TokenID(rawValue: pair.left), TokenID(rawValue: pair.right))
      let bytes = entries[Int(pair.left)].bytes + entries[Int(pair.right)].bytes
      // Two different pairs can spell the same bytes; they make the same token.
      let number = learnt.insert(bytes)
      if number == ids.count {
        ids.append(TokenID(entries.count))
        entries.append(VocabularyEntry(id: ids[number], bytes: bytes, kind: .ordinary))
      }
      merges.append(BytePairEncoding.Merge(left, right))
      words.merge(pair, into: ids[number].rawValue)
    }
    return merges
  }
}
