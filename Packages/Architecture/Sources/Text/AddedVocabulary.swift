// Tokens that are recognised whole by their written form, before anything else is done to a text.
// They may ask to stand alone as words, to swallow the whitespace beside them, or to be found in normalized text.

/// A token beside the model's own vocabulary, as tokenizer files describe it.
public struct AddedToken: Sendable, Hashable {
  public var id: TokenID
  /// The written form.
  public var content: String
  /// Whether it is a marker rather than text.
  public var isSpecial = false
  /// Whether it is found only where no word character stands beside it.
  public var standsAlone = false
  /// Whether whitespace before it belongs to it.
  public var stripsLeft = false
  /// Whether whitespace behind it belongs to it.
  public var stripsRight = false
  /// Whether it is found in the normalized text, by its normalized form.
  public var isNormalized = false

  public init(id: TokenID, content: String, isSpecial: Bool = false) {
    (self.id, self.content, self.isSpecial) = (id, content, isSpecial)
  }
}

/// The added tokens of a tokenizer, ready to be found.
struct AddedVocabulary: Sendable {
  /// A stretch of text, or a token that was found there.
  struct Part {
    var range: Range<Int>
    var token: Int32?
  }

  private var byID: [Int32: AddedToken] = [:]
  /// Those found in the text as it is, and those found after normalization.
  private let raw: AddedTokenMatcher
  private let normalized: AddedTokenMatcher
  let hasNormalized: Bool
  let isEmpty: Bool

  /// `forms` are the texts to look for: the content, or its normalized form.
  init(_ tokens: [(token: AddedToken, form: [UInt8])]) {
    func matcher(_ isNormalized: Bool) -> AddedTokenMatcher {
      AddedTokenMatcher(
        tokens.filter { $0.token.isNormalized == isNormalized && !$0.form.isEmpty }.map {
          VocabularyEntry(id: $0.token.id, bytes: $0.form, kind: $0.token.isSpecial ? .special : .added)
        })
    }
    (raw, normalized) = (matcher(false), matcher(true))
    hasNormalized = tokens.contains { $0.token.isNormalized }
    isEmpty = tokens.isEmpty
    for (token, _) in tokens { byID[token.id.rawValue] = token }
  }

  /// Cuts `range` of the text at the tokens found in it; `normalized` says which ones are looked for, and `counts`
  /// which of the found ones count, by where in the text they stand.
  func parts(
    of range: Range<Int>, in bytes: UnsafeBufferPointer<UInt8>, normalized isNormalized: Bool,
    where counts: (AddedToken, Range<Int>) -> Bool = { _, _ in true }
  ) -> [Part] {
    let matcher = isNormalized ? normalized : raw
    let text = UnsafeBufferPointer(rebasing: bytes[range])
    var parts: [Part] = []
    var (start, position) = (0, 0)
    while let match = matcher.firstMatch(in: text, from: position) {
      position = match.range.upperBound
      guard let token = byID[match.token] else { continue }
      let place = match.range.lowerBound + range.lowerBound..<match.range.upperBound + range.lowerBound
      guard counts(token, place) else {
        position = match.range.lowerBound + 1
        continue
      }
      var (from, to) = (match.range.lowerBound, match.range.upperBound)
      if token.standsAlone, isWord(before: from, text) || isWord(at: to, text) { continue }
      if token.stripsLeft { from = max(start, startOfWhitespace(endingAt: from, text)) }
      if token.stripsRight { to = endOfWhitespace(at: to, text) }
      if start < from { parts.append(Part(range: start..<from)) }
      parts.append(Part(range: min(from, to)..<to, token: match.token))
      start = to
    }
    if start < text.count { parts.append(Part(range: start..<text.count)) }
    return parts.map { part in
      Part(
        range: part.range.lowerBound + range.lowerBound..<part.range.upperBound + range.lowerBound, token: part.token)
    }
  }

  private func isWord(at index: Int, _ text: UnsafeBufferPointer<UInt8>) -> Bool {
    index < text.count && isWordCharacter(scalarValue(in: text, at: index))
  }

  private func isWord(before index: Int, _ text: UnsafeBufferPointer<UInt8>) -> Bool {
    index > 0 && isWordCharacter(scalarValue(in: text, at: previous(index, text)))
  }

  private func previous(_ index: Int, _ text: UnsafeBufferPointer<UInt8>) -> Int {
    var index = index - 1
    while index > 0, text[index] & 0xC0 == 0x80 { index -= 1 }
    return index
  }

  private func startOfWhitespace(endingAt end: Int, _ text: UnsafeBufferPointer<UInt8>) -> Int {
    var index = end
    while index > 0 {
      let before = previous(index, text)
      guard CharacterClasses.standard[scalarValue(in: text, at: before)].contains(.whitespace) else { break }
      index = before
    }
    return index
  }

  private func endOfWhitespace(at start: Int, _ text: UnsafeBufferPointer<UInt8>) -> Int {
    var index = start
    while index < text.count, CharacterClasses.standard[scalarValue(in: text, at: index)].contains(.whitespace) {
      index += lengthOfCharacter(text[index])
    }
    return index
  }
}
