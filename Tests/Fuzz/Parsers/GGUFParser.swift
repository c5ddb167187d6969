// GGUF files as files: header, metadata, tensors, numbers.
import BlockFormats
import Checkpoints
import GGUF

struct GGUFParser: FuzzParser {
  let name = "gguf"
  let goldens: Goldens

  func seeds() throws -> [FuzzInput] {
    let package = try goldens.bytes("gguf/package.gguf")
    return [FuzzInput("x.gguf", package)] + Self.attacks.map { FuzzInput("x.gguf", $0) } + [try Self.everyFormat()]
  }

  /// One tensor in each stored form, written by the writer.
  private static func everyFormat() throws -> FuzzInput {
    let directory = try TemporaryDirectory("gguf-seed")
    let tensors = BlockFormat.allCases.map { format in
      GGUFTensorToStore(
        "t.\(format.rawValue)", format,
        FloatRows(shape: [2, 256]) { rows, numbers in
          for index in numbers.indices { numbers[index] = Float(index % 17) - 8 }
        })
    }
    try GGUFWriter(metadata: [("general.architecture", .string("x"))]).write(tensors, to: "\(directory.path)/x.gguf")
    return try FuzzInput(directory: directory.path)
  }

  private static func number(_ value: UInt64, _ width: Int = 8) -> [UInt8] {
    (0..<width).map { UInt8(truncatingIfNeeded: value >> UInt64(8 * $0)) }
  }
  private static func text(_ text: String) -> [UInt8] { number(UInt64(text.utf8.count)) + Array(text.utf8) }
  private static func file(tensors: UInt64 = 0, keys: UInt64 = 0, version: UInt64 = 3, _ rest: [UInt8]) -> [UInt8] {
    Array("GGUF".utf8) + number(version, 4) + number(tensors) + number(keys) + rest
  }

  private static func tensor(_ extents: [UInt64], type: UInt64 = 0, offset: UInt64 = 0, count: UInt64? = nil) -> [UInt8]
  {
    text("t") + number(count ?? UInt64(extents.count), 4) + extents.flatMap { number($0) } + number(type, 4)
      + number(offset)
  }

  /// Counts beyond the file, arrays in arrays, an alignment of 0, extents whose product wraps, texts that are none.
  private static var attacks: [[UInt8]] {
    let nested = (0..<2000).flatMap { _ in number(9, 4) + number(1) }
    let data = [UInt8](repeating: 1, count: 256)
    return [
      file(tensors: .max, keys: 0, []), file(tensors: 0, keys: .max, []), file(tensors: 1 << 40, keys: 1 << 40, data),
      file(keys: 1, text("k") + number(9, 4) + nested + number(0, 4) + number(0)),
      file(keys: 1, text("k") + number(9, 4) + number(8, 4) + number(1 << 60)),
      file(keys: 1, text("k") + number(9, 4) + number(0, 4) + number(.max)),
      file(keys: 1, text("general.alignment") + number(4, 4) + number(0, 4)),
      file(keys: 1, text("general.alignment") + number(4, 4) + number(0xFFFF_FFFF, 4)),
      file(keys: 1, text("general.alignment") + number(4, 4) + number(3, 4)),
      file(keys: 1, text("general.alignment") + number(10, 4) + number(1 << 63)),
      file(tensors: 1, tensor([1 << 32, 1 << 32, 2]) + data), file(tensors: 1, tensor([1 << 63]) + data),
      file(tensors: 1, tensor([.max, .max, .max, .max]) + data), file(tensors: 1, tensor([0]) + data),
      file(tensors: 1, tensor([0, 1 << 62, 1 << 62]) + data), file(tensors: 1, tensor([4], offset: .max - 31) + data),
      file(tensors: 1, tensor([4], offset: 1 << 63) + data), file(tensors: 1, tensor([], count: 0) + data),
      file(tensors: 1, tensor([4], count: 0xFFFF_FFFF) + data), file(tensors: 1, tensor([4], type: 0xFFFF_FFFF) + data),
      file(tensors: 2, tensor([4]) + tensor([4]) + data), file(tensors: 1, tensor([33], type: 8) + data),
      file(keys: 1, number(.max) + data), file(keys: 1, text("a\nb\u{1B}[2J") + number(8, 4) + text("c\nd") + data),
      file(keys: 1, [4, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFE, 0xFF, 0xFF] + number(8, 4) + text("x")),
      file(version: 0, []), file(version: 0x0300_0000, []), file(version: 1, data), [], Array("GGUF".utf8),
    ]
  }

  func attempt(_ input: FuzzInput, in directory: String) async throws -> String {
    let file = try GGUFFile("\(directory)/x.gguf")
    for value in file.metadata.values {
      _ = (value.summary, value.integer, value.number)
      if let list = value.list {
        _ = try list.elements()
        _ = (try list.byteStrings(), try list.integers(), try list.numbers())
        _ = try list.texts()
      }
    }
    var read = 0
    for tensor in file.tensors {
      _ = try file.withBytes(of: tensor.name) { $0.count }
      guard tensor.format != nil else { continue }
      _ = try file.rows(of: tensor.name).numbers()
      read += 1
    }
    return "\(read > 0 ? "some" : "no") tensors read"
  }
}
