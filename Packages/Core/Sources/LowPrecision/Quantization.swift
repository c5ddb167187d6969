// How a matrix becomes codes with scales: the tiles that share a scale, the format, and the rule for the scale.

/// The extents of the tiles that share one scale. The tiles at the lower and right edges may be partial.
public struct TileShape: Sendable, Hashable, CustomStringConvertible {
  public let rows: Int
  public let columns: Int
  public init(rows: Int, columns: Int) {
    precondition(rows > 0 && columns > 0, "TileShape: \(rows) × \(columns) has no elements")
    (self.rows, self.columns) = (rows, columns)
  }
  /// The extent of a tile along the axis that a product sums over: after so many steps the sum so far is scaled and
  /// promoted to float32.
  public static let depth = 128
  /// 1 × 128: one token's activations, or gradients of activations.
  public static let row = TileShape(rows: 1, columns: depth)
  /// 128 × 1: one channel of 128 tokens, as the products of weight gradients sum over tokens.
  public static let column = TileShape(rows: depth, columns: 1)
  /// 128 × 128: weights.
  public static let block = TileShape(rows: depth, columns: depth)

  public var transposed: TileShape { TileShape(rows: columns, columns: rows) }
  public var description: String { "\(rows) × \(columns)" }
  /// How many tiles cover a matrix, down and across.
  public func grid(rows: Int, columns: Int) -> (rows: Int, columns: Int) {
    ((rows + self.rows - 1) / self.rows, (columns + self.columns - 1) / self.columns)
  }
}

/// What quantising does: per tile, scale = largest magnitude / largest number of the format, and each element becomes
/// the code nearest to element / scale. Scales are made from the numbers at hand, not from those of earlier steps.
public struct Quantization: Sendable, Hashable {
  public var tile: TileShape
  public var format: Float8
  /// Whether scales are rounded up to powers of two, which one byte can hold and which divide without rounding.
  public var usesPowersOfTwo: Bool
  /// A tile of smaller magnitude is scaled as if it had this one, so that zeros have a scale. The published kernels use
  /// 1e-4. Gradients of a mean over many tokens may be smaller than that times the least number of the format: give
  /// them a smaller floor.
  public var magnitudeFloor: Float

  public init(
    tile: TileShape, format: Float8 = .e4m3, usesPowersOfTwo: Bool = false, magnitudeFloor: Float = 1e-4
  ) {
    precondition(
      magnitudeFloor >= 1e-30 && magnitudeFloor.isFinite,
      "Quantization: the magnitude floor \(magnitudeFloor) is not between 1e-30 and the largest float")
    (self.tile, self.format) = (tile, format)
    (self.usesPowersOfTwo, self.magnitudeFloor) = (usesPowersOfTwo, magnitudeFloor)
  }
  /// The published recipe for activations and their gradients.
  public static let rows = Quantization(tile: .row)
  /// The published recipe for what a weight gradient is made of.
  public static let columns = Quantization(tile: .column)
  /// The published recipe for weights.
  public static let blocks = Quantization(tile: .block)

  /// The scale of a tile from its largest magnitude. A NaN or an infinity stays one, and spoils its tile: what is
  /// wrong with a number shows in the result.
  public func scale(ofMagnitude magnitude: Float) -> Float { scale(ofMagnitude: magnitude, largest: format.largest) }
  func scale(ofMagnitude magnitude: Float, largest: Float) -> Float {
    let floored = magnitude < magnitudeFloor ? magnitudeFloor : magnitude  // false for NaN
    return usesPowersOfTwo ? E8M0.ceiling(floored / largest) : floored / largest
  }
}
