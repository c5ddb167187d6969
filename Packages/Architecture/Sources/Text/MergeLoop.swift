// Byte-pair merging of one piece: the pair of lowest rank first, the leftmost first among equals.
// Short pieces scan for the minimum, long ones keep a heap, so that a word of a million bytes takes n log n.

/// The merge loop and its scratch memory, reused from piece to piece.
struct MergeLoop {
  private let table: MergeTable
  /// Tokens of the piece, first one per byte, at the end the result.
  private(set) var symbols: [Int32] = []
  /// `outcomes[i]` belongs to the pair `symbols[i], symbols[i + 1]`.
  private var outcomes: [MergeTable.Outcome] = []

  /// Pieces up to this many bytes are scanned; the square of it is still cheaper than a heap.
  private static let longestScan = 64
  /// Stands where a symbol was that its left neighbour has taken in.
  private static let gone = Int32.min

  init(_ table: MergeTable) { self.table = table }

  /// Merges `bytes` and leaves the tokens in `symbols`. `byteTokens` holds the token of every single byte.
  mutating func merge(_ bytes: UnsafeBufferPointer<UInt8>, startingWith byteTokens: [Int32]) {
    symbols.removeAll(keepingCapacity: true)
    for byte in bytes { symbols.append(byteTokens[Int(byte)]) }
    merge()
  }

  /// Merges `start` and leaves the tokens in `symbols`.
  mutating func merge(startingWith start: [Int32]) {
    symbols.removeAll(keepingCapacity: true)
    symbols.append(contentsOf: start)
    merge()
  }

  private mutating func merge() {
    guard symbols.count > 1 else { return }
    if symbols.count > Self.longestScan { mergeWithHeap() } else { mergeByScanning() }
  }

  private mutating func mergeByScanning() {
    let table = table
    outcomes.removeAll(keepingCapacity: true)
    for index in 0..<symbols.count - 1 { outcomes.append(table.outcome(symbols[index], symbols[index + 1])) }
    // Taken out of self while it is at work, so that both arrays can be held by address.
    var working: [MergeTable.Outcome] = []
    swap(&working, &outcomes)
    let count = symbols.withUnsafeMutableBufferPointer { symbols in
      working.withUnsafeMutableBufferPointer { Self.scan(symbols, $0, table) }
    }
    swap(&working, &outcomes)
    symbols.removeLast(symbols.count - count)
  }

  /// Merges in place and returns how many symbols are left.
  private static func scan(
    _ symbols: UnsafeMutableBufferPointer<Int32>, _ outcomes: UnsafeMutableBufferPointer<MergeTable.Outcome>,
    _ table: MergeTable
  ) -> Int {
    var count = symbols.count
    while count > 1 {
      var (best, place) = (MergeTable.never, 0)
      for index in 0..<count - 1 where outcomes[index].rank < best { (best, place) = (outcomes[index].rank, index) }
      guard best != MergeTable.never else { break }
      symbols[place] = outcomes[place].result
      count -= 1
      for index in place + 1..<max(place + 1, count) { symbols[index] = symbols[index + 1] }
      for index in place..<max(place, count - 1) { outcomes[index] = outcomes[index + 1] }
      if place > 0 { outcomes[place - 1] = table.outcome(symbols[place - 1], symbols[place]) }
      if place + 1 < count { outcomes[place] = table.outcome(symbols[place], symbols[place + 1]) }
    }
    return count
  }

  /// A doubly linked list over the symbols; a merged-away symbol becomes `gone`. Heap entries may be stale.
  private mutating func mergeWithHeap() {
    let count = symbols.count
    var next = (0..<count).map { $0 + 1 }
    var previous = (0..<count).map { $0 - 1 }
    var heap = Heap((0..<count - 1).compactMap { candidate(symbols[$0], symbols[$0 + 1], at: $0) })
    while let (rank, place) = heap.removeFirst() {
      let right = next[place]
      guard symbols[place] != Self.gone, right < count else { continue }
      let outcome = table.outcome(symbols[place], symbols[right])
      guard outcome.rank == rank else { continue }
      symbols[place] = outcome.result
      symbols[right] = Self.gone
      next[place] = next[right]
      if next[place] < count {
        previous[next[place]] = place
        if let new = candidate(symbols[place], symbols[next[place]], at: place) { heap.insert(new) }
      }
      let left = previous[place]
      if left >= 0, let new = candidate(symbols[left], symbols[place], at: left) { heap.insert(new) }
    }
    symbols.removeAll { $0 == Self.gone }
  }

  /// Rank above place in one number, so that comparing entries is one instruction: 2^27 ranks, 2^36 bytes.
  private func candidate(_ left: Int32, _ right: Int32, at place: Int) -> UInt64? {
    let rank = table.outcome(left, right).rank
    return rank == MergeTable.never ? nil : UInt64(rank) << 36 | UInt64(place)
  }

  /// A binary heap of candidates, smallest first.
  private struct Heap {
    private var entries: [UInt64]

    init(_ entries: [UInt64]) {
      self.entries = entries
      for index in stride(from: entries.count / 2 - 1, through: 0, by: -1) { sink(index) }
    }

    mutating func insert(_ entry: UInt64) {
      entries.append(entry)
      var index = entries.count - 1
      while index > 0, entries[index] < entries[(index - 1) / 2] {
        entries.swapAt(index, (index - 1) / 2)
        index = (index - 1) / 2
      }
    }

    mutating func removeFirst() -> (rank: Int32, place: Int)? {
      guard let first = entries.first, let last = entries.popLast() else { return nil }
      if !entries.isEmpty {
        entries[0] = last
        sink(0)
      }
      return (Int32(first >> 36), Int(first & (1 << 36 - 1)))
    }

    private mutating func sink(_ start: Int) {
      var index = start
      while true {
        var child = 2 * index + 1
        guard child < entries.count else { return }
        if child + 1 < entries.count, entries[child + 1] < entries[child] { child += 1 }
        guard entries[child] < entries[index] else { return }
        entries.swapAt(index, child)
        index = child
      }
    }
  }
}
