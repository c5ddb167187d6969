// Finds the written forms of added and special tokens in a text, the longest first.
// A trie over bytes: a text full of half-written markers costs at most the longest marker per byte.

/// A set of written forms that are looked for before pre-tokenisation.
struct AddedTokenMatcher: Sendable {
  private var children: [UInt64: Int32] = [:]
  private var tokenAtNode: [Int32] = [-1]
  private var isFirstByte = [Bool](repeating: false, count: 256)

  init(_ entries: some Sequence<VocabularyEntry>) {
    for entry in entries {
      var node: Int32 = 0
      for byte in entry.bytes {
        let key = Self.key(node, byte)
        if let child = children[key] {
          node = child
        } else {
          node = Int32(tokenAtNode.count)
          children[key] = node
          tokenAtNode.append(-1)
        }
      }
      tokenAtNode[Int(node)] = entry.id.rawValue
      if let first = entry.bytes.first { isFirstByte[Int(first)] = true }
    }
  }

  /// The leftmost match at or after `start`, the longest of those that begin there.
  func firstMatch(in bytes: UnsafeBufferPointer<UInt8>, from start: Int) -> (range: Range<Int>, token: Int32)? {
    for index in start..<max(start, bytes.count) where isFirstByte[Int(bytes[index])] {
      var node: Int32 = 0
      var found: (range: Range<Int>, token: Int32)?
      for end in index..<bytes.count {
        guard let child = children[Self.key(node, bytes[end])] else { break }
        node = child
        if tokenAtNode[Int(node)] >= 0 { found = (index..<end + 1, tokenAtNode[Int(node)]) }
      }
      if let found { return found }
    }
    return nil
  }

  private static func key(_ node: Int32, _ byte: UInt8) -> UInt64 { UInt64(node) << 8 | UInt64(byte) }
}
