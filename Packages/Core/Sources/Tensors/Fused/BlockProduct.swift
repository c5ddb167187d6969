// x · Wᵀ for weights in quantised blocks: what it means, to the bit. The weights are not made float32; both factors are
// whole numbers with scales, so that sums inside a part are exact and every processor gives the same bits.
import BlockFormats

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A row of activations as the product reads it: signed eight-bit codes with a scale for every 32 neighbours.
///
/// The scale is the largest magnitude of the 32, divided by 127, and a code is the number times the scale's inverse, to
/// the nearest even whole number. Where the largest magnitude is below `least`, all are zero. Where a number is not
/// finite, the scale is NaN and the codes are zero: what the block touches is NaN.
struct BlockRow {
  static let length = 32
  /// 2^-100: far below what matters, and far enough above zero for inverse and products to be normal.
  static let least: Float = 0x1p-100
  private(set) var codes: [Int8] = []
  private(set) var scales: [Float] = []

  init(_ x: ArraySlice<Float>) {
    codes.reserveCapacity(x.count)
    for start in stride(from: x.startIndex, to: x.endIndex, by: Self.length) {
      let block = x[start..<start + Self.length]
      if block.contains(where: { !$0.isFinite }) {
        scales.append(.nan)
        codes += repeatElement(0, count: Self.length)
        continue
      }
      let largest = block.reduce(0) { max($0, $1.magnitude) }
      let scale = largest < Self.least ? 0 : largest / 127
      let inverse = scale == 0 ? 0 : 1 / scale
      scales.append(scale)
      for number in block { codes.append(Int8((number * inverse).rounded(.toNearestOrEven))) }
    }
  }
}

/// One row of a quantised weight, taken apart.
private struct BlockWeightRow {
  let format: BlockFormat
  var codes: [Int8]
  var scales: [Float]
  var minima: [Float]

  init(_ format: BlockFormat, _ bytes: UnsafeRawPointer, width: Int) {
    self.format = format
    let parts = width / format.partLength
    (codes, scales, minima) = (.init(repeating: 0, count: width), .init(repeating: 0, count: parts), [])
    minima = scales
    codes.withUnsafeMutableBufferPointer { codes in
      scales.withUnsafeMutableBufferPointer { scales in
        minima.withUnsafeMutableBufferPointer { minima in
          guard let c = codes.baseAddress, let s = scales.baseAddress, let m = minima.baseAddress else { return }
          for block in 0..<width / format.blockLength {
            let (number, part) = (block * format.blockLength, block * format.blockLength / format.partLength)
            format.split(bytes + block * format.blockBytes, codes: c + number, scales: s + part, minima: m + part)
          }
        }
      }
    }
  }

  /// One chain from zero over the parts in order of k. A part adds its whole sum Σ code·code times the product of the
  /// scales (rounded to float32), and then, where the form has minima, −Σ code of x times the product of x's scale and
  /// the minimum: two fused multiply-adds.
  func product(_ x: BlockRow) -> Float {
    let length = format.partLength
    var sum: Float = 0
    for part in scales.indices {
      var (dot, less): (Int32, Int32) = (0, 0)
      for i in part * length..<(part + 1) * length {
        dot += Int32(codes[i]) * Int32(x.codes[i])
        less -= Int32(x.codes[i])
      }
      let scale = x.scales[part * length / BlockRow.length]
      sum = fmaf(Float(dot), scale * scales[part], sum)
      if format.hasMinimum { sum = fmaf(Float(less), scale * minima[part], sum) }
    }
    return sum
  }
}

extension Tensor {
  /// x [T, K] times the transpose of rows `rows` of a quantised weight [N, K]; [T, rows].
  func blockProduct(_ weight: Tensor, rows: Range<Int>) -> Tensor {
    guard let format = weight.dtype.blocks else { preconditionFailure("linear: \(weight.dtype) has no blocks") }
    let (count, k) = (shape[0], weight.shape[1])
    precondition(
      dtype == .float32 && shape.rank == 2 && shape[1] == k && rows.upperBound <= weight.shape[0],
      "linear: \(dtype) \(shape) does not fit the transpose of \(weight.dtype) \(weight.shape)")
    let (x, bytes) = (floats(), weight.bytes())
    let codes = (0..<count).map { BlockRow(x[$0 * k..<($0 + 1) * k]) }
    var out = [Float](repeating: 0, count: count * rows.count)
    bytes.withUnsafeBytes { bytes in
      guard let base = bytes.baseAddress else { return }
      for (column, row) in rows.enumerated() {
        let own = BlockWeightRow(format, base + row * format.byteCount(of: k), width: k)
        for (r, x) in codes.enumerated() { out[r * rows.count + column] = own.product(x) }
      }
    }
    return Tensor(out, shape: [count, rows.count], on: device)
  }

  /// x · Wᵀ in float32 for a weight of any stored form: quantised blocks as above, shorter floats as the float32
  /// numbers that they are or stand for.
  func storedProduct(_ weight: Tensor) -> Tensor {
    weight.dtype.blocks != nil
      ? blockProduct(weight, rows: 0..<weight.shape[0]) : matmul(weight.cast(to: .float32).transposed)
  }
}
