// SentencePiece's byte-pair encoding as arrays: no list of merges, but a score for every token.

extension StoredVocabularyReading {
  private static let space: [UInt8] = [0xE2, 0x96, 0x81]  // U+2581

  /// Spaces written out, bytes as a fallback, merges by score. Markers that the file leaves out are 1, 2 and 0.
  func sentencePiece() throws -> TokenizerParts {
    guard stored.scores.count == spellings.count, stored.scores.allSatisfy(\.isFinite) else {
      throw TokenizerError(
        "there are \(stored.scores.count) scores for \(spellings.count) tokens; one finite score each is needed")
    }
    var contents = ByteStringMap()
    var bytes = [Int32](repeating: -1, count: 256)
    for (id, spelling) in spellings.enumerated() where !spelling.isEmpty {
      switch kinds[id] {
      case .undefined, .normal, .userDefined, .unused: _ = contents.insert(spelling, id: Int32(id))
      case .byte: if let byte = byte(ofFallback: spelling) { bytes[Int(byte)] = Int32(id) }
      case .control, .unknown: break
      }
    }
    func standard(_ id: Int) -> Int? { spellings.indices.contains(id) ? id : nil }
    let unknown = stored.unknown ?? kinds.firstIndex(of: .unknown) ?? standard(0)
    let model = BytePairModel(
      units: .characters, vocabulary: contents, merges: MergeTable(ranked: merges(contents)),
      unknown: try marker(unknown, "unknown")?.rawValue, byteFallback: bytes)
    let addsSpace = stored.addsSpacePrefix ?? true
    let steps: [DecoderStep] = [.replace(.literal(Self.space, with: [UInt8(ascii: " ")])), .byteFallback, .fuse]
    let strip: [DecoderStep] = addsSpace ? [.strip([UInt8(ascii: " ")], start: 1, stop: 0)] : []
    var parts = TokenizerParts(model: .bytePair(model), decoding: decoding(steps + strip))
    parts.normalizers = addsSpace ? [.prepend(Self.space)] : []
    parts.normalizers.append(.replace(.literal([UInt8(ascii: " ")], with: Self.space)))
    try mark(
      &parts, beginning: stored.beginning ?? standard(1), end: stored.end ?? standard(2), addsBeginning: true)
    return parts
  }

  /// Every way to make a token of two others, ranked by the score of what it makes.
  private func merges(_ contents: ByteStringMap) -> [(left: Int32, right: Int32, outcome: MergeTable.Outcome)] {
    var ranks: [Float: Int32] = [:]
    for score in Set(stored.scores).sorted(by: >) { ranks[score] = Int32(ranks.count) }
    var merges: [(left: Int32, right: Int32, outcome: MergeTable.Outcome)] = []
    for spelling in spellings where spelling.count > 1 {
      spelling.withUnsafeBufferPointer { spelling in
        guard let whole = contents[spelling], let rank = ranks[stored.scores[Int(whole)]] else { return }
        let outcome = MergeTable.Outcome(rank: rank, result: whole)
        for cut in 1..<spelling.count where spelling[cut] & 0xC0 != 0x80 {
          if let left = contents[UnsafeBufferPointer(rebasing: spelling[..<cut])],
            let right = contents[UnsafeBufferPointer(rebasing: spelling[cut...])]
          {
            merges.append((left, right, outcome))
          }
        }
      }
    }
    return merges
  }
}
