// Checkpoints as directories: what is written is read back, shards and index must agree with each other,
// and whatever is put in place is there whole or not at all.
import Foundation
import Testing

@testable import Checkpoints

/// A directory of its own for one test, removed with it.
private final class Scratch {
  let path = FileManager.default.temporaryDirectory.path + "/checkpoints-\(UUID().uuidString)"
  init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }
  deinit { try? FileManager.default.removeItem(atPath: path) }
  var contents: [String] { (try? FileManager.default.contentsOfDirectory(atPath: path).sorted()) ?? ["?"] }
}

/// Tensors of every type with bytes that tell them apart.
private let samples: [TensorToStore] = StoredType.allCases.enumerated().map { index, type in
  TensorToStore(
    "layer.\(index).\(type.rawValue)", type, [index % 3 + 1, 3],
    (0..<(index % 3 + 1) * 3 * type.byteWidth).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ index) })
}

private func bytes(_ tensor: TensorToStore) throws -> [UInt8] {
  var result: [UInt8] = []
  try tensor.provide { result += Array($0) }
  return result
}

private struct Interruption: Error {}

@Suite struct CheckpointFilesTests {
  @Test(arguments: [nil, 1, 40, 100, 1 << 30]) func whatIsWrittenIsReadBack(shardBytes: Int?) throws {
    let scratch = try Scratch()
    let names = try SafetensorsWriter(metadata: ["note": "a \"b\"\\\n\u{1F600}"])
      .write(samples, in: scratch.path, shardBytes: shardBytes)
    let isSharded = (shardBytes ?? .max) < 1000
    #expect((names.count > 1) == isSharded)
    #expect(scratch.contents == (names + (isSharded ? ["model.safetensors.index.json"] : [])).sorted())
    let files = try CheckpointFiles(scratch.path)
    #expect(files.names == samples.map(\.name).sorted())
    for sample in samples {
      let entry = try files.entry(named: sample.name)
      #expect(entry.type == sample.type && entry.shape == sample.shape)
      #expect(try files.withBytes(of: sample.name) { Array($0) } == bytes(sample), "\(sample.name)")
      #expect(entry.byteRange.lowerBound % sample.type.byteWidth == 0, "\(sample.name) is aligned")
    }
    for file in files.files {
      #expect(file.metadata["note"] == "a \"b\"\\\n\u{1F600}")
      let data = file.entries.values.map(\.byteRange.count)
      #expect(data.count == 1 || data.reduce(0, +) <= (shardBytes ?? .max), "\(file.path)")
    }
  }

