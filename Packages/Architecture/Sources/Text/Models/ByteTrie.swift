// Byte strings by their prefixes: which tokens begin at a place of a text.
// All children are in one open-addressing table, so a node costs sixteen bytes and a step one look-up.

/// A trie over bytes with a value at the end of each string.
struct ByteTrie: Sendable {
  private struct Edge: Sendable {
    var key: UInt64
    var child: Int32
  }
  /// Edges by node and byte; a child below 0 is no edge. Always a power of two long and at most half full.
  private var edges = [Edge](repeating: Edge(key: .max, child: -1), count: 64)
  private var edgeCount = 0
  /// The children of the root, which is asked most often.
  private var first = [Int32](repeating: -1, count: 256)
  private var values: [Int32] = [-1]

  /// Adds a string; a later value for the same string wins.
  mutating func insert(_ bytes: [UInt8], value: Int32) {
    var node: Int32 = 0
    for byte in bytes {
      if let child = child(of: node, byte) {
        node = child
        continue
      }
      let child = Int32(values.count)
      values.append(-1)
      if node == 0 { first[Int(byte)] = child } else { add(Edge(key: Self.key(node, byte), child: child)) }
      node = child
    }
    values[Int(node)] = value
  }

  /// Calls `body` with the end and the value of every string that begins at `start`, the shortest first.
  @inline(__always)
  func forEachPrefix(of bytes: UnsafeBufferPointer<UInt8>, from start: Int, _ body: (Int, Int32) -> Void) {
    var node: Int32 = 0
    for index in start..<bytes.count {
      guard let child = child(of: node, bytes[index]) else { return }
      node = child
      if values[Int(node)] >= 0 { body(index + 1, values[Int(node)]) }
    }
  }

  /// The value of exactly these bytes.
  func value(of bytes: some Sequence<UInt8>) -> Int32? {
    var node: Int32 = 0
    for byte in bytes {
      guard let child = child(of: node, byte) else { return nil }
      node = child
    }
    return values[Int(node)] >= 0 ? values[Int(node)] : nil
  }

  @inline(__always)
  private func child(of node: Int32, _ byte: UInt8) -> Int32? {
    if node == 0 { return first[Int(byte)] >= 0 ? first[Int(byte)] : nil }
    let edge = edges[slot(of: Self.key(node, byte))]
    return edge.child >= 0 ? edge.child : nil
  }

  @inline(__always)
  private func slot(of key: UInt64) -> Int {
    let mask = edges.count - 1
    var slot = Int(truncatingIfNeeded: mixed(key)) & mask
    while edges[slot].key != key, edges[slot].key != .max { slot = (slot + 1) & mask }
    return slot
  }

  private mutating func add(_ edge: Edge) {
    edgeCount += 1
    if edgeCount * 2 > edges.count {
      let old = edges
      edges = [Edge](repeating: Edge(key: .max, child: -1), count: old.count * 2)
      for edge in old where edge.child >= 0 { edges[slot(of: edge.key)] = edge }
    }
    edges[slot(of: edge.key)] = edge
  }

  private static func key(_ node: Int32, _ byte: UInt8) -> UInt64 { UInt64(node) << 8 | UInt64(byte) }
}
