// How linear maps in fp8 round their factors, and what that means in float32 numbers: fine-grained quantisation as
// published (DeepSeek-V3, section 3.3.2). Backends multiply codes; this definition judges them.

/// What a linear map y = x · Wᵀ in fp8 rounds its factors to. All of them are E4M3: x in tiles of 1 × 128, W in blocks of
/// 128 × 128, the gradient g of y in tiles of 1 × 128 for dx = g · W and of 128 × 1 for dW = gᵀ · x, for which the x that
/// was kept is rounded again in tiles of 128 × 1. A tile's scale is its largest magnitude / 448.
public struct Float8Form: Sendable, Hashable {
  /// Whether the scales of x are powers of two, as published for what is sent to experts.
  public var inputHasPowersOfTwo: Bool
  /// Whether the scales of g are, as published for the gradients that are sent to experts.
  public var gradientHasPowersOfTwo: Bool
  /// Whether x waits for the way back in E5M6 with powers of two, as published behind attention, and not as the E4M3
  /// codes that were multiplied.
  public var keepsTwelveBits: Bool
  public init(
    inputHasPowersOfTwo: Bool = false, gradientHasPowersOfTwo: Bool = false, keepsTwelveBits: Bool = false
  ) {
    (self.inputHasPowersOfTwo, self.gradientHasPowersOfTwo) = (inputHasPowersOfTwo, gradientHasPowersOfTwo)
    self.keepsTwelveBits = keepsTwelveBits
  }
  /// A tile of smaller magnitude is scaled as if it had this one, so that zeros have a scale: the published floor.
  public static let floor: Float = 1e-4
  /// The floor of gradients. That of a mean over many tokens is far below 1e-4 / 448, and must not become zero.
  public static let gradientFloor: Float = 1e-30

  /// x · Wᵀ of each weight, side by side. The two gradients round g and x in tiles of their own, so the product is there
  /// twice: once for the gradient of x, and once, as its difference from itself, for those of the weights.
  func definedProduct(_ x: Tensor, _ weights: [Tensor]) -> Tensor {
    let scales = (x: inputHasPowersOfTwo, g: gradientHasPowersOfTwo)
    let factor = x.passing { $0.tiled(1, 128, usesPowersOfTwo: scales.x) }
    let kept =
      keepsTwelveBits ? x.detached().tiled(1, 128, .e5m6, usesPowersOfTwo: true) : factor.detached()
    let columns = kept.tiled(128, 1)
    let products = weights.map { weight in
      let blocks = weight.passing { $0.tiled(128, 128) }
      let forward = factor.matmul(blocks.detached().transposed).changingGradient {
        $0.tiled(1, 128, usesPowersOfTwo: scales.g, floor: Self.gradientFloor)
      }
      let again = columns.matmul(blocks.transposed).changingGradient {
        $0.tiled(128, 1, usesPowersOfTwo: scales.g, floor: Self.gradientFloor)
      }
      return forward + (again - again.detached())
    }
    return Tensor.concatenated(products, axis: 1)
  }
}

/// A format of a few bits as the numbers that it has.
private struct TileFormat: Sendable {
  let fractionBits: Int
  let leastExponent: Int
  let largest: Float
  static let e4m3 = TileFormat(fractionBits: 3, leastExponent: -6, largest: 448)
  static let e5m6 = TileFormat(fractionBits: 6, leastExponent: -14, largest: 65024)

  /// The nearest number, ties to even.
  func nearest(_ x: Float) -> Float {
    if !x.isFinite { return x.isNaN ? x : x.sign == .minus ? -largest : largest }
    let exponent = x == 0 ? leastExponent : max(Int(x.exponent), leastExponent)
    let step = Float(sign: .plus, exponent: exponent - fractionBits, significand: 1)
    return max(-largest, min(largest, (x / step).rounded(.toNearestOrEven) * step))
  }
  func scale(_ magnitude: Float, usesPowersOfTwo: Bool) -> Float {
    let scale = magnitude / largest
    guard usesPowersOfTwo, scale.isFinite else { return scale }
    let power = Float(sign: .plus, exponent: Int(scale.exponent), significand: 1)
    return power < scale ? 2 * power : power
  }
}

extension Tensor {
  /// The numbers nearest to a matrix in tiles that share a scale.
  fileprivate func tiled(
    _ tileRows: Int, _ tileColumns: Int, _ format: TileFormat = .e4m3, usesPowersOfTwo: Bool = false,
    floor: Float = Float8Form.floor
  ) -> Tensor {
    let (rows, columns) = (shape[0], shape[1])
    var numbers = detached().floats()
    for top in Swift.stride(from: 0, to: rows, by: tileRows) {
      for left in Swift.stride(from: 0, to: columns, by: tileColumns) {
        let places = (top..<min(rows, top + tileRows)).flatMap { row in
          (left..<min(columns, left + tileColumns)).map { row * columns + $0 }
        }
        let largest = places.reduce(floor) { $0.isNaN || $0 > numbers[$1].magnitude ? $0 : numbers[$1].magnitude }
        let scale = format.scale(largest, usesPowersOfTwo: usesPowersOfTwo)
        for place in places { numbers[place] = format.nearest(numbers[place] / scale) * scale }
      }
    }
    return Tensor(numbers, shape: shape, on: device)
  }
  /// `change` of the numbers; the gradient passes as if nothing had been changed.
  fileprivate func passing(_ change: (Tensor) -> Tensor) -> Tensor {
    let changed = change(detached())
    return origin == nil
      ? changed : changed.from(Origin(.native("straight-through", Pullback { [$0] }), inputs: [self]))
  }
  /// The same numbers; `change` of the gradient that comes back.
  fileprivate func changingGradient(_ change: @escaping @Sendable (Tensor) -> Tensor) -> Tensor {
    origin == nil
      ? self : detached().from(Origin(.native("rounded-gradient", Pullback { [change($0)] }), inputs: [self]))
  }
}
