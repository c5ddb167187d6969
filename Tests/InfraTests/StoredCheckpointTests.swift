// Weights that stay in their files: which of them do, in what form, and that giving their pages back changes nothing.
import Foundation
import Layers
import ReferenceBackend
import Tensors
import Testing

@testable import Checkpoints

private final class Scratch {
  let path = FileManager.default.temporaryDirectory.path + "/stored-\(UUID().uuidString)"
  init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }
  deinit { try? FileManager.default.removeItem(atPath: path) }
}

private func bytes(_ values: [Float]) -> [UInt8] { values.withUnsafeBytes { Array($0) } }

@Suite struct StoredCheckpointTests {
  private let rows = 130
  private let columns = 200
  private var codes: [UInt8] {
    (0..<rows * columns).map { i in
      let code = UInt8(truncatingIfNeeded: i &* 37 &+ i / 251)
      return code & 0x7F == 0x7F ? 0x38 : code
    }
  }
  private var tensors: [TensorToStore] {
    let scales = TensorToStore("x.weight_scale_inv", .f32, [2, 2], bytes([0.5, 3, 0.001, 7]))
    let other = TensorToStore("y.weight_scale_inv", .f32, [2, 2], bytes([1, 2, 3, 4]))
    return [
      TensorToStore("x.weight", .f8e4m3, [rows, columns], codes), scales,
      TensorToStore("y.weight", .f8e5m2, [rows, columns], codes.map { $0 & 0x7B }), other,
      TensorToStore("f.weight", .f32, [2, 3], bytes([1, 2, 3, 4, 5, 6])),
      TensorToStore("b.weight", .bf16, [1, 2], [0x80, 0x3F, 0x40, 0xC0]),
    ]
  }
  private func weights(_ form: WeightForm, in scratch: Scratch) throws -> Weights {
    let path = "\(scratch.path)/\(form)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    try SafetensorsWriter().write(tensors, in: path, shardBytes: 1000)
    return Weights(CheckpointWeights(try CheckpointFiles(path), on: Device(ReferenceBackend()), form: form))
  }

  @Test func matricesStayInTheMappingAndOthersAreFloat32() throws {
    let scratch = try Scratch()
    let (stored, wide) = (try weights(.stored, in: scratch), try weights(.float32, in: scratch))
    let cases: [(String, Shape, ParameterRole, DType)] = [
      ("x", [rows, columns], .matrix, .float8), ("x", [rows, columns], .embedding, .float32),
      ("x", [rows, columns], .wideMatrix, .float32), ("y", [rows, columns], .matrix, .float32),
      ("f", [2, 3], .matrix, .float32), ("b", [1, 2], .matrix, .bfloat16), ("b", [1, 2], .embedding, .bfloat16),
      ("b", [1, 2], .scale, .float32),
    ]
    for (name, shape, role, dtype) in cases {
      let own = try stored[name].tensor("weight", shape, role)
      let expected = try wide[name].tensor("weight", shape, role)
      #expect(own.dtype == dtype && expected.dtype == .float32, "\(name) \(role)")
      #expect(!expected.storage.isMapped)
      let isKept = name != "y" && (role == .matrix || role == .embedding) && !(name == "x" && role == .embedding)
      #expect(own.storage.isMapped == isKept, "\(name) \(role)")
      #expect(own.cast(to: .float32).floats() == expected.floats(), "\(name) \(role)")
    }
  }

  /// The system reads pages again that were given back, and those beside them are as they were.
  @Test func whatIsGivenBackIsReadAgain() throws {
    let scratch = try Scratch()
    let contents = (0..<50_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 / 4096) }
    try DurableFile.write(contents, to: scratch.path + "/f")
    let file = try MappedFile(scratch.path + "/f")
    for range in [0..<50_000, 5000..<20_000, 4096..<8192, 100..<200, 7..<7, 49_990..<50_000] {
      let part = MappedBytes(file, range)
      for advice in [PageAdvice.needed, .unneeded, .unneeded, .needed] {
        part.advise(advice)
        #expect(part.withBytes { Array($0) } == Array(contents[range]), "\(range) \(advice)")
        #expect(file.withBytes { Array($0) } == contents, "\(range) \(advice)")
      }
    }
  }

  @Test func aMappedTensorIsCopiedBeforeItIsChanged() throws {
    let scratch = try Scratch()
    let stored = try weights(.stored, in: scratch)
    var own = try stored["f"].tensor("weight", [2, 3])
    let wasCopied = own.mutate { $0.storeBytes(of: 9, as: Float.self) }
    #expect(wasCopied && own.floats() == [9, 2, 3, 4, 5, 6] && !own.storage.isMapped)
    #expect(try stored["f"].tensor("weight", [2, 3]).floats() == [1, 2, 3, 4, 5, 6])
  }
}
