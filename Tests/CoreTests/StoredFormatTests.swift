// E5M6 and LogFMT: round trips, the errors they may make, and what was published about them.
import LowPrecision
import ReferenceBackend
import Tensors
import Testing

/// Numbers like a layer's: normal, with every 50th channel far larger.
private func activations(_ rows: Int, _ columns: Int, seed: UInt64) -> Tensor {
  var random = RandomStream(seed: seed)
  let values = (0..<rows * columns).map { i in random.normal() * (i % columns % 50 == 49 ? 20 : 1) }
  return Tensor(values, shape: [rows, columns], on: .cpu())
}
/// The root of the mean square of relative errors.
private func relativeError(_ found: Tensor, _ exact: Tensor) -> Double {
  let errors = zip(found.floats(), exact.floats()).map { Double(($0 - $1) / $1) }
  return (errors.reduce(0) { $0 + $1 * $1 } / Double(errors.count)).squareRoot()
}

@Suite struct E5M6Tests {
  @Test func everyNumberOfTheFormatIsStoredAsItIs() {
    let layout = E5M6Matrix.layout
    let finite = (0..<UInt16(4096)).map { layout.value(of: $0) }.filter(\.isFinite)
    // The largest number stands in every tile, so that every scale is 2^-3.
    let values = finite.flatMap { [layout.largest / 8, $0 / 8, -$0 / 8] }
    for columns in [3, 128, 129] {
      let rows = values.count / columns / 3 * 3
      let x = Tensor(Array(values.prefix(rows * columns)), shape: [rows, columns], on: .cpu())
      let stored = E5M6Matrix(x)
      #expect(stored.bytes.shape == [rows, (columns * 12 + 7) / 8])
      #expect(stored.rows == rows && stored.columns == columns)
      guard columns == 3 else { continue }
      #expect(stored.scales.floats().allSatisfy { $0 == 0.125 })
      #expect(bits(stored.dequantized().floats()) == bits(x.floats()))
    }
  }

  @Test(arguments: [1, 127, 128, 131, 300])
  func anElementIsWrongByNoMoreThanHalfAStep(_ columns: Int) {
    let x = activations(6, columns, seed: 1)
    let stored = E5M6Matrix(x)
    let (found, exact, scales) = (stored.dequantized().floats(), x.floats(), stored.scales.floats())
    #expect(scales.allSatisfy { $0.significand == 1 }, "scales are powers of two")
    for i in exact.indices {
      let scale = scales[i / columns * stored.scales.shape[1] + i % columns / 128]
      #expect(abs(found[i] - exact[i]) <= max(exact[i].magnitude * 0x1p-7, scale * 0x1p-21), "element \(i)")
    }
  }

  @Test func otherTilesOfPowersOfTwoRoundNothingAgain() {
    let first = E5M6Matrix(activations(256, 130, seed: 2)).dequantized()
    let turned = E5M6Matrix(first.transposed).dequantized().transposed
    #expect(bits(turned.floats()) == bits(first.floats()), "1 × 128 to 128 × 1 is exact")
    let free = E5M6Matrix(first.transposed, usesPowersOfTwo: false).dequantized().transposed
    #expect(distance(free.floats(), first.floats()) > 1e-3, "with other scales it is not")
  }

  @Test func itErrsEightTimesLessThanE4M3() {
    let x = activations(32, 256, seed: 3)
    let (twelve, eight) = (E5M6Matrix(x).dequantized(), QuantizedMatrix(x, .rows).dequantized())
    let ratio = relativeError(eight, x) / relativeError(twelve, x)
    #expect(ratio > 6 && ratio < 10, "\(ratio)")
  }

  @Test func whatIsNotANumberShows() {
    var values = [Float](repeating: 1, count: 256)
    values[3] = .nan
    let found = E5M6Matrix(Tensor(values, shape: [1, 256], on: .cpu())).dequantized().floats()
    #expect(found[..<128].allSatisfy { $0.isNaN } && found[128...].allSatisfy { $0 == 1 })
  }
}

@Suite struct LogFMTTests {
  /// The magnitudes that the codes of one tile stand for, zero first.
  private func levels(_ matrix: LogFMTMatrix, tile: Int) -> [Double] {
    let (minimum, step) = (Double(matrix.minima.floats()[tile]), Double(matrix.steps.floats()[tile]))
    return [0] + (0..<(1 << (matrix.bits - 1)) - 1).map { exponential(minimum + step * Double($0)) }
  }
  private func exponential(_ x: Double) -> Double {
    Double(Tensor([Float(x)], shape: [1], on: .reference()).exp().scalar())
  }

