// Twelve-bit floats, the format in which DeepSeek-V3 keeps the input of the linear map after attention.
import Tensors

/// A matrix of twelve-bit codes, two in three bytes, with a scale for every 1 × 128 tile.
///
/// E5M6 is the upper twelve bits of an IEEE half: sign, 5 exponent and 6 fraction bits. The layout of its specials is
/// not published; infinity and NaN are those of the half. It is a stored form only: products take eight-bit codes.
public struct E5M6Matrix: Sendable {
  public static let layout = SmallFloat(exponentBits: 5, fractionBits: 6, hasInfinity: true)
  /// uint8 [rows, ⌈columns · 12 / 8⌉]; the first code of a pair fills a byte and the low half of the next.
  public let bytes: Tensor
  /// float32 [rows, ⌈columns / 128⌉].
  public let scales: Tensor
  public let columns: Int
  public var rows: Int { bytes.shape[0] }

  /// The codes nearest to a float32 matrix, ties to even. Scales are powers of two, as published, unless told
  /// otherwise: only then can the numbers be stored again in other tiles, 128 × 1 for the backward pass, unchanged.
  public init(_ x: Tensor, usesPowersOfTwo: Bool = true, magnitudeFloor: Float = 1e-4) {
    precondition(x.dtype == .float32 && x.shape.rank == 2, "E5M6Matrix: \(x.dtype) \(x.shape) is not a float32 matrix")
    let rule = Quantization(tile: .row, usesPowersOfTwo: usesPowersOfTwo, magnitudeFloor: magnitudeFloor)
    let (numbers, width) = (x.floats(), x.shape[1])
    var (bytes, scales): ([UInt8], [Float]) = ([], [])
    for row in 0..<x.shape[0] {
      var codes: [UInt16] = []
      for start in stride(from: 0, to: width, by: TileShape.depth) {
        let tile = numbers[row * width + start..<row * width + min(start + TileShape.depth, width)]
        let magnitude = tile.reduce(Float(0)) { $0.isNaN || $0 > $1.magnitude ? $0 : $1.magnitude }
        let scale = rule.scale(ofMagnitude: magnitude, largest: Self.layout.largest)
        scales.append(scale)
        codes += tile.map { Self.layout.code(of: $0 / scale) }
      }
      bytes += PackedCodes.pack(codes, bits: Self.layout.bitCount)
    }
    let rowBytes = PackedCodes.byteCount(of: width, bits: Self.layout.bitCount)
    self.bytes = bytes.withUnsafeBytes {
      Tensor(bytes: $0, shape: [x.shape[0], rowBytes], dtype: .uint8, on: x.device)
    }
    self.scales = Tensor(
      scales, shape: [x.shape[0], TileShape.row.grid(rows: 1, columns: width).columns], on: x.device)
    columns = width
  }

  /// Codes and scales that exist.
  package init(bytes: Tensor, scales: Tensor, columns: Int) {
    (self.bytes, self.scales, self.columns) = (bytes, scales, columns)
  }

  /// The numbers that the codes stand for, float32 [rows, columns].
  public func dequantized() -> Tensor {
    let (bytes, scales) = (self.bytes.bytes(), self.scales.floats())
    let (rowBytes, grid) = (self.bytes.shape[1], self.scales.shape[1])
    let numbers = (0..<rows).flatMap { row in
      let own = bytes[row * rowBytes..<(row + 1) * rowBytes]
      let codes = PackedCodes.unpack(own, bits: Self.layout.bitCount, count: columns)
      return codes.enumerated().map { Self.layout.value(of: $1) * scales[row * grid + $0 / TileShape.depth] }
    }
    return Tensor(numbers, shape: [rows, columns], on: self.bytes.device)
  }
}
