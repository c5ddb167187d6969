// Finds the written forms of added and special tokens in a text, the longest first.
// A trie over bytes: a text full of half-written markers costs at most the longest marker per byte.

/// A set of written forms that are looked for before pre-tokenisation.
struct AddedTokenMatcher: Sendable {
  private var trie = ByteTrie()
  /// A bit for every two bytes that a form can begin with: text that holds none costs one load a byte.
  private var beginnings = [UInt64](repeating: 0, count: 1 << 10)
  private var isFirstByte = [Bool](repeating: false, count: 256)
  private var isEmpty = true

  init(_ entries: some Sequence<VocabularyEntry>) {
    for entry in entries {
      guard let first = entry.bytes.first else { continue }
      isEmpty = false
      trie.insert(entry.bytes, value: entry.id.rawValue)
      isFirstByte[Int(first)] = true
      let seconds: ClosedRange<UInt8> = entry.bytes.count > 1 ? entry.bytes[1]...entry.bytes[1] : 0...255
      for second in seconds { beginnings[Int(first) << 2 | Int(second) >> 6] |= 1 << UInt64(second & 63) }
    }
  }

  /// The leftmost match at or after `start`, the longest of those that begin there.
  func firstMatch(in bytes: UnsafeBufferPointer<UInt8>, from start: Int) -> (range: Range<Int>, token: Int32)? {
    if isEmpty { return nil }
    for index in start..<max(start, bytes.count) where isFirstByte[Int(bytes[index])] {
      if index + 1 < bytes.count {
        let second = bytes[index + 1]
        guard beginnings[Int(bytes[index]) << 2 | Int(second) >> 6] >> UInt64(second & 63) & 1 == 1 else { continue }
      }
      var found: (range: Range<Int>, token: Int32)?
      trie.forEachPrefix(of: bytes, from: index) { end, token in found = (index..<end, token) }
      if let found { return found }
    }
    return nil
  }
}
