// A text on its way through the steps of pre-tokenisation: its bytes, and the pieces it has been cut into.

/// Bytes and pieces. Pieces are in order, do not overlap and are not empty; what was removed lies in no piece.
struct CutText {
  var bytes: [UInt8]
  var pieces: [Range<Int>]
  /// Whether byte 0 is where the whole input began, so that the first piece may get a prefix of its own.
  var beginsInput: Bool

  /// One piece, or none for an empty text.
  init(_ bytes: [UInt8], beginsInput: Bool) {
    (self.bytes, self.beginsInput) = (bytes, beginsInput)
    pieces = bytes.isEmpty ? [] : [0..<bytes.count]
  }

  /// Cuts every piece where `scanner` ends one of its own.
  mutating func cut(with way: PreTokenizer) {
    var cut: [Range<Int>] = []
    cut.reserveCapacity(bytes.count / 4 + 1)
    bytes.withUnsafeBufferPointer { bytes in
      for piece in pieces {
        var scanner = PieceScanner(way, bytes, in: piece)
        while let range = scanner.next() { cut.append(range) }
      }
    }
    pieces = cut
  }

  /// Cuts every piece at the matches that `find` reports for its bytes, by `behavior`.
  /// `find` calls its second argument with ranges in order that do not overlap, relative to the piece.
  mutating func cut(
    _ behavior: SplitBehavior, inverted: Bool = false,
    at find: (UnsafeBufferPointer<UInt8>, (Range<Int>) -> Void) -> Void
  ) {
    var cut: [Range<Int>] = []
    bytes.withUnsafeBufferPointer { bytes in
      var stretches: [SplitBehavior.Stretch] = []
      for piece in pieces {
        stretches.removeAll(keepingCapacity: true)
        var end = piece.lowerBound
        find(UnsafeBufferPointer(rebasing: bytes[piece])) { match in
          let range = piece.lowerBound + match.lowerBound..<piece.lowerBound + match.upperBound
          if range.lowerBound > end { stretches.append(.init(range: end..<range.lowerBound, isMatch: inverted)) }
          stretches.append(.init(range: range, isMatch: !inverted))
          end = range.upperBound
        }
        if end < piece.upperBound { stretches.append(.init(range: end..<piece.upperBound, isMatch: inverted)) }
        behavior.pieces(of: stretches) { cut.append($0) }
      }
    }
    pieces = cut
  }

  /// Cuts every piece by a property of its characters: each character that has it is a match.
  mutating func cut(_ behavior: SplitBehavior, at isDelimiter: (UInt32) -> Bool) {
    cut(behavior) { bytes, body in
      var index = 0
      while index < bytes.count {
        let next = index + lengthOfCharacter(bytes[index])
        if isDelimiter(scalarValue(in: bytes, at: index)) { body(index..<next) }
        index = next
      }
    }
  }

  /// Writes every piece anew: `write` gets its bytes, whether it begins the input, and where to append.
  mutating func rewrite(_ write: (UnsafeBufferPointer<UInt8>, Bool, inout [UInt8]) -> Void) {
    var written: [UInt8] = []
    written.reserveCapacity(bytes.count + bytes.count / 4 + 8)
    var ranges: [Range<Int>] = []
    ranges.reserveCapacity(pieces.count)
    let stillBegins = beginsInput && pieces.first?.lowerBound == 0
    bytes.withUnsafeBufferPointer { bytes in
      for piece in pieces {
        let start = written.count
        write(UnsafeBufferPointer(rebasing: bytes[piece]), beginsInput && piece.lowerBound == 0, &written)
        if written.count > start { ranges.append(start..<written.count) }
      }
    }
    (bytes, pieces, beginsInput) = (written, ranges, stillBegins)
  }
}

/// The scalar value of the character at `index` of valid UTF-8.
@inline(__always)
func scalarValue(in bytes: UnsafeBufferPointer<UInt8>, at index: Int) -> UInt32 {
  let lead = UInt32(bytes[index])
  if lead < 0x80 { return lead }
  let length = lengthOfCharacter(bytes[index])
  guard index + length <= bytes.count else { return 0xFFFD }
  var scalar = lead & (0x7F >> UInt32(length))
  for offset in 1..<length { scalar = scalar << 6 | UInt32(bytes[index + offset]) & 0x3F }
  return scalar
}
