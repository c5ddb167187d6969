// GGUF files in several parts are one file, and parts that do not belong together are refused.
import BlockFormats
import Checkpoints
import Foundation
import GGUF
import Testing

@testable import GGUFModels

/// A file's tensors dealt out to parts, as llama.cpp's splitter names and numbers them.
private struct SplitFile {
  let scratch: ModelScratch
  let whole: GGUFFile
  let count = 3

  init() throws {
    scratch = try ModelScratch()
    try TinyCheckpoint.qwen2.write(to: scratch.path + "/a")
    _ = try ModelConversion.writeGGUF(scratch.path + "/a.gguf", from: scratch.path + "/a", as: .f32) { _ in }
    whole = try GGUFFile(scratch.path + "/a.gguf")
  }

  func path(_ part: Int) -> String { "\(scratch.path)/a-0000\(part + 1)-of-0000\(count).gguf" }

  /// Writes part `part`, by default as it should be.
  func write(_ part: Int, number: UInt16? = nil, announced: Int? = nil, names: [String]? = nil) throws {
    var metadata = part == 0 ? whole.keys.map { (key: $0, value: whole.metadata[$0]!) } : []
    metadata += [
      ("split.no", .uint16(number ?? UInt16(part))), ("split.count", .uint16(UInt16(count))),
      ("split.tensors.count", .int32(Int32(announced ?? whole.tensors.count))),
    ]
    let own = names ?? whole.tensors.enumerated().filter { $0.offset % count == part }.map(\.element.name)
    try? FileManager.default.removeItem(atPath: path(part))
    try GGUFWriter(metadata: metadata).write(
      try own.map { GGUFTensorToStore($0, .f32, try whole.rows(of: $0)) }, to: path(part))
  }
}

@Suite struct SplitFileTests {
  @Test func partsAreOneFile() throws {
    let split = try SplitFile()
    for part in 0..<split.count { try split.write(part) }
    let (parts, whole) = (try GGUFModel(split.path(0)), try GGUFModel(split.whole.path))
    #expect(parts.file.partPaths == (0..<split.count).map(split.path))
    #expect(parts.names == whole.names && parts.configuration == whole.configuration)
    #expect(Set(parts.file.tensors.map(\.part)) == [0, 1, 2])
    for name in whole.names {
      #expect(try parts.rows(of: name).numbers() == whole.rows(of: name).numbers(), "\(name)")
    }
  }

  @Test func aLaterPartIsRefusedWithTheNameOfTheFirst() throws {
    let split = try SplitFile()
    for part in 0..<split.count { try split.write(part) }
    let error = #expect(throws: CheckpointError.self) { try GGUFFile(split.path(1)) }
    #expect(error?.description.contains("part 2 of 3") == true && error?.description.contains(split.path(0)) == true)
  }

  @Test func aMissingPartIsNamed() throws {
    let split = try SplitFile()
    for part in 0..<2 { try split.write(part) }
    let error = #expect(throws: CheckpointError.self) { try GGUFFile(split.path(0)) }
    #expect(error?.description.contains("a-00003-of-00003.gguf") == true)
  }

  @Test func partsOfDifferentFilesAreRefused() throws {
    let split = try SplitFile()
    for part in 0..<split.count { try split.write(part) }
    try split.write(2, number: 1)
    #expect(throws: CheckpointError.self) { try GGUFFile(split.path(0)) }
    try split.write(2, names: [split.whole.tensors[0].name])
    let twice = #expect(throws: CheckpointError.self) { try GGUFFile(split.path(0)) }
    #expect(twice?.description.contains(split.whole.tensors[0].name) == true)
    try split.write(2, names: [])
    let fewer = #expect(throws: CheckpointError.self) { try GGUFFile(split.path(0)) }
    #expect(fewer?.description.contains("announces \(split.whole.tensors.count) tensors") == true)
  }

  @Test func aPartUnderAnotherNameIsRefused() throws {
    let split = try SplitFile()
    try split.write(0)
    let moved = split.scratch.path + "/model.gguf"
    try FileManager.default.moveItem(atPath: split.path(0), toPath: moved)
    let error = #expect(throws: CheckpointError.self) { try GGUFFile(moved) }
    #expect(error?.description.contains("one of 3 parts") == true)
  }
}
