// Products of quantised matrices: against torch, against the definition bit for bit, and row by row.
import CPUBackend
import LowPrecision
import Tensors
import Testing

@Suite struct ScaledProductTests {
  private func random(_ rows: Int, _ columns: Int, _ seed: UInt64, on device: Device) -> Tensor {
    Tensor(Float8Goldens.numbers(rows, columns, seed: seed), shape: [rows, columns], on: device)
  }

  @Test(arguments: [false, true])
  func theThreeProductsOfALinearMapAreThoseOfTorch(_ usesPowersOfTwo: Bool) throws {
    let golden = try Float8Goldens.matrices(usesPowersOfTwo: usesPowersOfTwo)
    for device in everyDevice() {
      let matrix = { (matrix: Float8Goldens.Matrix, tile: TileShape) in
        QuantizedMatrix(matrix.tensor(on: device), Quantization(tile: tile, usesPowersOfTwo: usesPowersOfTwo))
      }
      let w = matrix(golden.w, .block)
      let products: [(Float8Goldens.Product, Tensor)] = [
        (golden.y, matrix(golden.x, .row).matmul(w.transposed)), (golden.dx, matrix(golden.g, .row).matmul(w)),
        (golden.dw, matrix(golden.manyG, .column).transposed.matmul(matrix(golden.manyX, .column))),
      ]
      for (i, (recorded, product)) in products.enumerated() {
        let found = product.floats()
        #expect(differences(bits(found), recorded.ordered) == [], "product \(i) on \(device.backend.name)")
        let largest = recorded.exact.map(\.magnitude).max() ?? 0
        let error = zip(found, recorded.exact).map { abs(Double($0) - $1) }.max() ?? .infinity
        #expect(error <= 1e-6 * largest, "product \(i) on \(device.backend.name) differs from float64 by \(error)")
      }
    }
  }

  /// Rows, inner extent and columns: partial tiles, several panels, more rows, panels and steps than are worked on at a
  /// time.
  private static let extents = [
    (1, 128, 32), (1, 1, 1), (2, 300, 70), (5, 129, 300), (7, 257, 33), (14, 40, 140), (171, 130, 40), (3, 500, 600),
    (4, 1157, 100), (13, 1300, 47), (2, 0, 3), (0, 5, 3), (3, 5, 0),
  ]

  @Test(arguments: extents)
  func kernelsMultiplyAsTheDefinition(_ m: Int, _ k: Int, _ n: Int) {
    let make = { (device: Device, format: Float8) -> [Tensor] in
      let recipe = { (tile: TileShape) in Quantization(tile: tile, format: format) }
      let a = QuantizedMatrix(self.random(m, k, 1, on: device), recipe(.row))
      let weight = QuantizedMatrix(self.random(n, k, 2, on: device), .blocks)
      let turned = QuantizedMatrix(self.random(k, n, 3, on: device), .columns)
      let left = QuantizedMatrix(self.random(k, m, 4, on: device), recipe(.column))
      let blocks = QuantizedMatrix(self.random(m, k, 5, on: device), recipe(.block))
      return [
        a.matmul(weight.transposed), a.matmul(turned), left.transposed.matmul(turned),
        blocks.matmul(weight.transposed),
      ]
    }
    for format in Float8.allCases {
      let slow = make(.reference(), format).map { $0.floats() }
      for set in InstructionSet.available {
        let fast = make(.cpu(set, threads: 3), format).map { $0.floats() }
        for i in slow.indices {
          #expect(differences(bits(fast[i]), bits(slow[i])) == [], "\(format) product \(i) on \(set)")
        }
      }
    }
  }

  @Test(arguments: InstructionSet.available)
  func aRowIsTheSameAlone(_ set: InstructionSet) {
    let device = Device.cpu(set, threads: 3)
    let x = random(200, 300, 1, on: device)
    let weight = QuantizedMatrix(random(700, 300, 2, on: device), .blocks).transposed
    let whole = QuantizedMatrix(x, .rows).matmul(weight).floats()
    for rows in [0..<1, 7..<8, 167..<168, 168..<170, 199..<200, 3..<9, 1..<190] {
      let part = QuantizedMatrix(x.slice(rows, axis: 0), .rows).matmul(weight).floats()
      #expect(
        differences(bits(part), bits(Array(whole[rows.lowerBound * 700..<rows.upperBound * 700]))) == [], "rows \(rows)"
      )
    }
  }

  @Test func productsDoNotDependOnTheNumberOfThreads() {
    let results = [1, 2, 3].map { threads -> [UInt32] in
      let device = Device.cpu(threads: threads)
      let weight = QuantizedMatrix(weight: random(1200, 520, 2, on: device))
      return bits(QuantizedMatrix(random(350, 520, 1, on: device), .rows).matmul(weight.transposed).floats())
    }
    #expect(results[0] == results[1] && results[0] == results[2])
  }

  @Test func anOutlierSpoilsItsTileAndNoOther() {
    // Around a number 2^20 times larger, one scale for the whole row leaves nothing of the rest.
    let device = Device.cpu()
    var values = numbers(4 * 512, seed: 1, scale: 1)
    for row in 0..<4 { values[row * 512 + 300] = 0x1p20 }
    let x = Tensor(values, shape: [4, 512], on: device)
    let tiles = QuantizedMatrix(x, .rows).dequantized().floats()
    let row = QuantizedMatrix(x, Quantization(tile: TileShape(rows: 1, columns: 512))).dequantized().floats()
    let error = { (found: [Float]) in distance(Array(found[0..<256]), Array(values[0..<256])) }
    #expect(error(tiles) < 0.04)
    #expect(error(row) > 0.9)
  }

  @Test func theResultIsCloseToTheProductOfFloats() {
    let device = Device.cpu()
    let x = Tensor(numbers(64 * 1024, seed: 1), shape: [64, 1024], on: device)
    let w = Tensor(numbers(96 * 1024, seed: 2), shape: [96, 1024], on: device)
    let exact = LinearProduct()(x, w).floats()
    let found = QuantizedMatrix(x, .rows).matmul(QuantizedMatrix(w, .blocks).transposed).floats()
    let squares = { (values: [Float]) in values.reduce(Double(0)) { $0 + Double($1) * Double($1) } }
    // Each factor errs by some 2.5 % of its size, independently: some 3.7 % of the result's.
    let error = (squares(zip(found, exact).map { $0 - $1 }) / squares(exact)).squareRoot()
    #expect(error > 0.02 && error < 0.05, "relative error \(error)")
  }

  @Test func aNaNInARowStaysInThatRow() {
    for device in everyDevice() {
      var x = numbers(3 * 200, seed: 1)
      x[200 + 150] = .nan
      let weight = QuantizedMatrix(random(40, 200, 2, on: device), .blocks)
      let y = QuantizedMatrix(Tensor(x, shape: [3, 200], on: device), .rows).matmul(weight.transposed).floats()
      #expect(y.indices.allSatisfy { y[$0].isNaN == (40..<80).contains($0) }, "\(device.backend.name)")
    }
  }

  @Test func tilesThatAreNotAlongTheInnerAxisTrap() async {
    await #expect(processExitsWith: .failure) {
      let x = Tensor(repeating: 1, shape: [128, 128], on: .cpu())
      _ = QuantizedMatrix(x, .columns).matmul(QuantizedMatrix(x, .blocks))
    }
    await #expect(processExitsWith: .failure) {
      let x = Tensor(repeating: 1, shape: [3, 128], on: .cpu())
      _ = QuantizedMatrix(x, .rows).matmul(QuantizedMatrix(x, .rows))
    }
  }
}
