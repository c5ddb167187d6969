// Which entries of an index name a row, so that every row can gather what belongs to it on a thread of its own.

/// For each of some rows the entries of an index that name it, in order: its first, and from each the next; -1 ends it.
struct RowChains {
  let first: [Int32]
  let next: [Int32]

  /// Negative entries of `index` name no row; the others are below `rows`.
  init(_ index: UnsafePointer<Int32>, count: Int, rows: Int) {
    var first = [Int32](repeating: -1, count: rows)
    var next = [Int32](repeating: -1, count: count)
    for i in next.indices.reversed() where index[i] >= 0 {
      next[i] = first[Int(index[i])]
      first[Int(index[i])] = Int32(i)
    }
    (self.first, self.next) = (first, next)
  }

  /// The entries that name `row`, in order.
  @inline(__always)
  func forEach(in row: Int, _ body: (Int) -> Void) {
    var i = first[row]
    while i >= 0 {
      body(Int(i))
      i = next[Int(i)]
    }
  }
}