  @Test(arguments: [3, 4, 6, 8, 10, 12])
  func everyNumberBecomesTheNearestLevel(_ bits: Int) {
    let x = activations(2, 200, seed: 4)
    let matrix = LogFMTMatrix(x, bits: bits)
    let (found, exact) = (matrix.dequantized().floats(), x.floats())
    for tile in 0..<4 {
      let levels = levels(matrix, tile: tile)
      let columns = tile % 2 == 0 ? 0..<128 : 128..<200
      for i in columns.map({ tile / 2 * 200 + $0 }) {
        let magnitude = Double(exact[i].magnitude)
        let least = levels.map { abs($0 - magnitude) }.min()!
        #expect(abs(Double(found[i].magnitude) - magnitude) <= least + 1e-6 * magnitude, "element \(i)")
        #expect(found[i] == 0 || found[i].sign == exact[i].sign)
      }
    }
    #expect(matrix.bytes.shape == [2, (200 * bits + 7) / 8])
  }

  @Test(arguments: [4, 8, 10])
  func theExtremesOfATileAreLevelsAndBetweenThemTheErrorIsBounded(_ bits: Int) {
    let x = activations(4, 128, seed: 5)
    let matrix = LogFMTMatrix(x, bits: bits)
    let (found, exact, steps) = (matrix.dequantized().floats(), x.floats(), matrix.steps.floats())
    for row in 0..<4 {
      let own = Array(exact[row * 128..<(row + 1) * 128])
      let order = own.indices.sorted { own[$0].magnitude < own[$1].magnitude }
      for i in [order[0], order[127]] {
        #expect(abs(found[row * 128 + i] - own[i]) <= 2e-6 * own[i].magnitude, "an extreme of row \(row)")
      }
      // Half way between levels a and a · exp(step), relative to the number there: tanh(step / 2).
      let bound = Tensor([steps[row] / 2], shape: [1], on: .reference()).tanh().scalar() + 2e-6
      for i in own.indices {
        #expect(abs(found[row * 128 + i] - own[i]) <= bound * own[i].magnitude, "element \(i) of row \(row)")
      }
    }
  }

  @Test func eightBitsErrLessThanEitherEightBitFloat() {
    let x = activations(64, 256, seed: 6)
    let eight = relativeError(LogFMTMatrix(x, bits: 8).dequantized(), x)
    for format in Float8.allCases {
      let error = relativeError(QuantizedMatrix(x, Quantization(tile: .row, format: format)).dequantized(), x)
      #expect(eight < 0.75 * error, "LogFMT \(eight), \(format) \(error)")
    }
  }

  @Test func tenBitsComeCloseToBfloat16() {
    let x = activations(64, 256, seed: 7)
    let ten = relativeError(LogFMTMatrix(x, bits: 10).dequantized(), x)
    let brain = relativeError(x.cast(to: .bfloat16).cast(to: .float32), x)
    #expect(ten < 4 * brain, "LogFMT \(ten), bfloat16 \(brain)")
    #expect(relativeError(LogFMTMatrix(x, bits: 12).dequantized(), x) < brain)
  }

  @Test func roundingOnTheScaleOfNumbersIsNotBiased() {
    // Evenly spread numbers, so that what lies between two levels has no side of its own.
    let x = Tensor(numbers(256 * 128, seed: 8), shape: [256, 128], on: .cpu())
    let matrix = LogFMTMatrix(x, bits: 6)
    let (found, exact) = (matrix.dequantized().floats(), x.floats())
    // The same levels, rounded on the scale of logarithms.
    let byLogarithm = exact.indices.map { i -> Double in
      let (minimum, step) = (matrix.minima.floats()[i / 128], matrix.steps.floats()[i / 128])
      let logarithm = Tensor([exact[i].magnitude], shape: [1], on: .reference()).log().scalar()
      return exponential(Double(minimum + step * ((logarithm - minimum) / step).rounded()))
    }
    let total = exact.reduce(0) { $0 + Double($1.magnitude) }
    let bias = abs(found.reduce(0) { $0 + Double($1.magnitude) } / total - 1)
    let otherBias = byLogarithm.reduce(0, +) / total - 1
    #expect(otherBias > 2e-3 && bias < otherBias / 3, "\(bias) and \(otherBias)")
  }

  @Test func zerosConstantsAndAVastRangeAreHandled() {
    var values = [Float](repeating: 0, count: 128 * 4)
    for i in 0..<128 { values[128 + i] = i % 2 == 0 ? 2.5 : -2.5 }
    (values[256], values[257], values[258], values[259]) = (1, 0x1p-31, 1e-12, -0.5)
    values[384] = .infinity
    for bits in [3, 8, 10, 16] {
      let found = LogFMTMatrix(Tensor(values, shape: [4, 128], on: .cpu()), bits: bits).dequantized().floats()
      #expect(found[..<128].allSatisfy { $0 == 0 })
      #expect(distance(Array(found[128..<256]), Array(values[128..<256])) < 1e-6)
      #expect(abs(found[256] - 1) < 1e-5 && found[258] == 0 && found[260] == 0, "\(bits) bits")
      #expect(found[384...].allSatisfy { $0.isNaN }, "\(bits) bits")
      if bits >= 8 { #expect(found[257] > 0x1p-32 && found[257] < 0x1p-30 && found[259] < 0) }
    }
  }
}
