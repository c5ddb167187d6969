// Linear maps in fp8 inside the gradient graph: their definition, products of quantised matrices, rows, and memory.
import CPUBackend
import Layers
import LowPrecision
import Tensors
import Testing

@Suite struct Float8LinearTests {
  private static let published = Float8Form()
  private static let behindAttention = Float8Form(keepsTwelveBits: true)
  private static let powers = Float8Form(inputHasPowersOfTwo: true, gradientHasPowersOfTwo: true)

  static let cases: [FusedCase] = {
    func random(_ shapes: Shape...) -> [Operand] {
      shapes.enumerated().map { .random($0.element, seed: UInt64($0.offset) + 31) }
    }
    func linear(_ form: Float8Form) -> LinearProduct { LinearProduct(.float8, roundsResult: false, form: form) }
    let two = GroupedLinearProduct(
      offsets: [0, 0, 3, 10], partsPerGroup: 2, .float8, roundsResult: false, form: powers)
    return [
      FusedCase("one number", linear(published), random([1, 1], [1, 1])),
      FusedCase("one row", linear(published), random([1, 40], [70, 40])),
      FusedCase("parts", linear(powers), random([7, 25], [5, 25], [33, 25], [1, 25])),
      FusedCase("several tiles", linear(published), random([140, 300], [135, 300])),
      FusedCase("twelve bits", linear(behindAttention), random([130, 260], [40, 260])),
      FusedCase("groups", two, random([10, 20], [6, 20], [9, 20], [6, 20], [9, 20], [6, 20], [9, 20])),
    ]
  }()

