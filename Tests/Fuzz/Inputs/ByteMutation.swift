// Damage that knows no format: bits, bytes, numbers of 4 and 8 bytes, stretches that vanish, repeat or come from
// elsewhere.

struct ByteMutation {
  /// Bytes of a like file, to splice from.
  let partner: [UInt8]

  /// Numbers that break things: nothing, a little, and the edges of what fits.
  static let extremes: [UInt64] = [
    0, 1, 2, 3, 4, 7, 8, 12, 13, 31, 32, 33, 64, 127, 128, 255, 256, 0x7FFF, 0x8000, 0xFFFF, 1 << 20, 1 << 24,
    0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, 1 << 32, 1 << 40, 1 << 53, 1 << 60, 1 << 61, 1 << 62, .max >> 1, 1 << 63,
    .max - 31, .max - 7, .max,
  ]

  func apply(to whole: [UInt8], _ draws: inout Draws) -> [UInt8] {
    var bytes = whole
    for _ in 0..<(1 + draws.below(3)) {
      guard !bytes.isEmpty else { return Array(partner.prefix(draws.below(64))) }
      let at = draws.below(bytes.count)
      switch draws.below(9) {
      case 0: bytes[at] ^= 1 << UInt8(draws.below(8))
      case 1: bytes[at] = UInt8(truncatingIfNeeded: draws.bits())
      case 2: setNumber(in: &bytes, at: at, &draws)
      case 3: bytes.removeSubrange(draws.range(in: bytes.count, upTo: 64))
      case 4: bytes.insert(contentsOf: Array(bytes[draws.range(in: bytes.count, upTo: 64)]), at: at)
      case 5: bytes.removeSubrange(draws.below(bytes.count)...)
      case 6: splice(into: &bytes, at: at, &draws)
      case 7: bytes.insert(contentsOf: Self.invalidText[draws.below(Self.invalidText.count)], at: at)
      default:
        let range = draws.range(in: bytes.count, upTo: 32)
        let value: UInt8 = draws.one(of: [0, 0xFF, 0x7F, 0x80, 0x20])
        for index in range { bytes[index] = value }
      }
    }
    return bytes
  }

  /// Mostly numbers of 4 and 8 bytes at the beginning, where binary formats keep their counts.
  func applyToLengths(of whole: [UInt8], within head: Int, _ draws: inout Draws) -> [UInt8] {
    var bytes = whole
    for _ in 0..<(1 + draws.below(2)) {
      guard !bytes.isEmpty else { return bytes }
      let reach = draws.once(in: 2) ? min(256, bytes.count) : min(head, bytes.count)
      setNumber(in: &bytes, at: draws.below(reach), &draws)
    }
    return draws.once(in: 4) ? apply(to: bytes, &draws) : bytes
  }

  /// An extreme, or the number that is there changed a little.
  private func setNumber(in bytes: inout [UInt8], at place: Int, _ draws: inout Draws) {
    let width = draws.one(of: [1, 2, 4, 4, 8, 8, 8])
    let at = draws.once(in: 2) ? place / width * width : place
    let end = min(bytes.count, at + width)
    var value: UInt64 = 0
    for index in stride(from: end - 1, through: at, by: -1) { value = value << 8 | UInt64(bytes[index]) }
    switch draws.below(4) {
    case 0: value = value &+ UInt64(1 + draws.below(4))
    case 1: value = value &- UInt64(1 + draws.below(4))
    default: value = draws.one(of: Self.extremes)
    }
    for index in at..<end { bytes[index] = UInt8(truncatingIfNeeded: value >> UInt64(8 * (index - at))) }
  }

  private func splice(into bytes: inout [UInt8], at place: Int, _ draws: inout Draws) {
    guard !partner.isEmpty else { return }
    let piece = partner[draws.range(in: partner.count, upTo: 256)]
    if draws.once(in: 2) {
      bytes.insert(contentsOf: piece, at: place)
    } else {
      bytes.replaceSubrange(place..<min(bytes.count, place + piece.count), with: piece)
    }
  }

  /// What is not UTF-8, or is and should not be printed.
  private static let invalidText: [[UInt8]] = [
    [0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xE2, 0x82], [0x80], [0xEF, 0xBB, 0xBF], [0],
    [0x1B, 0x5B, 0x32, 0x4A], [0x0D, 0x0A], [0xE2, 0x80, 0xAE], [0xE2, 0x80, 0xA8], [0xC2, 0x85],
  ]
}
