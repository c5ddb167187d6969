// Thousands of damaged files, always the same ones: each is read whole or refused with a sentence, none stops us.
import Checkpoints
import Foundation
import Testing

@testable import GGUF

@Suite struct GGUFFuzzTests {
  /// A number that breaks things: nothing, a little, as much as fits.
  private static let extremes: [UInt64] = [
    0, 1, 2, 31, 32, 33, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, 1 << 40, 1 << 62, 1 << 63, .max, .max - 31,
  ]

  private func damaged(_ whole: [UInt8], _ random: inout SplitMix) -> [UInt8] {
    var bytes = whole
    // The header is two thirds of the file; damage there is what matters.
    for _ in 0...random.next(below: 3) {
      let at = random.next(below: bytes.count)
      switch random.next(below: 6) {
      case 0: bytes[at] ^= 1 << UInt8(random.next(below: 8))
      case 1: bytes[at] = UInt8(truncatingIfNeeded: random.next())
      case 2, 3:
        let width = random.next(below: 2) == 0 ? 4 : 8
        let extreme = Self.extremes[random.next(below: Self.extremes.count)]
        for i in 0..<min(width, bytes.count - at) { bytes[at + i] = UInt8(truncatingIfNeeded: extreme >> (8 * i)) }
      case 4: bytes.removeSubrange(at..<min(bytes.count, at + 1 + random.next(below: 16)))
      default: bytes.insert(contentsOf: bytes[at..<min(bytes.count, at + 1 + random.next(below: 16))], at: at)
      }
      if bytes.isEmpty { break }
    }
    return random.next(below: 8) == 0 ? Array(bytes.prefix(random.next(below: bytes.count + 1))) : bytes
  }

  @Test func everyDamagedFileIsReadOrRefused() throws {
    let whole = [UInt8](try Data(contentsOf: GGUFGoldens.directory.appending(path: "package.gguf")))
    let scratch = try ScratchDirectory()
    var random = SplitMix(state: 42)
    var (read, refused) = (0, 0)
    for _ in 0..<4000 {
      let path = try scratch.put("x.gguf", damaged(whole, &random))
      do {
        let file = try GGUFFile(path)
        for value in file.metadata.values {
          _ = value.summary
          _ = try value.list?.elements()
          _ = try value.list?.byteStrings()
        }
        for tensor in file.tensors where tensor.format != nil { _ = try file.rows(of: tensor.name).numbers() }
        read += 1
      } catch let error as CheckpointError {
        #expect(!error.description.contains("\n") && error.description.contains("x.gguf"), "\(error)")
        refused += 1
      }
    }
    #expect(read > 200 && refused > 1000, "\(read) were read, \(refused) refused")
  }
}
