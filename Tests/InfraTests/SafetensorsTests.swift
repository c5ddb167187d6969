// Safetensors files built byte by byte: the good are read, every lie of a header is a sentence, nothing traps.
// Also what is written: read back, cut into shards, put in place whole or not at all.
import Foundation
import Testing

@testable import Checkpoints

/// A directory of its own for one test, removed with it.
private final class Scratch {
  let path = FileManager.default.temporaryDirectory.path + "/safetensors-\(UUID().uuidString)"
  init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }
  deinit { try? FileManager.default.removeItem(atPath: path) }

  func put(_ name: String, _ bytes: [UInt8]) throws -> String {
    try Data(bytes).write(to: URL(fileURLWithPath: "\(path)/\(name)"))
    return "\(path)/\(name)"
  }
  var contents: [String] { (try? FileManager.default.contentsOfDirectory(atPath: path).sorted()) ?? ["?"] }
}

private func littleEndian(_ count: UInt64) -> [UInt8] { (0..<8).map { UInt8(truncatingIfNeeded: count >> ($0 * 8)) } }

/// Length, header and data, as the format puts them.
private func file(_ header: String, _ data: [UInt8] = []) -> [UInt8] {
  littleEndian(UInt64(header.utf8.count)) + Array(header.utf8) + data
}

private func bytes(_ source: SafetensorsFile, _ name: String) throws -> [UInt8] {
  try source.withBytes(of: name) { Array($0) }
}

/// The sentence with which reading these bytes fails; nil when it does not.
private func complaint(_ bytes: [UInt8]) throws -> String? {
  let scratch = try Scratch()
  do {
    _ = try SafetensorsFile(scratch.put("x.safetensors", bytes))
    return nil
  } catch let error as CheckpointError {
    return error.description
  }
}

