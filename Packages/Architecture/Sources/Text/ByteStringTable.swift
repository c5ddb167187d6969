// A growing set of byte strings, each with its number in order of arrival.
// One flat buffer and one open-addressing index: a vocabulary of 128 000 tokens is four allocations.

/// Byte strings numbered 0, 1, 2 …, found again by their content.
struct ByteStringTable: Sendable {
  private var storage: [UInt8] = []
  private var starts: [Int] = [0]
  private var hashes: [UInt64] = []
  /// Numbers by hash; -1 is free. Always a power of two long and at most half full.
  private var slots: [Int32]

  /// Room for `capacity` strings, and for more as they come.
  init(capacity: Int = 0) {
    var size = 16
    while size < capacity * 2 { size *= 2 }
    slots = [Int32](repeating: -1, count: size)
    hashes.reserveCapacity(capacity)
    starts.reserveCapacity(capacity + 1)
  }

  /// How many strings there are.
  var count: Int { hashes.count }

  /// The bytes of string `number`.
  subscript(number: Int) -> ArraySlice<UInt8> { storage[starts[number]..<starts[number + 1]] }

  /// The number of `bytes`, if it was inserted.
  func number(of bytes: UnsafeBufferPointer<UInt8>) -> Int? {
    let found = slots[slot(of: bytes, hash: byteHash(bytes))]
    return found < 0 ? nil : Int(found)
  }

  /// The number of `bytes`, if it was inserted.
  func number(of bytes: [UInt8]) -> Int? { bytes.withUnsafeBufferPointer { number(of: $0) } }

  /// The number of `bytes`, new or old.
  mutating func insert(_ bytes: UnsafeBufferPointer<UInt8>) -> Int {
    let hash = byteHash(bytes)
    let slot = slot(of: bytes, hash: hash)
    if slots[slot] >= 0 { return Int(slots[slot]) }
    slots[slot] = Int32(count)
    storage.append(contentsOf: bytes)
    starts.append(storage.count)
    hashes.append(hash)
    if count * 2 > slots.count { grow() }
    return count - 1
  }

  /// The number of `bytes`, new or old.
  mutating func insert(_ bytes: [UInt8]) -> Int { bytes.withUnsafeBufferPointer { insert($0) } }

  /// The slot that holds `bytes`, or the free one where it belongs.
  private func slot(of bytes: UnsafeBufferPointer<UInt8>, hash: UInt64) -> Int {
    let mask = slots.count - 1
    var slot = Int(truncatingIfNeeded: hash) & mask
    while slots[slot] >= 0, hashes[Int(slots[slot])] != hash || !self[Int(slots[slot])].elementsEqual(bytes) {
      slot = (slot + 1) & mask
    }
    return slot
  }

  private mutating func grow() {
    let mask = slots.count * 2 - 1
    slots = [Int32](repeating: -1, count: mask + 1)
    for (number, hash) in hashes.enumerated() {
      var slot = Int(truncatingIfNeeded: hash) & mask
      while slots[slot] >= 0 { slot = (slot + 1) & mask }
      slots[slot] = Int32(number)
    }
  }
}

/// A 64-bit hash of a byte string: eight bytes at a time, multiplied and folded. Not for security.
@inline(__always)
func byteHash(_ bytes: UnsafeBufferPointer<UInt8>) -> UInt64 {
  let raw = UnsafeRawBufferPointer(bytes)
  var hash = UInt64(truncatingIfNeeded: bytes.count) &* 0x9E37_79B9_7F4A_7C15
  var index = 0
  while index + 8 <= raw.count {
    hash = mixed(hash ^ raw.loadUnaligned(fromByteOffset: index, as: UInt64.self))
    index += 8
  }
  var tail: UInt64 = 0
  while index < raw.count {
    tail = tail << 8 | UInt64(raw[index])
    index += 1
  }
  return mixed(hash ^ tail)
}

/// The two halves of a 128-bit product, folded: every input bit reaches every output bit.
@inline(__always)
func mixed(_ value: UInt64) -> UInt64 {
  let product = (value ^ 0xA076_1D64_78BD_642F).multipliedFullWidth(by: 0xE703_7ED1_A0B4_28DB)
  return product.high ^ product.low
}