  @Test func theIndexIsJSONWithTheTotalSize() throws {
    let scratch = try Scratch()
    try SafetensorsWriter().write(samples, in: scratch.path, shardBytes: 50)
    let data = try Data(contentsOf: URL(fileURLWithPath: scratch.path + "/model.safetensors.index.json"))
    let index = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    #expect(
      (index["metadata"] as? [String: Int]) == ["total_size": try samples.map { try bytes($0).count }.reduce(0, +)])
    #expect((index["weight_map"] as? [String: String])?.count == samples.count)
  }

  private func complaint(_ directory: String) -> String? {
    do {
      _ = try CheckpointFiles(directory)
      return nil
    } catch {
      return "\(error)"
    }
  }

  @Test func brokenDirectoriesAreSentences() throws {
    let scratch = try Scratch()
    let index = scratch.path + "/model.safetensors.index.json"
    func complaint(_ map: String) throws -> String {
      try DurableFile.write(map, to: index)
      return try #require(self.complaint(scratch.path), "accepted \(map)")
    }
    #expect(try #require(self.complaint(scratch.path + "/absent")).contains("no such directory"))
    #expect(try #require(self.complaint(scratch.path)).contains("the directory is empty"))
    try SafetensorsWriter().write([TensorToStore("w", .u8, [2], [1, 2])], to: scratch.path + "/part.safetensors")
    #expect(try #require(self.complaint(scratch.path)).contains("holds part.safetensors"))
    #expect(try complaint("[]").contains("expected '{'"))
    #expect(try complaint("{}").contains("no 'weight_map'"))
    #expect(try complaint(#"{"weight_map":{"w":"gone.safetensors"}}"#).contains("shard is missing"))
    #expect(try complaint(#"{"weight_map":{"v":"part.safetensors"}}"#).contains("does not have it"))
    #expect(try complaint(#"{"weight_map":{"w":"a","w":"b"}}"#).contains("twice"))
    let long = String(repeating: "x", count: 200)
    let strange = try complaint(#"{"weight_map":{"w\n":"a\nb\u001b[2J\u2028"# + long + #""}}"#)
    #expect(strange.contains("/a b [2J xxx") && !strange.contains("\n") && strange.count < 400, "\(strange)")
    for escape in ["../part.safetensors", "/etc/passwd", "a/b", "..", ".", "", "a\\u0000b"] {
      #expect(try complaint("{\"weight_map\":{\"w\":\"\(escape)\"}}").contains("without a directory"), "\(escape)")
    }
    try DurableFile.write(#"{"weight_map":{"w":"part.safetensors"},"metadata":{"total_size":2}}"#, to: index)
    #expect(self.complaint(scratch.path) == nil)
    #expect(truncate(scratch.path + "/part.safetensors", 70) == 0)
    #expect(try #require(self.complaint(scratch.path)).contains("part.safetensors"))
  }

  @Test func tensorsThatNoReaderWouldTakeAreNotWritten() throws {
    let scratch = try Scratch()
    let wrong: [[TensorToStore]] = [
      [TensorToStore("w", .u8, [1], [1]), TensorToStore("w", .u8, [1], [1])], [TensorToStore("w", .u8, [-1], [])],
      [TensorToStore("__metadata__", .u8, [1], [1])], [TensorToStore("w", .f32, [.max], [])],
      [TensorToStore("w", .f32, [2], [1, 2, 3])], [TensorToStore("w", .u8, [2], [1, 2, 3])],
      [
        TensorToStore("w", .u8, [4]) {
          try [1, 2].withUnsafeBytes($0); throw Interruption()
        }
      ],
    ]
    for tensors in wrong {
      #expect(throws: (any Error).self) { try SafetensorsWriter().write(tensors, to: scratch.path + "/x") }
    }
    #expect(scratch.contents == [], "temporary files are removed")
  }

  @Test func weightsAreNotWrittenOverOthers() throws {
    let scratch = try Scratch()
    try SafetensorsWriter().write(samples, in: scratch.path)
    #expect(throws: CheckpointError.self) { try SafetensorsWriter().write(samples, in: scratch.path, shardBytes: 50) }
    #expect(try CheckpointFiles(scratch.path).files.count == 1)
  }
}

@Suite struct DurableTests {
  @Test func aFailedWriteLeavesTheOldFile() throws {
    let scratch = try Scratch()
    let path = scratch.path + "/x.safetensors"
    try SafetensorsWriter().write([TensorToStore("w", .u8, [1], [9])], to: path)
    #expect(throws: Interruption.self) {
      try SafetensorsWriter().write([TensorToStore("w", .u8, [1]) { _ in throw Interruption() }], to: path)
    }
    #expect(try SafetensorsFile(path).withBytes(of: "w") { Array($0) } == [9])
    #expect(scratch.contents == ["x.safetensors"])
    #expect(throws: CheckpointError.self) { try DurableFile.write("text", to: scratch.path + "/absent/file") }
    #expect(throws: CheckpointError.self) { try DurableFile.write("text", to: scratch.path) }
    #expect(scratch.contents == ["x.safetensors"])
  }

  @Test(.enabled(if: FileManager.default.fileExists(atPath: "/dev/full"))) func aFullDiskIsASentence() throws {
    let full = open("/dev/full", O_WRONLY)
    defer { close(full) }
    let error = #expect(throws: CheckpointError.self) {
      try [1, 2, 3].withUnsafeBytes { try AsideFile.write($0, to: full, of: "weights") }
    }
    #expect(error?.description == "weights: cannot write: No space left on device (errno \(ENOSPC))")
  }

  @Test func aReaderOfTheOldFileKeepsItsBytes() throws {
    let scratch = try Scratch()
    try DurableFile.write("old contents", to: scratch.path + "/file")
    let mapped = try MappedFile(scratch.path + "/file")
    try DurableFile.write("new", to: scratch.path + "/file")
    #expect(mapped.withBytes { String(decoding: $0, as: UTF8.self) } == "old contents")
    #expect(try MappedFile(scratch.path + "/file").count == 3)
    try DurableFile.write("", to: scratch.path + "/file")
    #expect(try MappedFile(scratch.path + "/file").withBytes { $0.count } == 0)
  }

  @Test func checkpointsAppearWholeAndTheNewestIsFound() throws {
    let scratch = try Scratch()
    let root = scratch.path + "/checkpoints"
    #expect(try DurableDirectory.newest(in: root) == nil)
    for step in [100, 20, 1_000_000, 3000] {
      try DurableDirectory.create("\(root)/\(DurableDirectory.name(ofStep: step))") { temporary in
        #expect(temporary.hasSuffix(".partial"))
        try DurableFile.write("\(step)", to: temporary + "/step.txt")
      }
    }
    #expect(throws: Interruption.self) {
      try DurableDirectory.create(root + "/step-2000000") { temporary in
        try DurableFile.write("half", to: temporary + "/step.txt")
        throw Interruption()
      }
    }
    for other in [".step-3000000.partial", "step-abc", "step-0000007", "other"] {
      try FileManager.default.createDirectory(atPath: "\(root)/\(other)", withIntermediateDirectories: true)
    }
    try DurableFile.write("a file", to: root + "/step-4000000")
    #expect(try DurableDirectory.steps(in: root).map(\.step) == [20, 100, 3000, 1_000_000])
    let newest = try #require(try DurableDirectory.newest(in: root))
    #expect(newest.path == root + "/step-1000000" && newest.step == 1_000_000)
    #expect(throws: CheckpointError.self, "never replaced") { try DurableDirectory.create(newest.path) { _ in } }
    #expect(try DurableDirectory.prune(root, keeping: 2).map(\.step) == [20, 100])
    #expect(try DurableDirectory.prune(root, keeping: 2).isEmpty)
    try DurableDirectory.removePartials(in: root)
    let left = try FileManager.default.contentsOfDirectory(atPath: root).sorted()
    #expect(left == ["other", "step-0000007", "step-003000", "step-1000000", "step-4000000", "step-abc"])
  }
}
