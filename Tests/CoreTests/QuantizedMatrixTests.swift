// Matrices of codes and scales: against torch, natively against the definition, and the errors they may make.
import CPUBackend
import LowPrecision
import Tensors
import Testing

/// The reference backend, where definitions run, and the kernels of every instruction set.
func everyDevice() -> [Device] { [.reference()] + InstructionSet.available.map { Device.cpu($0) } }

@Suite struct QuantizedMatrixTests {
  private static let tiles = [TileShape.row, .column, .block, TileShape(rows: 3, columns: 40)]

  @Test(arguments: [false, true])
  func codesAndScalesAreThoseOfTorch(_ usesPowersOfTwo: Bool) throws {
    let golden = try Float8Goldens.matrices(usesPowersOfTwo: usesPowersOfTwo)
    let cases: [(Float8Goldens.Matrix, TileShape)] = [
      (golden.x, .row), (golden.w, .block), (golden.g, .row), (golden.manyX, .column), (golden.manyG, .column),
    ]
    for (matrix, tile) in cases {
      for device in everyDevice() {
        let recipe = Quantization(tile: tile, usesPowersOfTwo: usesPowersOfTwo)
        let found = QuantizedMatrix(matrix.tensor(on: device), recipe)
        #expect(differences(found.codes.bytes(), [UInt8](matrix.codes)) == [], "\(tile) on \(device.backend.name)")
        #expect(differences(bits(found.scales.floats()), matrix.scales) == [], "\(tile) on \(device.backend.name)")
        if usesPowersOfTwo { #expect(found.scales.floats().allSatisfy { E8M0.value(of: E8M0.code(of: $0)) == $0 }) }
      }
    }
  }

  @Test(arguments: tiles, Float8.allCases)
  func kernelsQuantiseAndDequantiseAsTheDefinition(_ tile: TileShape, _ format: Float8) {
    for (rows, columns) in [(1, 1), (1, 128), (3, 129), (128, 256), (129, 31), (131, 530), (0, 5), (4, 0)] {
      let x = Float8Goldens.numbers(rows, max(columns, 1), seed: 9).prefix(rows * columns)
      for usesPowersOfTwo in [false, true] {
        let recipe = Quantization(tile: tile, format: format, usesPowersOfTwo: usesPowersOfTwo)
        let slow = QuantizedMatrix(Tensor(Array(x), shape: [rows, columns], on: .reference()), recipe)
        for set in InstructionSet.available {
          let fast = QuantizedMatrix(Tensor(Array(x), shape: [rows, columns], on: .cpu(set)), recipe)
          let name = "\(rows) × \(columns) in \(tile) on \(set)"
          #expect(differences(fast.codes.bytes(), slow.codes.bytes()) == [], "\(name)")
          #expect(differences(bits(fast.scales.floats()), bits(slow.scales.floats())) == [], "\(name)")
          #expect(differences(bits(fast.dequantized().floats()), bits(slow.dequantized().floats())) == [], "\(name)")
        }
      }
    }
  }

  @Test(arguments: tiles, [false, true])
  func anElementIsWrongByNoMoreThanHalfAStepOfItsTile(_ tile: TileShape, _ usesPowersOfTwo: Bool) {
    let x = Tensor(Float8Goldens.numbers(140, 300, seed: 12), shape: [140, 300], on: .cpu())
    let matrix = QuantizedMatrix(x, Quantization(tile: tile, usesPowersOfTwo: usesPowersOfTwo))
    let (exact, found, scales) = (x.floats(), matrix.dequantized().floats(), matrix.scales.floats())
    for i in exact.indices {
      let scale = scales[i / 300 / tile.rows * matrix.scales.shape[1] + i % 300 / tile.columns]
      // Three fraction bits: half a step is 2^-4 of a normal number, and 2^-10 scales among the subnormal ones.
      let bound = max(exact[i].magnitude * 0x1p-4, scale * 0x1p-10) * (1 + 1e-6)
      #expect(abs(exact[i] - found[i]) <= bound, "element \(i): \(exact[i]) became \(found[i])")
    }
  }

  @Test func theLargestElementOfATileNeverOverflows() {
    // Magnitudes across the whole range of float32, at which the division by the scale rounds up or down.
    var random = RandomStream(seed: 3)
    let x = (0..<4096).map { i in
      Float(sign: .plus, exponent: i % 200 - 90, significand: 1 + random.uniform()) * (i % 2 == 0 ? 1 : -1)
    }
    for usesPowersOfTwo in [false, true] {
      var recipe = Quantization(
        tile: TileShape(rows: 1, columns: 1), usesPowersOfTwo: usesPowersOfTwo, magnitudeFloor: 1e-30)
      for format in Float8.allCases {
        recipe.format = format
        for x in x {
          let scaled = x / recipe.scale(ofMagnitude: x.magnitude)
          #expect(format.code(of: scaled, overflow: .toSpecial) == format.code(of: scaled, overflow: .toLargest))
          #expect(scaled.magnitude > format.largest * (usesPowersOfTwo ? 0.49 : 0.99), "the range of \(x) is not used")
        }
      }
    }
  }

  @Test func zerosStayZeroAndWhatIsNotANumberShows() {
    for device in everyDevice() {
      var x = [Float](repeating: 0, count: 3 * 300)
      (x[5], x[300 + 130], x[299]) = (.nan, -.infinity, 7)
      for tile in [TileShape.row, .column] {
        let found = QuantizedMatrix(Tensor(x, shape: [3, 300], on: device), Quantization(tile: tile)).dequantized()
          .floats()
        let spoilt = found.indices.filter { !found[$0].isFinite }
        let expected = x.indices.filter {
          tile == .row
            ? $0 < 128 || (428..<556).contains($0)  // the tiles that the NaN and the infinity are in
            : $0 % 300 == 5 || $0 % 300 == 130
        }
        #expect(spoilt == expected, "\(tile)")
        #expect(abs(found[299] - 7) < 1e-5 && found[600] == 0, "\(tile)")
      }
    }
  }

  @Test func smallGradientsNeedASmallFloor() {
    let x = Tensor(numbers(256, seed: 4, scale: 1e-10), shape: [2, 128], on: .cpu())
    let published = QuantizedMatrix(x, .rows).dequantized().floats()
    #expect(published.allSatisfy { $0 == 0 }, "the published floor leaves nothing of gradients of 1e-10")
    let gentle = QuantizedMatrix(x, Quantization(tile: .row, magnitudeFloor: 1e-20)).dequantized()
    #expect(distance(gentle.floats().map { $0 * 1e10 }, x.floats().map { $0 * 1e10 }) < 0.04)
  }

  @Test func transposingIsTheSameNumbersElsewhere() {
    for device in everyDevice() {
      let x = Tensor(Float8Goldens.numbers(140, 200, seed: 5), shape: [140, 200], on: device)
      let matrix = QuantizedMatrix(x, .rows)
      let turned = matrix.transposed
      #expect(turned.rows == 200 && turned.columns == 140 && turned.tile == .column)
      #expect(differences(bits(turned.dequantized().floats()), bits(matrix.dequantized().transposed.floats())) == [])
      // Rows of the transpose are columns of the matrix.
      let other = QuantizedMatrix(x.transposed, .columns)
      #expect(differences(bits(other.dequantized().floats()), bits(turned.dequantized().floats())) == [])
    }
  }

  @Test func aStoredActivationIsRoundedAgainForItsWeightGradient() {
    let x = Tensor(Float8Goldens.numbers(300, 140, seed: 6), shape: [300, 140], on: .cpu())
    let stored = QuantizedMatrix(x, .rows)
    let columns = stored.requantized(.columns)
    #expect(columns.tile == .column && columns.rows == 300)
    let direct = QuantizedMatrix(stored.dequantized(), .columns)
    #expect(differences(columns.codes.bytes(), direct.codes.bytes()) == [])
    #expect(differences(bits(columns.scales.floats()), bits(direct.scales.floats())) == [])
    let turned = stored.transposed.requantized(.rows)
    #expect(turned.tile == .row && turned.rows == 140)
    #expect(differences(bits(turned.dequantized().floats()), bits(columns.dequantized().transposed.floats())) == [])
    // With powers of two, the second rounding only changes numbers that the new tile makes subnormal.
    let powers = Quantization(tile: .row, usesPowersOfTwo: true)
    let first = QuantizedMatrix(x, powers)
    var second = powers
    second.tile = .column
    let (before, after) = (first.dequantized().floats(), first.requantized(second).dequantized().floats())
    let scales = first.requantized(second).scales.floats()
    let changed = before.indices.filter { before[$0] != after[$0] }
    #expect(changed.allSatisfy { before[$0].magnitude < scales[$0 / 140 / 128 * 140 + $0 % 140] * 0x1p-6 })
    #expect(changed.count < before.count / 10, "\(changed.count) of \(before.count)")
  }

  @Test func aWeightIsQuantisedOnceForItsContents() {
    var weight = Tensor(Float8Goldens.numbers(130, 70, seed: 7), shape: [130, 70], on: .cpu())
    let (first, again) = (QuantizedMatrix(weight: weight), QuantizedMatrix(weight: weight))
    #expect(first.codes.storage === again.codes.storage && first.scales.storage === again.scales.storage)
    #expect(differences(first.codes.bytes(), QuantizedMatrix(weight, .blocks).codes.bytes()) == [])
    let powers = QuantizedMatrix(weight: weight, Quantization(tile: .block, usesPowersOfTwo: true))
    #expect(powers.codes.storage !== first.codes.storage)
    weight.mutate { $0.storeBytes(of: 1000, as: Float.self) }
    let changed = QuantizedMatrix(weight: weight)
    #expect(changed.codes.storage !== first.codes.storage && changed.scales.floats()[0] == 1000 / 448)
  }

  @Test func codesOfACheckpointWithScalesThatDoNotFitTrap() async {
    await #expect(processExitsWith: .failure) {
      let codes = Tensor(shape: [576, 128], dtype: .uint8, device: .reference(), storage: .host(byteCount: 576 * 128))
      _ = QuantizedMatrix(codes: codes, scales: Tensor(repeating: 1, shape: [4, 1], on: .reference()), tile: .block)
    }
  }

  @Test func codesOfACheckpointAreMultipliedByTheirScales() {
    // 576 rows, as a compressed key-value projection has: the fifth row of scales covers 64 of them.
    let codes = [UInt8](repeating: 0x38, count: 576 * 130)  // 1
    let scales = (0..<10).map { Float($0) + 1 }
    for device in everyDevice() {
      let matrix = QuantizedMatrix(
        codes: codes.withUnsafeBytes { Tensor(bytes: $0, shape: [576, 130], dtype: .uint8, on: device) },
        scales: Tensor(scales, shape: [5, 2], on: device), tile: .block)
      let found = matrix.dequantized().floats()
      #expect(found[0] == 1 && found[129] == 2 && found[575 * 130] == 9 && found[575 * 130 + 129] == 10)
    }
  }
}
