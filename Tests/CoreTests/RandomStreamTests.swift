// The random stream is a published generator, entered at a key.
import Foundation
import Tensors
import Testing

@Suite struct RandomStreamTests {
  /// The inverse of an odd number modulo 2⁶⁴, by Newton's iteration.
  private func inverse(_ odd: UInt64) -> UInt64 {
    (0..<6).reduce(odd) { x, _ in x &* (2 &- odd &* x) }
  }
  /// The number that SplitMix64's finaliser maps to `value`.
  private func unmixed(_ value: UInt64) -> UInt64 {
    var z = value ^ (value >> 31) ^ (value >> 62)
    z = z &* inverse(0x94D0_49BB_1331_11EB)
    z = z ^ (z >> 27) ^ (z >> 54)
    z = z &* inverse(0xBF58_476D_1CE4_E5B9)
    return z ^ (z >> 30) ^ (z >> 60)
  }

  @Test func theStreamOfAKeyIsSplitMix64() {
    // The reference implementation's first outputs for the state 1234567.
    let published: [UInt64] = [
      6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423, 4_593_380_528_125_082_431,
      16_408_922_859_458_223_821,
    ]
    var stream = RandomStream(seed: unmixed(1_234_567) &- 0x6A09_E667_F3BC_C909)
    #expect(published.map { _ in stream.next() } == published)
  }

  @Test func aCopyReplaysAndAStoredStreamContinues() throws {
    var stream = RandomStream(seed: 3, path: 1, 2)
    _ = stream.next()
    var copy = stream
    var stored = try JSONDecoder().decode(RandomStream.self, from: JSONEncoder().encode(stream))
    let expected = (0..<10).map { _ in stream.next() }
    #expect((0..<10).map { _ in copy.next() } == expected)
    #expect((0..<10).map { _ in stored.next() } == expected)
  }

  @Test func seedsPathsAndSplitsGiveDifferentStreams() {
    var parent = RandomStream(seed: 1)
    var streams = [
      RandomStream(seed: 1), RandomStream(seed: 2), RandomStream(seed: 1, path: 0), RandomStream(seed: 1, path: 1),
      RandomStream(seed: 1, path: 0, 1), RandomStream(seed: 1, path: 1, 0), parent.split(), parent.split(),
    ]
    let firsts = streams.indices.flatMap { i in (0..<100).map { _ in streams[i].next() } }
    #expect(Set(firsts).count == firsts.count)
  }

  @Test func uniformAndNormalNumbersHaveTheirMoments() {
    var stream = RandomStream(seed: 11)
    let uniform = (0..<20_000).map { _ in Double(stream.uniform()) }
    #expect(uniform.allSatisfy { $0 >= 0 && $0 < 1 })
    #expect(abs(uniform.reduce(0, +) / 20_000 - 0.5) < 0.01)
    let normal = (0..<20_000).map { _ in Double(stream.normal()) }
    #expect(abs(normal.reduce(0, +) / 20_000) < 0.03)
    #expect(abs(normal.reduce(0) { $0 + $1 * $1 } / 20_000 - 1) < 0.05)
    #expect(normal.allSatisfy { $0.isFinite })
  }
}
