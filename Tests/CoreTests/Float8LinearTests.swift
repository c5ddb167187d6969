// Linear maps whose products multiply E4M3 codes, inside the gradient graph.
import CPUBackend
import Layers
import LowPrecision
import Tensors
import Testing

@Suite struct Float8LinearTests {
  private static let extents = [[1, 1, 1], [3, 40, 5], [13, 130, 34], [150, 200, 260]]

  @Test(arguments: InstructionSet.available, extents)
  func theThreeProductsAreThoseOfQuantisedMatrices(_ set: InstructionSet, _ e: [Int]) throws {
    let (t, k, n) = (e[0], e[1], e[2])
    let device = Device.cpu(set)
    let inputs = Inputs([.random([t, k], seed: 1), .random([n, k], seed: 2)], on: device)
    let found = Evaluation(inputs) { LinearProduct(.float8)($0) }
    let (x, w) = (QuantizedMatrix(inputs.tensors[0], .rows), QuantizedMatrix(inputs.tensors[1], .blocks))
    let g = Operand.random([t * n], seed: 99).tensor(on: device).reshaped([t, n])
    func tiles(_ tile: TileShape) -> QuantizedMatrix {
      QuantizedMatrix(g, Quantization(tile: tile, magnitudeFloor: 1e-30))
    }
    let y = x.matmul(w.transposed).floats().map(BFloat16Chain.rounded)
    let dx = tiles(.row).matmul(w).floats()
    let dw = tiles(.column).transposed.matmul(x.requantized(.columns)).floats()
    #expect(bits(found.output) == bits(y))
    #expect(bits(try #require(found.gradients[0])) == bits(dx))
    #expect(bits(try #require(found.gradients[1])) == bits(dw))
  }

  /// Neighbouring codes are an eighth apart; where a sum meets the edge between two, definition and kernel may part.
  @Test(arguments: extents)
  func aResultIsItsDefinition(_ e: [Int]) {
    let operands: [Operand] = [.random([e[0], e[1]], seed: 1), .random([e[2], e[1]], seed: 2)]
    let results = [Device.cpu(), .reference()].map { device in
      LinearProduct(.float8, roundsResult: false)(operands.map { $0.tensor(on: device) }).floats()
    }
    #expect(distance(results[0], results[1]) < 1e-4)
    let plain = LinearProduct()(operands.map { $0.tensor(on: .cpu()) }).floats()
    #expect(distance(results[0], plain) < 0x1p-3 * Float(e[1]).squareRoot())
    // A number that is alone in its tile is the largest, and exact.
    #expect(e[1] == 1 || bits(results[0]) != bits(plain))
  }

  @Test func aRowIsTheSameAloneAndAmongOtherExpertsOnAnyNumberOfThreads() {
    let operands: [Operand] =
      [.random([101, 200], seed: 1)] + (2..<8).map { Operand.random([$0 % 2 == 0 ? 60 : 33, 200], seed: UInt64($0)) }
    let grouped = GroupedLinearProduct(offsets: [0, 7, 7, 101], partsPerGroup: 2, .float8)
    let results = [1, 2, 3].map { threads in
      Evaluation(Inputs(operands, on: .cpu(threads: threads))) { grouped($0) }
    }
    for other in results.dropFirst() {
      #expect(bits(other.output) == bits(results[0].output))
      for (a, b) in zip(other.gradients, results[0].gradients) { #expect(a.map(bits) == b.map(bits)) }
    }
    let device = Device.cpu()
    let tensors = operands.map { $0.tensor(on: device) }
    for (row, weights) in [(0, tensors[1...2]), (6, tensors[1...2]), (7, tensors[5...6]), (100, tensors[5...6])] {
      let alone = LinearProduct(.float8)([tensors[0].slice(row..<row + 1, axis: 0)] + weights).floats()
      #expect(bits(alone) == bits(Array(results[0].output[row * 93..<(row + 1) * 93])), "row \(row)")
    }
  }

  /// One byte a number and four for every 128.
  @Test func onlyCodesWaitForTheWayBack() {
    let backend = CPUBackend(threads: 1)
    let device = Device(backend)
    let x = Operand.random([64, 128], seed: 1).tensor(on: device)
    let w = Operand.random([64, 128], seed: 2).tensor(on: device)
    _ = LinearProduct(.float8)(x, w)
    let before = backend.memoryStatistics.bytesInUse
    var after = 0
    _ = valueAndGradients(of: Tracked(tensors: [x, w])) { pair in
      let y = LinearProduct(.float8)(pair.tensors[0] * 2, pair.tensors[1])
      after = backend.memoryStatistics.bytesInUse - before
      return weightedTotal(y)
    }
    #expect(after == 64 * 64 * 4 + 64 * 128 + 256)
  }

  private struct Tracked: Module {
    var tensors: [Tensor]
    mutating func visit(_ visitor: inout some ParameterVisitor) {
      for i in tensors.indices { visitor("\(i)", &tensors[i]) }
    }
  }
}
