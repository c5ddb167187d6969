// Which two tokens merge into which, and how early.
// One look-up finds both: pair, rank and result lie side by side.

/// Ranks and results of token pairs in an open-addressing table.
struct MergeTable: Sendable {
  /// What a pair merges into, and when: lower ranks first. `rank` is `never` where it does not merge.
  struct Outcome: Sendable {
    var rank: Int32
    var result: Int32
  }
  /// The rank of a pair that does not merge.
  static let never = Int32.max

  private struct Slot: Sendable {
    var key: UInt64
    var outcome: Outcome
  }
  private var slots: [Slot]
  private let mask: Int

  /// Merges in order of rank. When a pair occurs twice the later rank counts, as in other implementations.
  init(_ merges: [(left: Int32, right: Int32, result: Int32)]) {
    self.init(ranked: merges.enumerated().map { ($1.left, $1.right, Outcome(rank: Int32($0), result: $1.result)) })
  }

  /// Merges with their ranks, of which several may be equal.
  init(ranked merges: [(left: Int32, right: Int32, outcome: Outcome)]) {
    var size = 16
    while size < merges.count * 2 { size *= 2 }
    mask = size - 1
    slots = [Slot](repeating: Slot(key: .max, outcome: Outcome(rank: Self.never, result: -1)), count: size)
    for merge in merges {
      let key = Self.key(merge.left, merge.right)
      slots[slot(of: key, hash: Int(truncatingIfNeeded: mixed(key)))] = Slot(key: key, outcome: merge.outcome)
    }
  }

  /// What the pairs merge into, in no order.
  var results: some Sequence<Int32> { slots.lazy.filter { $0.outcome.result >= 0 }.map(\.outcome.result) }

  /// What the pair does.
  @inline(__always)
  func outcome(_ left: Int32, _ right: Int32) -> Outcome {
    let key = Self.key(left, right)
    let hash = Int(truncatingIfNeeded: mixed(key))
    return slots.withUnsafeBufferPointer { slots in
      var slot = hash & mask
      while slots[slot].key != key, slots[slot].key != .max { slot = (slot + 1) & mask }
      return slots[slot].outcome
    }
  }

  @inline(__always)
  private func slot(of key: UInt64, hash: Int) -> Int {
    var slot = hash & mask
    while slots[slot].key != key, slots[slot].key != .max { slot = (slot + 1) & mask }
    return slot
  }

  @inline(__always)
  private static func key(_ left: Int32, _ right: Int32) -> UInt64 {
    UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
  }
}