@Suite struct SafetensorsReadingTests {
  @Test func aFileWrittenByHandIsRead() throws {
    let scratch = try Scratch()
    let header = #"""
       "b": {"shape": [2], "dtype": "F32", "data_offsets": [0, 8]},
      	"__metadata__": {"format": "pt", "line": "a\nb\u00e9\ud83d\ude00"}, "a\"\\\/" :
      {"data_offsets":[8,11], "extra": [1.5e-3, {"x": null}, true, "s"], "dtype":"U8", "shape":[3,1]},
      "scalar":{"dtype":"I16","shape":[],"data_offsets":[11,13]},"empty":{"dtype":"F64","shape":[0,4],"data_offsets":[11,11]}}
      """#
    let source = try SafetensorsFile(scratch.put("x", file("{" + header + "  ", Array(0..<13))))
    #expect(source.names == ["a\"\\/", "b", "empty", "scalar"])
    #expect(source.metadata == ["format": "pt", "line": "a\nb\u{e9}\u{1F600}"])
    #expect(try bytes(source, "b") == Array(0..<8))
    #expect(try bytes(source, "a\"\\/") == [8, 9, 10])
    #expect(try bytes(source, "scalar") == [11, 12])
    #expect(try bytes(source, "empty") == [])
    let entry = try source.entry(named: "a\"\\/")
    #expect(entry.type == .u8 && entry.shape == [3, 1] && entry.byteRange.count == 3)
  }

  @Test func aFileWithoutTensorsIsRead() throws {
    #expect(try complaint(file("{}")) == nil)
    #expect(try complaint(file(#"{"__metadata__":{}}"#)) == nil)
  }

  /// One tensor with this entry over four bytes of data.
  private static func one(_ entry: String) -> [UInt8] { file(#"{"w":{"# + entry + "}}", [1, 2, 3, 4]) }

  @Test(
    arguments: [
      ([], "has 0 bytes"), ([1, 2, 3], "has 3 bytes"),
      (littleEndian(100) + Array("{}".utf8), "only 2 follow"), (littleEndian(100_000_001), "format allows"),
      (littleEndian(.max), "format allows"), (littleEndian(1 << 63), "format allows"),
      (file(""), "does not begin with '{'"), (file(" {}"), "does not begin with '{'"),
      (file("{"), "found the end"), (file("{}x"), "expected the end"), (file(#"{"a""#), "expected ':'"),
      (littleEndian(9) + [0x7B, 0x22, 0xFF, 0xFE, 0x22, 0x3A, 0x31, 0x7D, 0x20], "not UTF-8"),
      (file(#"{"\ud800x":1}"#), "surrogate"), (file(#"{"\q":1}"#), "escape"),
      (file("{\"a\nb\":1}"), "control character"),
      (file(#"{"w":1}"#), "expected '{'"), (file(#"{"__metadata__":{},}"#), "expected a string"),
      (file(#"{"__metadata__":{"a":1}}"#), "expected a string"),
      (file(#"{"__metadata__":{"a":"","a":""}}"#), "'a' twice"),
      (file(#"{"__metadata__":{},"__metadata__":{}}"#), "two"),
      (one(#""dtype":"F32","shape":[1]"#), "has no 'data_offsets'"),
      (one(#""dtype":"F32","shape":[1],"shape":[1],"data_offsets":[0,4]"#), "has 'shape' twice"),
      (one(#""dtype":"F31","shape":[1],"data_offsets":[0,4]"#), "dtype is 'F31'; known are BOOL"),
      (one(#""dtype":"F32","shape":[-1],"data_offsets":[0,4]"#), "a negative number"),
      (one(#""dtype":"F32","shape":[1.0],"data_offsets":[0,4]"#), "a fraction"),
      (one(#""dtype":"F32","shape":[01],"data_offsets":[0,4]"#), "leading zero"),
      (one(#""dtype":"F32","shape":[9223372036854775808],"data_offsets":[0,4]"#), "fits 64 bits"),
      (one(#""dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,4]"#), "64 bits can count"),
      (one(#""dtype":"F32","shape":[1],"data_offsets":[4,0]"#), "begin at 4 and end before, at 0"),
      (one(#""dtype":"F32","shape":[2],"data_offsets":[0,8]"#), "file holds 4 bytes of data"),
      (one(#""dtype":"F32","shape":[1],"data_offsets":[9223372036854775800,9223372036854775804]"#), "holds 4 bytes"),
      (one(#""dtype":"F16","shape":[1],"data_offsets":[0,4]"#), "span 4 bytes, but F16 of shape [1] takes 2"),
      (one(#""dtype":"F32","shape":[1],"data_offsets":[0,4,4]"#), "3 numbers"),
      (one(#""dtype":"U8","shape":[3],"data_offsets":[1,4]"#), "leaves a hole"),
      (one(#""dtype":"U8","shape":[3],"data_offsets":[0,3]"#), "ends with its last tensor"),
      (
        one(#""dtype":"F32","shape":[1],"data_offsets":[0,4]},"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]"#),
        "twice"
      ),
      (
        one(#""dtype":"F32","shape":[1],"data_offsets":[0,4]},"v":{"dtype":"U8","shape":[2],"data_offsets":[2,4]"#),
        "overlaps"
      ),
      (one(#""x":"# + String(repeating: "[", count: 100_000)), "nested"),
    ] as [([UInt8], String)])
  func everyLieIsASentence(bytes: [UInt8], says: String) throws {
    let sentence = try #require(try complaint(bytes), "accepted a file that should say: \(says)")
    #expect(sentence.contains(says), "\(sentence)")
    #expect(sentence.contains("x.safetensors") && !sentence.contains("\n"))
  }

  @Test func everyCutAndEveryFlippedByteIsReadOrRefused() throws {
    let whole = file(
      #"{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"v":{"dtype":"U8","shape":[2],"data_offsets":[4,6]}}"#,
      Array(0..<6))
    #expect(try complaint(whole) == nil)
    for count in 0..<whole.count { #expect(try complaint(Array(whole[..<count])) != nil, "cut to \(count) bytes") }
    var refused = 0
    for index in 0..<whole.count - 6 {
      for flip in [0x01, 0x04, 0x80] as [UInt8] {
        var bytes = whole
        bytes[index] ^= flip
        if try complaint(bytes) != nil { refused += 1 }
      }
    }
    #expect(refused > whole.count)
  }

  @Test func aMissingTensorNamesItsNeighbours() throws {
    let tensors = ["model.layers.3.mlp.gate_proj.weight", "model.layers.4.mlp.gate_proj.weight", "lm_head.weight", "x"]
      .map { TensorToStore($0, .u8, [1], [7]) }
    let scratch = try Scratch()
    try SafetensorsWriter().write(tensors, to: scratch.path + "/model.safetensors")
    let files = try CheckpointFiles(scratch.path)
    let error = #expect(throws: CheckpointError.self) { try files.entry(named: "layers.3.mlp.gate_proj.weight") }
    #expect(
      error?.description == "missing tensor 'layers.3.mlp.gate_proj.weight' in \(scratch.path); it has: "
        + "'model.layers.3.mlp.gate_proj.weight', 'model.layers.4.mlp.gate_proj.weight'")
  }

  @Test func aPipeADirectoryAndNothingAreErrors() throws {
    let scratch = try Scratch()
    #expect(mkfifo(scratch.path + "/pipe", 0o600) == 0)
    for name in ["pipe", ".", "absent"] {
      #expect(throws: CheckpointError.self, "\(name)") { try SafetensorsFile(scratch.path + "/" + name) }
    }
  }

  @Test func aHeaderOfNinetyThousandTensorsIsReadWhole() throws {
    let scratch = try Scratch()
    let names = (0..<90_000).map { "model.layers.\($0 % 61).mlp.experts.\($0 / 61).down_proj.weight" }
    try SafetensorsWriter().write(names.map { TensorToStore($0, .u8, [1, 2], [1, 2]) }, to: scratch.path + "/x")
    let source = try SafetensorsFile(scratch.path + "/x")
    #expect(source.names == names.sorted())
    #expect(try bytes(source, names[77_777]) == [1, 2])
  }
}
