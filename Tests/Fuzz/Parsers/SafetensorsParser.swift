// Safetensors files alone, and in shards behind an index.
import Checkpoints
import Layers
import Tensors

struct SafetensorsParser: FuzzParser {
  let name = "safetensors"
  let goldens: Goldens
  let parts: FuzzParts

  func seeds() throws -> [FuzzInput] {
    let small = Self.file(
      #"{"__metadata__":{"a":"b"},"x":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},"#
        + #""y":{"dtype":"F8_E4M3","shape":[2,2],"data_offsets":[16,20]},"#
        + #""y_scale_inv":{"dtype":"F32","shape":[1,1],"data_offsets":[20,24]}}"#, count: 24)
    let types = ["BOOL", "U8", "I8", "F8_E5M2", "F8_E8M0"].enumerated().map {
      #""t\#($0)":{"dtype":"\#($1)","shape":[],"data_offsets":[\#($0),\#($0 + 1)]}"#
    }
    let sharded = try FuzzInput(directory: "\(goldens.directory)/parity/qwen2") {
      $0.hasPrefix("model") ? $0 : nil
    }
    return [
      FuzzInput("model.safetensors", small),
      FuzzInput("model.safetensors", Self.file("{\(types.joined(separator: ","))}", count: 5)),
      FuzzInput("model.safetensors", try goldens.bytes("parity/v3-noqlora/model.safetensors")), sharded,
      FuzzInput([
        .init(
          "model.safetensors.index.json",
          #"{"metadata":{"total_size":24},"weight_map":{"x":"a.safetensors","y":"b.safetensors"}}"#),
        .init("a.safetensors", Self.file(#"{"x":{"dtype":"BF16","shape":[2,2],"data_offsets":[0,8]}}"#, count: 8)),
        .init("b.safetensors", Self.file(#"{"y":{"dtype":"F16","shape":[4],"data_offsets":[0,8]}}"#, count: 8)),
      ]),
    ] + Self.attacks
  }

  /// A header that says 2⁴⁰ bytes, overlaps, shapes whose product wraps, nesting, links in the index.
  private static var attacks: [FuzzInput] {
    let lengths: [UInt64] = [1 << 40, 1 << 63, .max, .max - 7, 0, 1, 100_000_001]
    let headers = [
      #"{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]},"b":{"dtype":"F32","shape":[4],"data_offsets":[8,24]}}"#,
      #"{"a":{"dtype":"F32","shape":[4294967296,4294967296,4],"data_offsets":[0,0]}}"#,
      #"{"a":{"dtype":"U8","shape":[9223372036854775807,0],"data_offsets":[0,0]}}"#,
      #"{"a":{"dtype":"U8","shape":[0,9223372036854775807,9223372036854775807],"data_offsets":[0,0]}}"#,
      #"{"a":{"dtype":"F32","shape":[6],"data_offsets":[24,0]}}"#,
      #"{"a":{"dtype":"F32","shape":[6],"data_offsets":[-24,0]}}"#,
      #"{"a":{"dtype":"F32","shape":[6],"data_offsets":[0,9223372036854775807]}}"#,
      #"{"a":"# + String(repeating: "[", count: 100_000), #"{"__metadata__":{"a":1}}"#, "", "{}", "[]", "null",
      #"{"a\nb\u0000\u001b[2J":{"dtype":"F\n32","shape":[6],"data_offsets":[0,24]}}"#,
      #"{"\#(String(repeating: "n", count: 5000))":{"dtype":"F32","shape":[7],"data_offsets":[0,24]}}"#,
    ]
    let indices = [
      #"{"weight_map":{"x":"../model.safetensors"}}"#, #"{"weight_map":{"x":"/etc/passwd"}}"#,
      #"{"weight_map":{"x":"model.safetensors.index.json"}}"#, #"{"weight_map":{"x\ny":"a\nb"}}"#,
      #"{"weight_map":{}}"#, #"{"weight_map":[]}"#,
    ]
    return lengths.map { length in
      FuzzInput(
        "model.safetensors", (0..<8).map { UInt8(truncatingIfNeeded: length >> UInt64(8 * $0)) } + Array("{}".utf8))
    } + headers.map { FuzzInput("model.safetensors", file($0, count: 24)) }
      + indices.map { FuzzInput("model.safetensors.index.json", $0) }
  }

  private static func file(_ header: String, count: Int) -> [UInt8] {
    let length = header.utf8.count
    return (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) } + Array(header.utf8)
      + (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37) }
  }

  func attempt(_ input: FuzzInput, in directory: String) async throws -> String {
    let files = try CheckpointFiles(directory)
    let weights = CheckpointWeights(files, on: parts.device)
    for file in files.files { _ = file.metadata.count }
    var read = 0
    for name in files.names.prefix(40) {
      let entry = try files.entry(named: name)
      let sum = try files.withBytes(of: name) { $0.reduce(UInt64(0)) { $0 &+ UInt64($1) } }
      if sum == .max { throw Violation("a sum of bytes is impossible") }
      // Shapes of more than eight extents are no tensors here, and nobody asks for one.
      guard entry.shape.count <= 8, entry.shape.allSatisfy({ $0 < 1 << 32 }) else { continue }
      // Each tensor alone: one that cannot be computed with must not hide the others.
      do {
        _ = try weights.tensor(name, shape: Shape(entry.shape), role: .matrix).floats().count
        read += 1
      } catch let error as CheckpointError where files.names.count > 1 {
        try SentenceRule.check(error)
      }
    }
    _ = try? files.entry(named: "no such tensor")
    return "\(read > 0 ? "some" : "no") tensors read"
  }
}
