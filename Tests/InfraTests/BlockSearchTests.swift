// Blocks of 256, whose scales are searched for eight parts at once, against the search for one part at a time.
import Testing

@testable import BlockFormats

@Suite struct BlockSearchTests {
  /// Blocks of ordinary numbers, and such as have parts without range, without sign, beyond scales or with ties.
  private func blocks() -> [[Float]] {
    var random = SplitMix(state: 19)
    let ordinary = (0..<4).map { _ in (0..<256).map { _ in random.bell() } }
    let ranged = (0..<256).map { random.bell() * Float(1 << ($0 / 16)) }
    return ordinary + [
      ranged, (0..<256).map { $0 < 128 ? 0 : random.bell() }, (0..<256).map { $0 % 2 == 0 ? 0 : -0.0 },
      Array(repeating: 0.7, count: 256), Array(repeating: -0.7, count: 256),
      (0..<256).map { $0 % 2 == 0 ? 65504 : -65504 }, (0..<256).map { $0 == 99 ? 1000 : 0.001 },
      (0..<256).map { Float($0) * 64 * .leastNonzeroMagnitude }, (0..<256).map { Float($0 - 255) },
      (0..<256).map { _ in random.bell() * 1e-7 }, (0..<256).map { _ in random.bell().rounded() },
    ]
  }

  private func plain(_ format: BlockFormat, _ numbers: [Float]) -> PlainBlock {
    switch format {
    case .q2_K: .withMinimum(numbers, parts: 16, top: 3, topScale: 15)
    case .q4_K: .withMinimum(numbers, parts: 8, top: 15, topScale: 63)
    case .q5_K: .withMinimum(numbers, parts: 8, top: 31, topScale: 63)
    case .q3_K: .signed(numbers, half: 4, scales: -32...31)
    default: .signed(numbers, half: 32, scales: -128...127)
    }
  }

  @Test(arguments: [BlockFormat.q2_K, .q3_K, .q4_K, .q5_K, .q6_K])
  func eightPartsAtOnceAreWhatEachIsAlone(_ format: BlockFormat) throws {
    for (index, numbers) in blocks().enumerated() {
      let bytes = try format.quantise(numbers)
      let parts = 256 / format.partLength
      var found = PlainBlock(
        codes: [Int8](repeating: 0, count: 256), scales: [Float](repeating: 0, count: parts),
        minima: [Float](repeating: 0, count: parts))
      bytes.withUnsafeBytes { bytes in
        guard let block = bytes.baseAddress else { return }
        format.split(block, codes: &found.codes, scales: &found.scales, minima: &found.minima)
      }
      let expected = plain(format, numbers)
      #expect(found == expected, "block \(index)")
      #expect(index >= 4 || Set(found.codes).count > 3, "block \(index) has hardly any levels")
    }
  }
}
