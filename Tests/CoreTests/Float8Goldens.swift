// What torch and ml_dtypes recorded about eight-bit floats; see Goldens/fp8/generate.py.
import Foundation
import LowPrecision
import Tensors

/// The recorded casts and matrices, and the inputs they were made from.
enum Float8Goldens {
  /// Codes of float32 patterns.
  struct Casts: Decodable {
    let bits: [UInt32]
    let e4m3: Data
    let e5m2: Data
    /// E4M3 with NaN for what overflows.
    let special: Data
    let e8m0: Data
  }
  struct Matrix: Decodable {
    let shape: [Int]
    let seed: UInt64
    let scales: [UInt32]
    let codes: Data
    var input: [Float] { Float8Goldens.numbers(shape[0], shape[1], seed: seed) }
    func tensor(on device: Device) -> Tensor { Tensor(input, shape: Shape(shape), on: device) }
  }
  struct Product: Decodable {
    /// Patterns of the sums in the order of the kernels.
    let ordered: [UInt32]
    /// The sums in float64.
    let exact: [Double]
  }
  /// The matrices of a linear map's three products, and the products.
  struct Matrices: Decodable {
    let x: Matrix
    let w: Matrix
    let g: Matrix
    let manyX: Matrix
    let manyG: Matrix
    let y: Product
    let dx: Product
    let dw: Product
  }

  static func casts() throws -> Casts { try JSONDecoder().decode(Casts.self, from: data("casts.json")) }
  static func matrices(usesPowersOfTwo: Bool) throws -> Matrices {
    let all = try JSONDecoder().decode([String: Matrices].self, from: data("matrices.json"))
    guard let own = all[usesPowersOfTwo ? "powersOfTwo" : "published"] else { throw CocoaError(.coderValueNotFound) }
    return own
  }
  /// The code of every half, in the order of the halves' patterns.
  static func codesOfHalves(_ format: Float8) throws -> [UInt8] {
    [UInt8](try data("\(format.rawValue)-of-float16.bin"))
  }
  private static func data(_ name: String) throws -> Data {
    let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    return try Data(contentsOf: tests.appendingPathComponent("Goldens/fp8/\(name)"))
  }

  /// Numbers of several magnitudes, every 97th column 64 times larger: integers and exact steps, as the script makes.
  static func numbers(_ rows: Int, _ columns: Int, seed: UInt64) -> [Float] {
    (0..<rows * columns).map { i in
      var h = UInt32(truncatingIfNeeded: UInt64(i) &* 2_654_435_761 &+ seed &* 2_246_822_519)
      h ^= h >> 15
      h = h &* 2_246_822_519
      h ^= h >> 13
      let fraction = (Float(h >> 8) - 0x1p23) / 0x1p23
      let number = fraction * Float(sign: .plus, exponent: Int(h & 7) - 4, significand: 1)
      return i % columns % 97 == 0 ? 64 * number : number
    }
  }
}

extension Float8 {
  /// The overflow that torch casts this format with.
  var torchOverflow: Overflow {
    switch self {
    case .e4m3: .toLargest
    case .e5m2: .toSpecial
    }
  }
  func recorded(_ casts: Float8Goldens.Casts) -> [UInt8] {
    switch self {
    case .e4m3: [UInt8](casts.e4m3)
    case .e5m2: [UInt8](casts.e5m2)
    }
  }
}

/// The first places at which two arrays differ; -1 stands for another length. Says so quickly for large arrays too.
func differences<Element: Equatable>(_ a: [Element], _ b: [Element]) -> [Int] {
  a.count == b.count ? Array(a.indices.lazy.filter { a[$0] != b[$0] }.prefix(5)) : [-1]
}
