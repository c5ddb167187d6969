// Numbers on a logarithmic grid: a format that the authors of DeepSeek-V3 explored for what experts send back.
import Tensors

/// A matrix of n-bit codes whose levels lie evenly between the logarithms of the smallest and the largest magnitude of
/// each 1 × 128 tile (LogFMT-nBit, "Insights into DeepSeek-V3", 2025).
///
/// Code 0 is zero; K ≥ 1 with a sign is ± exp(minimum + step · (K − 1)), step = (maximum − minimum) / (2ⁿ⁻¹ − 2).
/// A number becomes the nearest level on the scale of numbers, not of logarithms, which would favour the upper one.
public struct LogFMTMatrix: Sendable {
  /// Sign included; 3 to 16.
  public let bits: Int
  /// uint8 [rows, ⌈columns · bits / 8⌉]: codes with the sign as the highest bit, packed from the low bits upward.
  public let bytes: Tensor
  /// The logarithm of the smallest level and the distance between two, float32 [rows, ⌈columns / 128⌉].
  public let minima: Tensor
  public let steps: Tensor
  public let columns: Int
  public var rows: Int { bytes.shape[0] }

  /// The levels nearest to a float32 matrix. The smallest level is at least 2⁻³² of the largest. An infinity or a NaN
  /// makes its whole tile NaN.
  public init(_ x: Tensor, bits: Int) {
    precondition((3...16).contains(bits), "LogFMTMatrix: \(bits) bits; 3 to 16 are needed")
    precondition(
      x.dtype == .float32 && x.shape.rank == 2, "LogFMTMatrix: \(x.dtype) \(x.shape) is not a float32 matrix")
    let (numbers, width) = (x.floats(), x.shape[1])
    var (bytes, minima, steps): ([UInt8], [Float], [Float]) = ([], [], [])
    for row in 0..<x.shape[0] {
      var codes: [UInt16] = []
      for start in stride(from: 0, to: width, by: TileShape.depth) {
        let tile = numbers[row * width + start..<row * width + min(start + TileShape.depth, width)]
        let levels = LogarithmicLevels(of: tile, bits: bits)
        codes += tile.map { levels.code(of: $0) }
        minima.append(levels.minimum)
        steps.append(levels.step)
      }
      bytes += PackedCodes.pack(codes, bits: bits)
    }
    let shape = Shape([x.shape[0], TileShape.row.grid(rows: 1, columns: width).columns])
    self.bytes = bytes.withUnsafeBytes {
      let rowBytes = PackedCodes.byteCount(of: width, bits: bits)
      return Tensor(bytes: $0, shape: [x.shape[0], rowBytes], dtype: .uint8, on: x.device)
    }
    self.minima = Tensor(minima, shape: shape, on: x.device)
    self.steps = Tensor(steps, shape: shape, on: x.device)
    (self.bits, columns) = (bits, width)
  }

  /// The numbers that the codes stand for, float32 [rows, columns].
  public func dequantized() -> Tensor {
    let (bytes, minima, steps) = (self.bytes.bytes(), self.minima.floats(), self.steps.floats())
    let (rowBytes, grid) = (self.bytes.shape[1], self.minima.shape[1])
    let numbers = (0..<rows).flatMap { row in
      let codes = PackedCodes.unpack(bytes[row * rowBytes..<(row + 1) * rowBytes], bits: bits, count: columns)
      return codes.enumerated().map { column, code in
        let tile = row * grid + column / TileShape.depth
        return LogarithmicLevels(minimum: minima[tile], step: steps[tile], bits: bits).value(of: code)
      }
    }
    return Tensor(numbers, shape: [rows, columns], on: self.bytes.device)
  }
}