  /// The definition rounds numbers, the backend makes codes of them: every factor is the same, so sums differ by their
  /// order alone.
  @Test(arguments: cases) func sumsAndGradientsAreTheDefinitions(_ row: FusedCase) throws {
    let slow = Evaluation(Inputs(row.operands, on: .reference())) { row.operation($0) }
    for set in InstructionSet.available {
      let fast = Evaluation(Inputs(row.operands, on: .cpu(set))) { row.operation($0) }
      #expect(fast.shape == slow.shape && !fast.output.isEmpty)
      #expect(distance(fast.output, slow.output) <= 1e-4, "output on \(set)")
      for (i, (f, s)) in zip(fast.gradients, slow.gradients).enumerated() {
        let error = distance(try #require(f), try #require(s))
        #expect(error <= 1e-4, "gradient of input \(i) on \(set) differs by \(error)")
      }
    }
  }

  /// Against the products that quantised matrices are defined by, bit for bit.
  @Test(arguments: InstructionSet.available) func theThreeProductsAreThoseOfQuantisedMatrices(_ set: InstructionSet)
    throws
  {
    let (t, k, n) = (150, 200, 140)
    let inputs = Inputs([.random([t, k], seed: 1), .random([n, k], seed: 2)], on: .cpu(set))
    let found = Evaluation(inputs) { LinearProduct(.float8, roundsResult: false)($0) }
    let g = Operand.random([t * n], seed: 99).tensor(on: .cpu(set)).reshaped([t, n])
    let (x, w) = (QuantizedMatrix(inputs.tensors[0], .rows), QuantizedMatrix(inputs.tensors[1], .blocks))
    let floor = Float8Form.gradientFloor
    let rows = QuantizedMatrix(g, Quantization(tile: .row, magnitudeFloor: floor))
    let columns = QuantizedMatrix(g, Quantization(tile: .column, magnitudeFloor: floor))
    #expect(bits(found.output) == bits(x.matmul(w.transposed).floats()))
    #expect(bits(try #require(found.gradients[0])) == bits(rows.matmul(w).floats()))
    #expect(
      bits(try #require(found.gradients[1]))
        == bits(columns.transposed.matmul(x.requantized(.columns)).floats()))
  }

  /// The published floor of 1e-4 would make them zero.
  @Test func smallGradientsArrive() throws {
    let device = Device.cpu()
    let pair = Factors(
      x: Operand.random([6, 130], seed: 1).tensor(on: device),
      w: Operand.random([140, 130], seed: 2).tensor(on: device))
    let found = valueAndGradients(of: pair) { weightedTotal(LinearProduct(.float8)($0.x, $0.w)) * 1e-12 }
    let whole = valueAndGradients(of: pair) { weightedTotal(LinearProduct(.float8)($0.x, $0.w)) }
    for (name, g) in found.gradients.byName {
      let expected = try #require(whole.gradients.byName[name]).floats().map { $0 * 1e-12 }
      #expect(distance(g.floats().map { $0 * 1e12 }, expected.map { $0 * 1e12 }) < 0.05, "\(name)")
    }
    #expect(found.gradients.byName.count == 2)
  }

  @Test(arguments: InstructionSet.available) func aRowIsTheSameAloneAndAmongOtherExperts(_ set: InstructionSet) {
    let (k, n, device) = (300, 45, Device.cpu(set))
    let x = Operand.random([101, k], seed: 1).tensor(on: device)
    let weights = [Operand.random([n, k], seed: 2), .random([8, k], seed: 3)].map { $0.tensor(on: device) }
    let whole = LinearProduct(.float8)([x] + weights).floats()
    for (start, count) in [(0, 1), (17, 1), (100, 1), (3, 2), (8, 13), (21, 80)] {
      let part = LinearProduct(.float8)([x.slice(start..<start + count, axis: 0)] + weights).floats()
      #expect(bits(part) == bits(Array(whole[start * (n + 8)..<(start + count) * (n + 8)])), "\(start) and \(count)")
    }
    let grouped = GroupedLinearProduct(offsets: [0, 7, 7, 101], partsPerGroup: 2, .float8)
    #expect(bits(grouped([x] + [weights, weights, weights].joined()).floats()) == bits(whole))
    #expect(whole.allSatisfy { $0.bitPattern & 0xFFFF == 0 }, "results have the numbers of bfloat16")
  }

  @Test func outputsAndGradientsDoNotDependOnTheNumberOfThreads() {
    let operation = GroupedLinearProduct(offsets: [0, 190, 400], partsPerGroup: 2, .float8)
    let operands = [Operand.random([400, 64], seed: 1)] + (2..<6).map { .random([150, 64], seed: $0) }
    let results = [1, 2, 3].map { threads in
      Evaluation(Inputs(operands, on: .cpu(threads: threads))) { operation($0) }
    }
    for other in results.dropFirst() {
      #expect(bits(other.output) == bits(results[0].output))
      for (a, b) in zip(other.gradients, results[0].gradients) { #expect(a.map(bits) == b.map(bits)) }
    }
  }

  /// A byte for each number and four for each tile; twelve bits behind attention, shared with it.
  @Test func theInputWaitsInOneByteOrInTwelveBits() {
    let (rows, k) = (64, 256)
    func kept(_ form: Float8Form) -> Int {
      let backend = CPUBackend(threads: 1)
      let device = Device(backend)
      let pair = Factors(
        x: Operand.random([rows, k], seed: 1).tensor(on: device),
        w: Operand.random([64, k], seed: 2).tensor(on: device))
      _ = LinearProduct(.float8)(pair.x, pair.w)  // the weight's codes
      let before = backend.memoryStatistics.bytesInUse
      var after = 0
      _ = valueAndGradients(of: pair) { pair in
        let y = LinearProduct(.float8, form: form)(pair.x * 2, pair.w)
        after = backend.memoryStatistics.bytesInUse - before - rows * 64 * 4
        return weightedTotal(y)
      }
      return after
    }
    let scales = rows * (k / 128) * 4
    #expect(kept(Self.published) == rows * k + scales)
    #expect(kept(Self.behindAttention) == rows * k * 3 / 2 + scales)
  }

  /// Through the attention that keeps its result so: what arrives is what `E5M6Matrix` stores.
  @Test(arguments: [1, 7, 128, 301], InstructionSet.available)
  func twelveBitsAreThoseOfTheCodec(_ width: Int, _ set: InstructionSet) throws {
    let device = Device.cpu(set)
    var numbers = Operand.random([9, width], seed: 4).tensor(on: device).floats()
    for i in numbers.indices where i % 3 == 0 { numbers[i] *= Float(sign: .plus, exponent: -(i % 41), significand: 1) }
    numbers[0] = 0
    let x = Tensor(numbers, shape: [9, width], on: device)
    // With W = 1 × 1 codes nothing else is rounded: dW = gᵀ · requantised x.
    let pair = Factors(x: x, w: Tensor(repeating: 1, shape: [1, width], on: device))
    let found = valueAndGradients(of: pair) {
      LinearProduct(.float8, form: Self.behindAttention)($0.x, $0.w).total()
    }
    let stored = QuantizedMatrix(E5M6Matrix(x).dequantized(), .columns)
    let ones = QuantizedMatrix(
      Tensor(repeating: 1, shape: [9, 1], on: device),
      Quantization(tile: .column, magnitudeFloor: Float8Form.gradientFloor))
    #expect(bits(try #require(found.gradients.byName["w"]).floats()) == bits(ones.transposed.matmul(stored).floats()))
  }

  private struct Factors: Module {
    var x: Tensor
    var w: Tensor
    mutating func visit(_ visitor: inout some ParameterVisitor) {
      visitor("x", &x)
      visitor("w", &w)
    }
  }
}
