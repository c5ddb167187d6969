// Which two tokens merge into which, and how early.
// The rank of a merge is its line number in the file; the result is looked up by rank.

/// Ranks of token pairs in an open-addressing table, with the token that each rank makes.
struct MergeTable: Sendable {
  /// The rank of a pair that does not merge.
  static let never = Int32.max

  private var keys: [UInt64]
  private var ranks: [Int32]
  private let results: [Int32]
  private let mask: Int

  /// Merges in order of rank. When a pair occurs twice the later rank counts, as in other implementations.
  init(_ merges: [(left: Int32, right: Int32, result: Int32)]) {
    var size = 16
    while size < merges.count * 2 { size *= 2 }
    mask = size - 1
    keys = [UInt64](repeating: .max, count: size)
    ranks = [Int32](repeating: Self.never, count: size)
    results = merges.map(\.result)
    for (rank, merge) in merges.enumerated() {
      let slot = slot(of: Self.key(merge.left, merge.right))
      keys[slot] = Self.key(merge.left, merge.right)
      ranks[slot] = Int32(rank)
    }
  }

  /// The rank at which the pair merges, or `never`.
  @inline(__always)
  func rank(_ left: Int32, _ right: Int32) -> Int32 { ranks[slot(of: Self.key(left, right))] }

  /// The token that the merge of this rank makes.
  @inline(__always)
  func result(ofRank rank: Int32) -> Int32 { results[Int(rank)] }

  @inline(__always)
  private func slot(of key: UInt64) -> Int {
    var slot = Int(truncatingIfNeeded: mixed(key)) & mask
    while keys[slot] != key, keys[slot] != .max { slot = (slot + 1) & mask }
    return slot
  }

  @inline(__always)
  private static func key(_ left: Int32, _ right: Int32) -> UInt64 {
    UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
  }
}
