// Byte strings to token ids: the vocabulary as encoding asks for it.

/// Ids by content, and contents by id.
struct ByteStringMap: Sendable {
  private var table: ByteStringTable
  private var ids: [Int32] = []

  /// Room for `capacity` strings, and for more as they come.
  init(capacity: Int = 0) {
    table = ByteStringTable(capacity: capacity)
    ids.reserveCapacity(capacity)
  }

  /// How many strings there are.
  var count: Int { ids.count }

  /// Adds a string; false when it is there already.
  mutating func insert(_ bytes: [UInt8], id: Int32) -> Bool {
    guard table.insert(bytes) == ids.count else { return false }
    ids.append(id)
    return true
  }

  /// The id of `bytes`, if there is one.
  @inline(__always)
  subscript(bytes: UnsafeBufferPointer<UInt8>) -> Int32? { table.number(of: bytes).map { ids[$0] } }
  /// The id of `bytes`, if there is one.
  subscript(bytes: [UInt8]) -> Int32? { table.number(of: bytes).map { ids[$0] } }
}
