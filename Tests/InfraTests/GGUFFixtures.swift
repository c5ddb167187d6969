// GGUF files built byte by byte, numbers that two languages make alike, and what the `gguf` package recorded.
import Foundation
import Testing

@testable import GGUF

/// A directory of its own for one test, removed with it.
final class ScratchDirectory {
  let path = FileManager.default.temporaryDirectory.path + "/gguf-\(UUID().uuidString)"
  init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }
  deinit { try? FileManager.default.removeItem(atPath: path) }

  func put(_ name: String, _ bytes: [UInt8]) throws -> String {
    try Data(bytes).write(to: URL(fileURLWithPath: "\(path)/\(name)"))
    return "\(path)/\(name)"
  }
  var contents: [String] { (try? FileManager.default.contentsOfDirectory(atPath: path).sorted()) ?? ["?"] }
}

/// A file as its parts, each of which may lie.
struct RawGGUF {
  var magic = Array("GGUF".utf8)
  var version: UInt32 = 3
  var tensorCount: UInt64?
  var pairCount: UInt64?
  var pairs: [[UInt8]] = []
  var entries: [[UInt8]] = []
  var data: [UInt8] = []

  var bytes: [UInt8] {
    var bytes = magic + number(version) + number(tensorCount ?? UInt64(entries.count))
    bytes += number(pairCount ?? UInt64(pairs.count)) + pairs.flatMap { $0 } + entries.flatMap { $0 }
    return bytes + [UInt8](repeating: 0, count: (32 - bytes.count % 32) % 32) + data
  }

  static func pair(_ key: String, _ type: UInt32, _ value: [UInt8]) -> [UInt8] { text(key) + number(type) + value }
  /// An entry of the directory; extents as the file has them, innermost first.
  static func entry(_ name: String, _ extents: [UInt64], _ type: UInt32, at offset: UInt64 = 0) -> [UInt8] {
    text(name) + number(UInt32(extents.count)) + extents.flatMap { number($0) } + number(type) + number(offset)
  }
  static func text(_ text: String) -> [UInt8] { number(UInt64(text.utf8.count)) + Array(text.utf8) }

  static func with(_ pairs: [UInt8]...) -> [UInt8] { RawGGUF(pairs: pairs).bytes }
  /// Tensors over 128 bytes of data.
  static func tensors(_ entries: [UInt8]...) -> [UInt8] {
    RawGGUF(entries: entries, data: Array(repeating: 1, count: 128)).bytes
  }
}

func number(_ value: some FixedWidthInteger) -> [UInt8] { withUnsafeBytes(of: value.littleEndian) { Array($0) } }

enum GGUFGoldens {
  static let directory = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "Goldens/gguf")

  struct Blocks: Decodable {
    let blocks: Data
    let numbers: Data
  }
  struct Numbers: Decodable {
    let numbers: Data
    let blocks: [String: Data]
  }
  static func blocks() throws -> [String: Blocks] {
    try JSONDecoder().decode([String: Blocks].self, from: Data(contentsOf: directory.appending(path: "blocks.json")))
  }
  static func numbers() throws -> Numbers {
    try JSONDecoder().decode(Numbers.self, from: Data(contentsOf: directory.appending(path: "numbers.json")))
  }
  static func floats(_ data: Data) -> [Float] {
    stride(from: 0, to: data.count, by: 4).map { at in
      Float(bitPattern: (0..<4).reduce(UInt32(0)) { $0 | UInt32(data[data.startIndex + at + $1]) << UInt32(8 * $1) })
    }
  }
}

/// SplitMix64 (Steele et al. 2014): the same numbers in every language.
struct SplitMix {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
    return z ^ z >> 31
  }
  mutating func next(below limit: Int) -> Int { Int(next() % UInt64(limit)) }
  /// About normal: the four quarters of a number added, exactly. Mean 0, variance 1/3.
  mutating func bell() -> Float {
    let bits = next()
    let sum = (0..<4).reduce(0) { $0 + Int(bits >> UInt64(16 * $1) & 0xFFFF) }
    return Float(sum - 131_070) / 65_536
  }
}
