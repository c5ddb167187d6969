// Lists of checksums: what a conversion writes is what a later reading finds, and damage is named.
import BlockFormats
import Checkpoints
import Foundation
import GGUF
import GGUFModels
import Synchronization
import Testing

/// Lines as `fathom convert` prints them.
private final class Listing: Sendable {
  private let lines = Mutex([String]())
  var count: Int { lines.withLock { $0.count } }
  func add(_ tensor: ConvertedTensor) {
    lines.withLock { $0.append("\(tensor.fingerprint)  \(tensor.name)  \(tensor.format.rawValue) \(tensor.shape)") }
  }
  var text: String { lines.withLock { $0.map { "\($0)\n" }.joined() } }
}

@Suite struct ModelFingerprintsTests {
  @Test func aConvertedModelIsAsItsListsSay() throws {
    let scratch = try ModelScratch()
    try TinyCheckpoint.deepSeekV3.write(to: scratch.path + "/a")
    let listing = Listing()
    _ = try ModelConversion.writeGGUF(scratch.path + "/a.gguf", from: scratch.path + "/a", as: .q8_0) {
      listing.add($0)
    }
    _ = try ModelConversion.writeDirectory(scratch.path + "/b", from: scratch.path + "/a.gguf", as: nil) { _ in }
    // What is printed ends with a line about the whole.
    try DurableFile.write(listing.text + "a.gguf: 40 tensors, 1 MB\n", to: scratch.path + "/printed")
    let lists = [("/a.gguf", "/printed"), ("/b", "/b/\(ModelConversion.fingerprintFile)")]
    for (model, list) in lists {
      let found = try ModelFingerprints(of: scratch.path + model)
      let differences = try found.differences(from: ModelFingerprints(list: scratch.path + list))
      #expect(found.tensors.count > 20 && differences == [], "\(model)")
    }
    let (file, other) = (
      try ModelFingerprints(of: scratch.path + "/a.gguf"), try ModelFingerprints(of: scratch.path + "/b")
    )
    #expect(file.differences(from: other).count > 20)
  }

  @Test func damageIsNamedByItsTensor() throws {
    let scratch = try ModelScratch()
    try TinyCheckpoint.llama.write(to: scratch.path + "/a")
    let path = scratch.path + "/a.gguf"
    let listing = Listing()
    _ = try ModelConversion.writeGGUF(path, from: scratch.path + "/a", as: .f16) { listing.add($0) }
    try DurableFile.write(listing.text, to: scratch.path + "/list")
    let list = try ModelFingerprints(list: scratch.path + "/list")
    let damaged = try #require(try GGUFFile(path).tensors.first { $0.name == "blk.1.ffn_up.weight" })
    var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    bytes[damaged.byteRange.upperBound - 1] ^= 1
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    #expect(try ModelFingerprints(of: path).differences(from: list) == ["'blk.1.ffn_up.weight' has other bytes"])

    try DurableFile.write(listing.text.replacing("  blk.0.attn_q.weight", with: "  gone"), to: scratch.path + "/list")
    let wrong = try ModelFingerprints(list: scratch.path + "/list")
    #expect(
      try ModelFingerprints(of: path).differences(from: wrong) == [
        "'blk.0.attn_q.weight' is not in the list", "'blk.1.ffn_up.weight' has other bytes", "'gone' is missing",
      ])
  }

  @Test func listsThatAreNoneAreRefused() throws {
    let scratch = try ModelScratch()
    let digits = String(repeating: "ab", count: 32)
    for (text, says) in [
      ("", "has no line of 64"), ("abc  x\n", "has no line of 64"), ("\(digits)\n", "has no line of 64"),
      ("\(digits)  x\n\(digits)  x\n", "'x' stands twice"),
    ] {
      try DurableFile.write(text, to: scratch.path + "/list")
      let error = #expect(throws: CheckpointError.self) { try ModelFingerprints(list: scratch.path + "/list") }
      #expect(error?.description.contains(says) == true, "\(String(describing: error))")
    }
    #expect(throws: CheckpointError.self) { try ModelFingerprints(list: scratch.path + "/none") }
  }

  @Test func aCancelledConversionLeavesNothing() async throws {
    let scratch = try ModelScratch()
    try TinyCheckpoint.llama.write(to: scratch.path + "/a")
    let path = scratch.path
    _ = try ModelConversion.writeGGUF(path + "/whole.gguf", from: path + "/a", as: nil) { _ in }
    for isFile in [true, false] {
      // Cancels itself when the third tensor is done.
      let done = Listing()
      let task = Task {
        let report: ModelConversion.Report = { tensor in
          done.add(tensor)
          if done.count == 3 { withUnsafeCurrentTask { $0?.cancel() } }
        }
        return isFile
          ? try ModelConversion.writeGGUF(path + "/x.gguf", from: path + "/a", as: .q8_0, report: report)
          : try ModelConversion.writeDirectory(path + "/x", from: path + "/whole.gguf", as: nil, report: report)
      }
      await #expect(throws: CancellationError.self) { try await task.value }
      #expect(done.count == 3 && scratch.contents == ["a", "whole.gguf"])
    }
  }

  @Test func bytesThatWereGivenBackAreReadAgain() throws {
    let scratch = try ModelScratch()
    try TinyCheckpoint.qwen2.write(to: scratch.path + "/a")
    let files = try CheckpointFiles(scratch.path + "/a")
    func all() throws -> [[UInt8]] { try files.names.map { try files.withBytes(of: $0) { Array($0) } } }
    let first = try all()
    files.giveBack()
    files.giveBack()
    #expect(try all() == first && first.count > 10)
  }
}
