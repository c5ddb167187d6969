// Codes of any number of bits, one after another, without gaps between them.

/// Packs codes of `bits` bits each into bytes, from the lowest bit of the first byte upward.
enum PackedCodes {
  /// Bytes that hold `count` codes.
  static func byteCount(of count: Int, bits: Int) -> Int { (count * bits + 7) / 8 }

  static func pack(_ codes: some Sequence<UInt16>, bits: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    var (waiting, held): (UInt32, Int) = (0, 0)
    for code in codes {
      waiting |= UInt32(code) << held
      held += bits
      while held >= 8 {
        bytes.append(UInt8(truncatingIfNeeded: waiting))
        waiting >>= 8
        held -= 8
      }
    }
    if held > 0 { bytes.append(UInt8(truncatingIfNeeded: waiting)) }
    return bytes
  }

  static func unpack(_ bytes: some Sequence<UInt8>, bits: Int, count: Int) -> [UInt16] {
    var codes: [UInt16] = []
    codes.reserveCapacity(count)
    var (waiting, held): (UInt32, Int) = (0, 0)
    for byte in bytes {
      waiting |= UInt32(byte) << held
      held += 8
      while held >= bits && codes.count < count {
        codes.append(UInt16(waiting & ((1 << bits) - 1)))
        waiting >>= bits
        held -= bits
      }
    }
    return codes
  }
}
