// Scanners for the patterns of other published families: cl100k and its likes, and those that look at case.

extension PieceScanner {
  /// `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,mostDigits}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+`,
  /// then whitespace
  func endOfLlamaPiece(at start: Int, mostDigits: Int) -> Int {
    let first = look(at: start)
    if first.isOne(of: .letter) { return endOfRun(of: .letter, from: start + first.length) }
    if first.isOne(of: .number) { return endOfDigits(at: start, most: mostDigits) }
    if let end = endOfAnyContraction(at: start) { return end }
    let second = start + first.length
    if !first.isOne(of: .lineBreak), look(at: second).isOne(of: .letter) { return endOfRun(of: .letter, from: second) }
    return endOfOther(at: start, slashEnds: false)
  }

  /// `[^\r\n\p{L}\p{N}]?U*L+C?|[^\r\n\p{L}\p{N}]?U+L*C?|\p{N}{1,mostDigits}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+`,
  /// then whitespace. U is letters and marks without lower case, L those without upper case, C a contraction.
  func endOfCasedPiece(at start: Int, mostDigits: Int, takesContractions: Bool) -> Int {
    if let end = endOfCasedWord(at: start) {
      return takesContractions ? endOfAnyContraction(at: end) ?? end : end
    }
    if look(at: start).isOne(of: .number) { return endOfDigits(at: start, most: mostDigits) }
    return endOfOther(at: start, slashEnds: true)
  }

  private func endOfCasedWord(at start: Int) -> Int? {
    let first = look(at: start)
    let second = first.isOther(than: [.lineBreak, .letter, .number]) ? start + first.length : nil
    if let second, let end = endOfLoweredWord(at: second) { return end }
    if let end = endOfLoweredWord(at: start) { return end }
    if let second, let end = endOfRaisedWord(at: second) { return end }
    return endOfRaisedWord(at: start)
  }

  /// `U*L+`: when nothing lower follows the first run, its last character without case ends the word.
  private func endOfLoweredWord(at start: Int) -> Int? {
    var index = start
    var afterCaseless: Int?
    while true {
      let sighting = look(at: index)
      guard sighting.isOne(of: [.letter, .mark]), !sighting.isOne(of: .lower) else { break }
      index += sighting.length
      if !sighting.isOne(of: .upper) { afterCaseless = index }
    }
    let end = endOfLowered(from: index)
    return end > index ? end : afterCaseless
  }

  /// `U+L*`
  private func endOfRaisedWord(at start: Int) -> Int? {
    var index = start
    while true {
      let sighting = look(at: index)
      guard sighting.isOne(of: [.letter, .mark]), !sighting.isOne(of: .lower) else { break }
      index += sighting.length
    }
    return index > start ? endOfLowered(from: index) : nil
  }

  private func endOfLowered(from start: Int) -> Int {
    var index = start
    while true {
      let sighting = look(at: index)
      guard sighting.isOne(of: [.letter, .mark]), !sighting.isOne(of: .upper) else { return index }
      index += sighting.length
    }
  }

  /// ` ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
  private func endOfOther(at start: Int, slashEnds: Bool) -> Int {
    let afterSpace = bytes[start] == UInt8(ascii: " ") ? start + 1 : start
    var end = endOfRun(without: [.whitespace, .letter, .number], from: afterSpace)
    if end > afterSpace {
      while end < limit {
        let byte = bytes[end]
        guard byte == 10 || byte == 13 || slashEnds && byte == UInt8(ascii: "/") else { break }
        end += 1
      }
      return end
    }
    return endOfLines(at: start) ?? endOfWhitespace(at: start)
  }

  /// `(?i:'s|'t|'re|'ve|'m|'ll|'d)`; the long s is an s as well.
  private func endOfAnyContraction(at start: Int) -> Int? {
    guard start + 1 < limit, bytes[start] == UInt8(ascii: "'") else { return nil }
    let third = start + 2 < limit ? bytes[start + 2] | 0x20 : 0
    switch bytes[start + 1] | 0x20 {
    case UInt8(ascii: "s"), UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "d"): return start + 2
    case UInt8(ascii: "r"), UInt8(ascii: "v"): return third == UInt8(ascii: "e") ? start + 3 : nil
    case UInt8(ascii: "l"): return third == UInt8(ascii: "l") ? start + 3 : nil
    case 0xC5 | 0x20: return bytes[start + 1] == 0xC5 && start + 2 < limit && bytes[start + 2] == 0xBF ? start + 3 : nil
    default: return nil
    }
  }
}
