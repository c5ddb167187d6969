// Stored forms of numbers against the `gguf` package, bit for bit, and against what llama.cpp loses.
import Foundation
import ReferenceBackend
import Testing

@testable import BlockFormats
@testable import GGUF

@Suite struct GGUFBlockTests {
  @Test func everyFormIsReadAsTheReferenceReadsIt() throws {
    let goldens = try GGUFGoldens.blocks()
    #expect(Set(goldens.keys) == Set(BlockFormat.allCases.map(\.rawValue)).subtracting(["F32"]))
    for (name, golden) in goldens {
      let format = try #require(BlockFormat(rawValue: name))
      let numbers = format.dequantise(Array(golden.blocks))
      let expected = GGUFGoldens.floats(golden.numbers)
      let wrong = zip(numbers, expected).filter { $0.bitPattern != $1.bitPattern }
      #expect(numbers.count == expected.count && numbers.count >= 256)
      #expect(
        wrong.isEmpty, "\(name): \(wrong.count) of \(expected.count) differ, first \(String(describing: wrong.first))")
    }
  }

  @Test func formsAreWrittenAsTheReferenceWritesThem() throws {
    let golden = try GGUFGoldens.numbers()
    let numbers = GGUFGoldens.floats(golden.numbers)
    #expect(golden.blocks.count == 7)
    for (name, expected) in golden.blocks {
      let format = try #require(BlockFormat(rawValue: name))
      let bytes = try format.quantise(numbers)
      let wrong = bytes.indices.filter { bytes[$0] != expected[expected.startIndex + $0] }
      #expect(bytes.count == expected.count)
      #expect(wrong.isEmpty, "\(name): \(wrong.count) bytes differ, first at \(wrong.first ?? -1)")
    }
  }

  @Test func halvesAreThoseOfTheDefinition() {
    let unread = (UInt16.min...UInt16.max).filter { bits in
      let (value, expected) = (HalfBits.float(bits), Float(HalfPrecision.value(of: bits)))
      if value.isNaN || expected.isNaN { return value.isNaN != expected.isNaN }
      return value.bitPattern != expected.bitPattern || HalfBits.float16(value) != bits
    }
    #expect(unread == [])
    var random = SplitMix(state: 3)
    // Exponents around those of float16, and what lies at its edges.
    let near = (0..<100_000).map { _ in
      Float(bitPattern: UInt32(truncatingIfNeeded: random.next()) & 0x8FFF_FFFF | 0x3000_0000)
    }
    let edges: [Float] = [65519.99, 65520, 65536, 0x1p-25, 0x1.8p-25, 0x1p-14, 0x1.FFFp-15, .infinity, -.infinity]
    let unwritten = (near + edges).filter { x in
      HalfBits.float16(x) != HalfPrecision.float16(x) || HalfBits.bfloat16(x) != HalfPrecision.bfloat16(x)
    }
    #expect(unwritten == [])
    #expect(HalfBits.float(HalfBits.float16(.nan)).isNaN)
  }

  /// Root mean square of what quantising 64 blocks loses, for numbers from `SplitMix(state: 7).bell()`, as llama.cpp's
  /// own quantisers (ggml-quants.c, the `_ref` functions) lose it.
  private static let lossOfLlama: [(BlockFormat, Float)] = [
    (.q2_K, 0.16538), (.q3_K, 0.083940), (.q4_K, 0.039655), (.q5_K, 0.020062), (.q6_K, 0.0096538),
  ]

  @Test func superBlocksLoseNoMoreThanThoseOfLlama() throws {
    var random = SplitMix(state: 7)
    let numbers = (0..<64 * 256).map { _ in random.bell() }
    for (format, expected) in Self.lossOfLlama {
      let back = format.dequantise(try format.quantise(numbers))
      let squares = zip(numbers, back).reduce(Double(0)) { $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1) }
      let loss = Float((squares / Double(numbers.count)).squareRoot())
      #expect(loss <= expected, "\(format.rawValue): \(loss) against \(expected)")
      #expect(loss > 0.5 * expected, "\(format.rawValue): \(loss) is too good to be true")
    }
  }

  @Test(arguments: BlockFormat.allCases)
  func whateverIsFiniteComesBackFiniteAndNear(_ format: BlockFormat) throws {
    var random = SplitMix(state: 11)
    let rows: [[Float]] = [
      Array(repeating: 0, count: 256), Array(repeating: -0.0, count: 256), Array(repeating: 0.7, count: 256),
      Array(repeating: -0.7, count: 256), (0..<256).map { $0 % 2 == 0 ? 65504 : -65504 },
      (0..<256).map { $0 == 99 ? 1000 : 0.001 }, (0..<256).map { Float($0) * 64 * .leastNonzeroMagnitude },
      (0..<256).map { _ in .leastNonzeroMagnitude }, (0..<256).map { Float($0 - 255) },
      (0..<256).map { Float($0 + 1) }, (0..<256).map { _ in random.bell() * 1e-7 },
    ]
    for (index, row) in rows.enumerated() {
      let back = format.dequantise(try format.quantise(row))
      let largest = row.map(\.magnitude).max() ?? 0
      // Two bits over both signs leave steps of a third of the range; below float16's steps everything is lost.
      let far = zip(row, back).first { x, y in !(abs(x - y) <= 0.7 * largest + 1e-5) }
      #expect(far == nil, "row \(index)")
      let isFinite = back.allSatisfy(\.isFinite)
      #expect(isFinite, "row \(index)")
    }
  }

  @Test func whatIsNotFiniteIsRefusedByItsPlace() throws {
    for format in BlockFormat.allCases where format.isQuantised {
      for bad in [Float.nan, .infinity, -.infinity, 65505] {
        var numbers = [Float](repeating: 1, count: 512)
        numbers[300] = bad
        let error = #expect(throws: QuantisationError.self) { try format.quantise(numbers) }
        #expect(error?.index == 300)
        #expect(error?.description == "number 300 is \(bad); \(format.rawValue) holds numbers between -65504 and 65504")
      }
    }
    #expect(throws: QuantisationError.self) { try BlockFormat.f16.quantise([1e6]) }
    #expect(try BlockFormat.f16.quantise([.infinity]) == [0x00, 0x7C])
    let wide = try BlockFormat.bf16.quantise([.infinity, -1e38])
    #expect(BlockFormat.bf16.dequantise(wide)[0] == .infinity)
  }

  @Test(arguments: [BlockFormat.q4_K, .q6_K, .q8_0])
  func anyNumberOfCoresGivesTheSameBytes(_ format: BlockFormat) throws {
    var random = SplitMix(state: 5)
    let count = 256 * 64 * 3 + 512
    var numbers = (0..<count).map { _ in random.bell() }
    var bytes = [UInt8](repeating: 0, count: format.byteCount(of: count))
    func inParallel() throws {
      try bytes.withUnsafeMutableBytes { bytes in
        try numbers.withUnsafeBufferPointer { try format.quantiseInParallel($0, into: bytes) }
      }
    }
    try inParallel()
    #expect(try bytes == format.quantise(numbers))
    (numbers[20_000], numbers[40_000]) = (.nan, .nan)
    let error = #expect(throws: QuantisationError.self) { try inParallel() }
    #expect(error?.index == 20_000)
  }

  @Test func sizesAreThoseOfTheFormat() {
    #expect(GGUFTensorType.q4_K.byteCount(ofShape: [3, 512]) == 3 * 2 * 144)
    #expect(GGUFTensorType.q4_K.byteCount(ofShape: [3, 500]) == nil)
    #expect(GGUFTensorType.f32.byteCount(ofShape: []) == 4)
    #expect(GGUFTensorType.f32.byteCount(ofShape: [0, 4]) == nil)
    #expect(GGUFTensorType.f32.byteCount(ofShape: [1 << 40, 1 << 40]) == nil)
    #expect(GGUFTensorType.q4_K.name == "Q4_K" && GGUFTensorType.iq2_XXS.name == "IQ2_XXS")
    for format in BlockFormat.allCases { #expect(format.type.name == format.rawValue) }
  }
}
