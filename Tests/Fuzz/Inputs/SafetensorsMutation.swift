// Damage to a safetensors file that keeps it in one piece: the header's JSON changes and its length follows.

struct SafetensorsMutation {
  let partner: [UInt8]

  func apply(to whole: [UInt8], _ draws: inout Draws) -> [UInt8] {
    let bytewise = ByteMutation(partner: partner)
    guard let (header, data) = Self.parts(of: whole), !draws.once(in: 6) else {
      return bytewise.applyToLengths(of: whole, within: 8, &draws)
    }
    if draws.once(in: 8) { return Array(whole[..<(8 + header.count)]) + bytewise.apply(to: data, &draws) }
    let others = Self.parts(of: partner)?.header ?? header
    var changed = JSONMutation(partner: others).apply(to: header, &draws)
    // Some writers pad, and readers may trip over the padding.
    if draws.once(in: 8) { changed += [UInt8](repeating: 0x20, count: draws.below(16)) }
    return Self.length(draws.once(in: 10) ? changed.count &+ draws.below(5) &- 2 : changed.count) + changed + data
  }

  private static func length(_ count: Int) -> [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: count >> (8 * $0)) }
  }

  private static func parts(of whole: [UInt8]) -> (header: [UInt8], data: [UInt8])? {
    guard whole.count > 8 else { return nil }
    let count = (0..<8).reduce(UInt64(0)) { $0 | UInt64(whole[$1]) << UInt64(8 * $1) }
    guard count <= UInt64(whole.count - 8) else { return nil }
    return (Array(whole[8..<(8 + Int(count))]), Array(whole[(8 + Int(count))...]))
  }
}
