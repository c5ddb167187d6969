// A matrix of eight-bit codes with a scale for every tile, as a value.
import Tensors

/// Codes and the scales that turn them back into numbers: element (i, j) is value(code) · scale of its tile.
/// Transposing is free: it changes how the same bytes are read.
public struct QuantizedMatrix: Sendable {
  /// uint8, one code per element, in stored order.
  public let codes: Tensor
  /// float32, one per tile, in stored order. To be multiplied, also where a checkpoint calls it the inverse scale.
  public let scales: Tensor
  public let format: Float8
  /// Whether rows of this matrix are columns of what is stored.
  public let isTransposed: Bool
  package let storedTile: TileShape

  /// Codes and scales that exist, of a checkpoint for instance.
  public init(codes: Tensor, scales: Tensor, tile: TileShape, format: Float8 = .e4m3) {
    self.init(codes: codes, scales: scales, storedTile: tile, format: format, isTransposed: false)
  }
  init(codes: Tensor, scales: Tensor, storedTile: TileShape, format: Float8, isTransposed: Bool) {
    precondition(
      codes.dtype == .uint8 && codes.shape.rank == 2 && scales.dtype == .float32,
      "QuantizedMatrix: codes are a uint8 matrix and scales are float32, not \(codes.dtype) and \(scales.dtype)")
    let grid = storedTile.grid(rows: codes.shape[0], columns: codes.shape[1])
    precondition(
      scales.shape == [grid.rows, grid.columns],
      "QuantizedMatrix: \(codes.shape) in tiles of \(storedTile) has scales [\(grid.rows), \(grid.columns)], "
        + "not \(scales.shape)")
    (self.codes, self.scales, self.format) = (codes.detached(), scales.detached(), format)
    (self.storedTile, self.isTransposed) = (storedTile, isTransposed)
  }
  /// The codes nearest to a float32 matrix. Natively where the matrix lives, and by the definition elsewhere.
  public init(_ x: Tensor, _ quantization: Quantization) {
    precondition(
      x.dtype == .float32 && x.shape.rank == 2, "QuantizedMatrix: \(x.dtype) \(x.shape) is not a float32 matrix")
    if let native = x.device.backend as? any LowPrecisionBackend {
      self = native.quantize(x.detached(), quantization)
    } else {
      self.init(defining: x.detached(), quantization)
    }
  }
  /// The codes of a weight, made once for its contents and shared by all who ask again. The products of floats that
  /// read the weight are not affected.
  public init(weight: Tensor, _ quantization: Quantization = .blocks) {
    let (shape, tile) = (weight.shape, quantization.tile)
    precondition(shape.rank == 2, "QuantizedMatrix: a weight of \(shape) is not a matrix")
    let key =
      shape.extents + [
        tile.rows, tile.columns, quantization.format == .e4m3 ? 0 : 1, quantization.usesPowersOfTwo ? 1 : 0,
        Int(quantization.magnitudeFloor.bitPattern),
      ]
    var made: QuantizedMatrix?
    let codes = weight.storage.derived(DerivedLayout("float8-codes", key)) {
      let matrix = QuantizedMatrix(weight, quantization)
      made = matrix
      return matrix.codes.storage
    }
    let scales = weight.storage.derived(DerivedLayout("float8-scales", key)) {
      (made ?? QuantizedMatrix(weight, quantization)).scales.storage
    }
    let grid = tile.grid(rows: shape[0], columns: shape[1])
    self.init(
      codes: Tensor(shape: shape, dtype: .uint8, device: weight.device, storage: codes),
      scales: Tensor(shape: [grid.rows, grid.columns], device: weight.device, storage: scales), tile: tile,
      format: quantization.format)
  }

  public var rows: Int { codes.shape[isTransposed ? 1 : 0] }
  public var columns: Int { codes.shape[isTransposed ? 0 : 1] }
  public var tile: TileShape { isTransposed ? storedTile.transposed : storedTile }
  public var device: Device { codes.device }
  /// Rows and columns exchanged, without moving a byte.
  public var transposed: QuantizedMatrix {
    QuantizedMatrix(
      codes: codes, scales: scales, storedTile: storedTile, format: format, isTransposed: !isTransposed)
  }

  /// The numbers that the codes stand for, float32 [rows, columns].
  public func dequantized() -> Tensor {
    let native = device.backend as? any LowPrecisionBackend
    let stored = native.map { $0.dequantize(codes, scales, tile: storedTile, format: format) } ?? definedNumbers()
    return isTransposed ? stored.transposed : stored
  }
  /// The same matrix in other tiles. Codes are rounded again: a stored activation in rows becomes columns this way for
  /// the product of a weight gradient.
  public func requantized(_ quantization: Quantization) -> QuantizedMatrix {
    if isTransposed {
      var turned = quantization
      turned.tile = quantization.tile.transposed
      return transposed.requantized(turned).transposed
    }
    return QuantizedMatrix(dequantized(), quantization)
  }

  /// This matrix times another, float32. Products of codes are added up in float32 over 128 steps of the inner axis,
  /// then scaled by both scales and added to the result, in order:
  /// sum = fma(part, scale · other scale, sum). A row of the result depends on that row and `other` alone.
  ///
  /// The three products of a linear map y = x · Wᵀ are, with x and g in `.row` tiles and W in `.block` tiles,
  /// y = x · Wᵀ and dx = g · W; with x and g in `.column` tiles dW = gᵀ · x.
  public func matmul(_ other: QuantizedMatrix) -> Tensor {
    precondition(
      columns == other.rows, "matmul: [\(rows), \(columns)] times [\(other.rows), \(other.columns)] does not fit")
    precondition(
      tile.columns == TileShape.depth && other.tile.rows == TileShape.depth,
      "matmul: tiles of \(tile) and \(other.tile) do not have \(TileShape.depth) steps of the inner axis")
    if let native = device.backend as? any LowPrecisionBackend { return native.multiply(self, other) }
    return definedProduct(other)
  }
}

/// A backend with kernels for quantised matrices. Its results equal the definitions bit for bit, but for which NaN.
public protocol LowPrecisionBackend: Backend {
  /// The codes of a float32 matrix without history.
  func quantize(_ x: Tensor, _ quantization: Quantization) -> QuantizedMatrix
  /// The numbers of codes in stored order.
  func dequantize(_ codes: Tensor, _ scales: Tensor, tile: TileShape, format: Float8) -> Tensor
  /// The product of two matrices that fit each other.
  func multiply(_ a: QuantizedMatrix, _ b: QuantizedMatrix) -> Tensor
}
