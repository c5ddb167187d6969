// From a vocabulary's arrays to the parts of a tokenizer: everything is checked before anything is built.

/// Checks the arrays and puts the parts together.
struct StoredVocabularyReading {
  private static let longestToken = 4096
  /// Tokens that end a turn whatever a file says of them: some converters have taken them for text.
  private static let endings = [
    "<|eot_id|>", "<|eom_id|>", "<|im_end|>", "<|end|>", "<|return|>", "<|call|>", "<|calls|>", "<|flush|>",
    "<end_of_turn>", "<turn|>", "<|endoftext|>", "<|end_of_text|>", "<end_of_utterance>", "<EOT>", "_<EOT>", "[EOT]",
    "[EOS]", "<|tool_response>", "<｜end▁of▁sentence｜>",
  ]
  /// What a token is for.
  enum Kind: Int32 { case undefined = 0, normal, unknown, control, userDefined, unused, byte }

  let stored: StoredVocabulary
  let spellings: [[UInt8]]
  let kinds: [Kind]
  /// Ids by spelling; of equal spellings the first one's.
  private(set) var names: ByteStringMap

  init(_ stored: StoredVocabulary) throws {
    self.stored = stored
    spellings = stored.tokens.map { Array($0.utf8) }
    guard !spellings.isEmpty, spellings.count < 1 << 24 else {
      throw TokenizerError("the vocabulary has \(spellings.count) tokens; expected 1 to \(1 << 24 - 1)")
    }
    guard stored.types.isEmpty || stored.types.count == spellings.count else {
      throw TokenizerError(
        "there are \(stored.types.count) token types for \(spellings.count) tokens; one each is needed")
    }
    var kinds = try spellings.indices.map { id in
      let type = stored.types.isEmpty ? 1 : stored.types[id]
      guard let kind = Kind(rawValue: type) else {
        throw TokenizerError("token \(id) has the type \(type); known are 0 to 6")
      }
      return kind
    }
    names = ByteStringMap(capacity: spellings.count)
    for (id, spelling) in spellings.enumerated() {
      guard spelling.count <= Self.longestToken else {
        throw TokenizerError("token \(id) has \(spelling.count) bytes; at most \(Self.longestToken) are allowed")
      }
      _ = names.insert(spelling, id: Int32(id))
    }
    for ending in Self.endings {
      if let id = names[Array(ending.utf8)] { kinds[Int(id)] = .control }
    }
    self.kinds = kinds
  }

  /// Everything that makes the tokenizer.
  func parts() throws -> TokenizerParts {
    var parts: TokenizerParts
    switch stored.model {
    case "gpt2": parts = try byteLevel()
    case "llama": parts = try sentencePiece()
    default:
      throw TokenizerError("the vocabulary's model is '\(stored.model.prefix(60))'; known are gpt2 and llama")
    }
    parts.idsByName = names
    for (id, kind) in kinds.enumerated() where kind == .control || kind == .userDefined || kind == .unknown {
      guard !spellings[id].isEmpty else { continue }
      var token = AddedToken(id: TokenID(id), content: stored.tokens[id], isSpecial: kind != .userDefined)
      token.stripsRight = stored.markersTakeWhitespace && !["<unk>", "<s>", "<|endoftext|>"].contains(token.content)
      parts.added.append((token, spellings[id]))
    }
    return parts
  }

  /// The markers, and which of them belong around a text; `addsBeginning` where the file does not say.
  func mark(_ parts: inout TokenizerParts, beginning: Int?, end: Int?, addsBeginning: Bool) throws {
    parts.beginning = try marker(beginning, "beginning-of-sequence")
    parts.end = try marker(end, "end-of-sequence")
    if stored.addsBeginning ?? addsBeginning, let beginning = parts.beginning { parts.markers.before = [beginning] }
    if stored.addsEnd ?? false, let end = parts.end { parts.markers.after = [end] }
  }

  func marker(_ id: Int?, _ role: String) throws -> TokenID? {
    guard let id else { return nil }
    guard spellings.indices.contains(id) else {
      throw TokenizerError("the \(role) token is \(id); ids of this vocabulary are 0 to \(spellings.count - 1)")
    }
    return TokenID(id)
  }

  func decoding(_ steps: [DecoderStep]) -> TokenDecoding {
    let special = kinds.indices.filter { kinds[$0] == .control || kinds[$0] == .unknown }
    return TokenDecoding(
      spellings: spellings.map { $0.isEmpty ? nil : $0 }, special: Set(special.map { Int32($0) }), steps: steps)
  }
}

// MARK: - Byte-level BPE

extension StoredVocabularyReading {
  private func byteLevel() throws -> TokenizerParts {
    let way = try StoredCut.named(stored.preTokenizer)
    var contents = ByteStringMap(capacity: spellings.count)
    for (id, spelling) in spellings.enumerated() where [.undefined, .normal, .unused].contains(kinds[id]) {
      if let bytes = ByteAlphabet.bytes(of: spelling) { _ = contents.insert(bytes, id: Int32(id)) }
    }
    let model = BytePairModel(
      units: .bytes, vocabulary: contents, merges: MergeTable(try merges()), ignoresMerges: way.ignoresMerges)
    var parts = TokenizerParts(model: .bytePair(model), decoding: decoding([.byteLevel]))
    parts.cuts = way.steps
    try mark(&parts, beginning: stored.beginning, end: stored.end, addsBeginning: way.addsBeginning)
    return parts
  }

  /// The merges by id, in order.
  private func merges() throws -> [(left: Int32, right: Int32, result: Int32)] {
    var joined: [UInt8] = []
    return try stored.merges.enumerated().map { rank, line in
      var line = line
      return try line.withUTF8 { bytes in
        let space = UInt8(ascii: " ")
        guard let cut = bytes.firstIndex(of: space), bytes.lastIndex(of: space) == cut else {
          let parts = bytes.count { $0 == space } + 1
          throw TokenizerError("merge \(rank) has \(parts) parts; a merge joins exactly two tokens")
        }
        func id(_ spelling: UnsafeBufferPointer<UInt8>) throws -> Int32 {
          guard let id = names[spelling] else {
            throw TokenizerError("merge \(rank) needs \(quoted(Array(spelling))), which is not in the vocabulary")
          }
          return id
        }
        let (left, right) = (bytes[..<cut], bytes[(cut + 1)...])
        joined.removeAll(keepingCapacity: true)
        joined.append(contentsOf: left)
        joined.append(contentsOf: right)
        return (
          try id(UnsafeBufferPointer(rebasing: left)), try id(UnsafeBufferPointer(rebasing: right)),
          try joined.withUnsafeBufferPointer(id)
        )
      }
    }
  }
}
