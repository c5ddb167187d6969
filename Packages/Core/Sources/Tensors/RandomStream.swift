// Random numbers by counting.
// Number n of a key is a fixed function of (key, n): streams can be copied, split, and entered anywhere.

/// A stream of random numbers that is a value: copy it to replay it, split it to hand one on.
public struct RandomStream: Sendable, Codable, Hashable, RandomNumberGenerator {
  private let key: UInt64
  private var counter: UInt64 = 0
  public init(seed: UInt64) { key = Self.mixed(seed &+ 0x6A09_E667_F3BC_C909) }
  /// The stream of a sub-task: equal (seed, path) give equal streams, different paths unrelated ones.
  public init(seed: UInt64, path: UInt64...) {
    key = path.reduce(Self.mixed(seed &+ 0x6A09_E667_F3BC_C909)) {
      Self.mixed($0 ^ Self.mixed($1 &+ 0xBB67_AE85_84CA_A73B))
    }
  }
  public mutating func next() -> UInt64 {
    counter &+= 1
    return Self.mixed(key &+ counter &* 0x9E37_79B9_7F4A_7C15)
  }
  /// A number in 0 ..< 1 with 24 random bits, so that it is exact in float32.
  public mutating func uniform() -> Float { Float(next() >> 40) * 0x1p-24 }
  /// A normally distributed number (Box–Muller).
  public mutating func normal() -> Float {
    let u = (Double(next() >> 11) + 1) * 0x1p-53
    let v = Double(next() >> 11) * 0x1p-53
    return Float((-2 * Self.naturalLog(u)).squareRoot() * Self.cosine(2 * Double.pi * v))
  }
  /// A stream unrelated to what this one gives from now on.
  public mutating func split() -> RandomStream { RandomStream(seed: next()) }

  /// The finaliser of SplitMix64 (Steele, Lea and Flood 2014).
  private static func mixed(_ value: UInt64) -> UInt64 {
    var z = value
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

extension RandomStream {
  private static func naturalLog(_ x: Double) -> Double { log(x) }
  private static func cosine(_ x: Double) -> Double { cos(x) }
}
