// Weights that are stored in eight bits, as DeepSeek-V3 is published: read as the product of code and scale.
import Foundation
import Layers
import LowPrecision
import ReferenceBackend
import Tensors
import Testing

@testable import Checkpoints

private final class Scratch {
  let path = FileManager.default.temporaryDirectory.path + "/float8-\(UUID().uuidString)"
  init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }
  deinit { try? FileManager.default.removeItem(atPath: path) }
}

private func bytes(_ values: [Float]) -> [UInt8] { values.withUnsafeBytes { Array($0) } }

@Suite struct Float8CheckpointTests {
  /// 300 × 200: both extents end in a partial block, as the rotary rows of V3's kv_a_proj_with_mqa do.
  private let rows = 300
  private let columns = 200
  /// Every code but the two NaN.
  private var codes: [UInt8] {
    (0..<rows * columns).map { i in
      let code = UInt8(truncatingIfNeeded: i &* 37 &+ i / 251)
      return code & 0x7F == 0x7F ? 0x38 : code
    }
  }
  private let scales: [Float] = [0.5, 3, 0.001, 7, 1.25, 1e-4]  // 3 × 2 blocks

  private func weights(_ tensors: [TensorToStore], in scratch: Scratch, shardBytes: Int? = nil) throws -> Weights {
    try SafetensorsWriter().write(tensors, in: scratch.path, shardBytes: shardBytes)
    return Weights(CheckpointWeights(try CheckpointFiles(scratch.path), on: Device(ReferenceBackend())))
  }
  private func expected(_ format: Float8, _ scales: [Float]) -> [Float] {
    codes.enumerated().map { i, code in
      format.layout.value(of: UInt16(code)) * scales[i / columns / 128 * 2 + i % columns / 128]
    }
  }

  @Test(arguments: [nil, 1000]) func everyElementIsItsCodeTimesTheScaleOfItsBlock(shardBytes: Int?) throws {
    let scratch = try Scratch()
    // The scales lie in another shard than the codes.
    let weights = try weights(
      [
        TensorToStore("a.weight", .f8e4m3, [rows, columns], codes),
        TensorToStore("b.weight", .f32, [2], bytes([1, 2])),
        TensorToStore("a.weight_scale_inv", .f32, [3, 2], bytes(scales)),
      ], in: scratch, shardBytes: shardBytes)
    let found = try weights["a"].tensor("weight", [rows, columns])
    #expect(found.dtype == .float32 && found.floats() == expected(.e4m3, scales))
    #expect(try weights["b"].tensor("weight", [2]).floats() == [1, 2])
  }

  @Test func scalesMayBeEightBitPowersOfTwo() throws {
    let scratch = try Scratch()
    let weights = try weights(
      [
        TensorToStore("a.weight", .f8e4m3, [rows, columns], codes),
        TensorToStore("a.weight_scale_inv", .f8e8m0, [3, 2], [127, 128, 120, 126, 130, 117]),
      ], in: scratch)
    let powers: [Float] = [1, 2, 0x1p-7, 0.5, 8, 0x1p-10]
    #expect(try weights["a"].tensor("weight", [rows, columns]).floats() == expected(.e4m3, powers))
  }

  @Test func scalesThatAreMissingOrDoNotFitAreASentence() throws {
    let code = TensorToStore("a.weight", .f8e4m3, [rows, columns], codes)
    let few = TensorToStore("a.weight_scale_inv", .f32, [2, 2], bytes([1, 2, 3, 4]))
    let flat = TensorToStore("a.weight", .f8e4m3, [4], [0, 1, 2, 3])
    let flatScale = TensorToStore("a.weight_scale_inv", .f32, [1], bytes([1]))
    let cases: [([TensorToStore], Shape, String)] = [
      ([code], [rows, columns], "'a.weight_scale_inv'"), ([code, few], [rows, columns], "[2, 2]"),
      ([flat, flatScale], [4], "matrix"), ([code, few], [rows, columns + 1], "[300, 200]"),
    ]
    for (tensors, shape, says) in cases {
      let scratch = try Scratch()
      let weights = try weights(tensors, in: scratch)
      let error = #expect(throws: CheckpointError.self) { try weights["a"].tensor("weight", shape) }
      #expect(error?.description.contains(says) == true, "\(error?.description ?? "")")
    }
  }
}
