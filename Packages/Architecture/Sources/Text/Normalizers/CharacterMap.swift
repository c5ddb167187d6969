// The character map of SentencePiece: a double-array trie of texts and what they become, in one binary blob.
// Read as the published implementation reads it, first match and all, since vocabularies were made with that.
import Foundation

/// A `precompiled_charsmap`: short texts to their replacements.
struct CharacterMap: Sendable {
  private let trie: [UInt32]
  private let replacements: [UInt8]

  /// Reads the base-64 form that tokenizer files hold. Throws `TokenizerError`.
  init(base64 text: [UInt8]) throws {
    guard let data = Data(base64Encoded: Data(text)), data.count >= 4 else {
      throw TokenizerError("is not a character map; expected base 64 of SentencePiece's precompiled_charsmap")
    }
    let bytes = [UInt8](data)
    func word(_ at: Int) -> UInt32 { (0..<4).reduce(0) { $0 | UInt32(bytes[at + $1]) << UInt32(8 * $1) } }
    let size = Int(word(0))
    guard size > 0, size % 4 == 0, 4 + size <= bytes.count else {
      throw TokenizerError("has a trie of \(size) bytes in a map of \(bytes.count); the map is damaged")
    }
    trie = stride(from: 4, to: 4 + size, by: 4).map(word)
    replacements = Array(bytes[(4 + size)...])
    guard replacements.withUnsafeBufferPointer({ String(validating: $0, as: UTF8.self) != nil }) else {
      throw TokenizerError("has replacements that are not UTF-8; the map is damaged")
    }
  }

  /// The bytes as mapped: whole grapheme clusters of less than six bytes where the map has them, else characters.
  func map(_ bytes: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count)
    var index = 0
    while index < bytes.count {
      let end = Self.endOfStretch(bytes, from: index)
      let isOneCharacter = end - index == lengthOfCharacter(bytes[index])
      if isOneCharacter {
        appendMapped(bytes[index..<end], to: &result)
      } else {
        for cluster in String(decoding: bytes[index..<end], as: UTF8.self) {
          appendMapped(cluster: Array(String(cluster).utf8), to: &result)
        }
      }
      index = end
    }
    return result
  }

  private func appendMapped(_ character: ArraySlice<UInt8>, to result: inout [UInt8]) {
    if let replacement = replacement(for: character) { result += replacement } else { result += character }
  }

  private func appendMapped(cluster: [UInt8], to result: inout [UInt8]) {
    if cluster.count < 6, let replacement = replacement(for: cluster[...]) { return result += replacement }
    var index = 0
    while index < cluster.count {
      let character = cluster[index..<min(cluster.count, index + lengthOfCharacter(cluster[index]))]
      appendMapped(character, to: &result)
      index += character.count
    }
  }

  /// The next place that surely parts two clusters: between characters that join no others.
  private static func endOfStretch(_ bytes: [UInt8], from start: Int) -> Int {
    bytes.withUnsafeBufferPointer { bytes in
      var index = start
      var value = scalarValue(in: bytes, at: index)
      while true {
        let next = index + lengthOfCharacter(bytes[index])
        guard next < bytes.count else { return bytes.count }
        let following = scalarValue(in: bytes, at: next)
        if standsAlone(value), standsAlone(following), value != 0x0D || following != 0x0A { return next }
        (index, value) = (next, following)
      }
    }
  }

  /// Whether a character never makes a cluster with another that does not either, but for CR with LF. Only common
  /// scripts are listed; any other is looked at by the rules for clusters.
  private static func standsAlone(_ value: UInt32) -> Bool {
    switch value {
    case 0..<0x300, 0x370...0x482, 0x48A...0x590, 0x2010...0x2027, 0x2030...0x205E: true
    case 0x3000...0x3029, 0x3041...0x3096, 0x30A0...0x30FF, 0x4E00...0x9FFF, 0xFF01...0xFF9D: true
    default: false
    }
  }

  /// What the shortest entry at the beginning of `text` becomes, if there is one.
  private func replacement(for text: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
    var node = offset(trie[0])
    for byte in text where byte != 0 {
      node ^= Int(byte)
      guard node < trie.count else { return nil }
      let unit = trie[node]
      guard unit & (1 << 31 | 0xFF) == UInt32(byte) else { return nil }
      node ^= offset(unit)
      guard unit >> 8 & 1 == 1 else { continue }
      guard node < trie.count else { return nil }
      let start = Int(trie[node] & (1 << 31 - 1))
      guard start <= replacements.count else { return nil }
      return replacements[start..<(replacements[start...].firstIndex(of: 0) ?? replacements.count)]
    }
    return nil
  }

  private func offset(_ unit: UInt32) -> Int { Int(unit >> 10) << Int((unit & 1 << 9) >> 6) }
}
