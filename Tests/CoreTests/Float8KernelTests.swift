// The eight-bit kernels of every instruction set against the definition of the formats, bit for bit.
import CKernels
import LowPrecision
import ReferenceBackend
import Tensors
import Testing

private let formats: [(Float8, ck_float8)] = [(.e4m3, CK_E4M3), (.e5m2, CK_E5M2)]
private let overflows: [(Overflow, ck_overflow)] = [(.toLargest, CK_TO_LARGEST), (.toSpecial, CK_TO_SPECIAL)]
private typealias Codes = GuardedBuffer<UInt8>

@Suite struct Float8KernelTests {
  /// Every half, the recorded patterns and anything at all.
  private func decisive() throws -> [Float] {
    var random = RandomStream(seed: 21)
    return (0...UInt16.max).map { Float(HalfPrecision.value(of: $0)) }
      + (try Float8Goldens.casts()).bits.map { Float(bitPattern: $0) }
      + (0..<20_000).map { _ in Float(bitPattern: UInt32(truncatingIfNeeded: random.next())) }
  }

  @Test func everyFloatHasTheCodeOfItsDefinition() throws {
    let x = try decisive()
    for (set, table) in availableKernels() {
      for (format, c) in formats {
        for (overflow, rule) in overflows {
          let expected = x.map { format.code(of: $0, overflow: overflow) }
          let y = Codes(count: x.count, filledWith: 0xAB)
          table.float8.pointee.encode(c, rule, y.pointer, x, 1, x.count)
          let found = y.values
          let wrong = x.indices.filter { found[$0] != expected[$0] }
          #expect(wrong.isEmpty && y.isIntact, "\(set) \(format) of \(wrong.prefix(3).map { x[$0] })")
        }
      }
    }
  }

  @Test func everyCodeHasTheValueOfItsDefinition() {
    let codes = Array(UInt8.min...UInt8.max)
    for (set, table) in availableKernels() {
      for (format, c) in formats {
        let y = Floats(count: 256)
        table.float8.pointee.decode(c, y.pointer, codes, 1, 256)
        let wrong = zip(codes, zip(y.values, format.values)).filter { _, pair in
          pair.1.isNaN ? !pair.0.isNaN : pair.0.bitPattern != pair.1.bitPattern
        }
        #expect(wrong.isEmpty && y.isIntact, "\(set) \(format) of \(wrong.map(\.0))")
      }
    }
  }

  @Test func everyLengthAndMisalignmentIsCodedAlike() {
    for (set, table) in availableKernels() {
      let kernels = table.float8.pointee
      for length in Array(0...34) + [63, 64, 65, 128] {
        for offset in [0, 1, 5] {
          let x = Floats(numbers(length, seed: 5, scale: 300), offset: offset)
          let scales = Floats(numbers(length, seed: 6).map { 0.1 + abs($0) }, offset: offset + 1)
          let (y, each) = (Codes(count: length, offset: offset + 2, filledWith: 1), Codes(count: length, filledWith: 1))
          kernels.encode(CK_E4M3, CK_TO_LARGEST, y.pointer, x.pointer, 0.3, length)
          kernels.encode_each(CK_E4M3, CK_TO_LARGEST, each.pointer, x.pointer, scales.pointer, length)
          #expect(y.values == x.values.map { Float8.e4m3.code(of: $0 / 0.3) }, "\(set) \(length)")
          let divided = zip(x.values, scales.values).map { Float8.e4m3.code(of: $0 / $1) }
          #expect(each.values == divided, "\(set) \(length)")
          let (back, eachBack) = (Floats(count: length, offset: offset), Floats(count: length, offset: offset))
          kernels.decode(CK_E4M3, back.pointer, y.pointer, 0.3, length)
          kernels.decode_each(CK_E4M3, eachBack.pointer, each.pointer, scales.pointer, length)
          let values = Float8.e4m3.values
          #expect(bits(back.values) == bits(y.values.map { values[Int($0)] * 0.3 }), "\(set) \(length)")
          let scaled = zip(each.values, scales.values).map { values[Int($0)] * $1 }
          #expect(bits(eachBack.values) == bits(scaled), "\(set) \(length)")
          #expect(y.isIntact && each.isIntact && back.isIntact && eachBack.isIntact, "\(set) \(length)")
        }
      }
    }
  }

  @Test func aRowIsCodedInTilesOfItsOwnScales() {
    for (set, table) in availableKernels() {
      for length in [0, 1, 31, 128, 129, 300] {
        for (least, powers) in [(Float(1e-4), Int32(0)), (1e-4, 1), (1e-30, 0), (1e-30, 1)] {
          var x = numbers(length, seed: 5, scale: 300)
          for i in x.indices.prefix(128) { x[i] *= 1e-9 }
          let rule = Quantization(tile: .row, usesPowersOfTwo: powers == 1, magnitudeFloor: least)
          let tiles = stride(from: 0, to: length, by: 128).map { Array(x[$0..<min(length, $0 + 128)]) }
          let expected = tiles.map { rule.scale(ofMagnitude: $0.map(\.magnitude).max() ?? 0) }
          let (y, scales) = (Codes(count: length, filledWith: 1), Floats(count: tiles.count))
          table.float8.pointee.encode_row(CK_E4M3, y.pointer, scales.pointer, x, least, powers, length)
          #expect(bits(scales.values) == bits(expected) && scales.isIntact, "\(set) \(length)")
          let codes = zip(tiles, expected).flatMap { tile, scale in tile.map { Float8.e4m3.code(of: $0 / scale) } }
          #expect(y.values == codes && y.isIntact, "\(set) \(length) with \(least)")
        }
      }
    }
  }

  @Test func twelveBitsAreThoseOfTheirDefinition() throws {
    let layout = E5M6Matrix.layout
    // A first number of the largest magnitude makes the scale of every tile 1.
    let x = try decisive().filter { abs($0) <= 65024 || $0.isNaN }
    let rows = stride(from: 0, to: x.count, by: 126).map {
      [65024] + x[$0..<min(x.count, $0 + 126)].map { $0.isNaN ? 0 : $0 }
    }
    for (set, table) in availableKernels() {
      var wrong: [Float] = []
      for row in rows {
        let (y, scale) = (Codes(count: (row.count * 3 + 1) / 2, filledWith: 1), Floats(count: 1))
        table.float8.pointee.encode_twelve(y.pointer, scale.pointer, row, row.count)
        let back = Floats(count: row.count)
        table.float8.pointee.decode_twelve(back.pointer, y.pointer, scale.pointer, row.count)
        let expected = row.map { layout.value(of: layout.code(of: $0)) }
        wrong += row.indices.filter { bits(back.values)[$0] != expected[$0].bitPattern }.map { row[$0] }
        #expect(scale.values == [1] && y.isIntact && back.isIntact && scale.isIntact, "\(set)")
      }
      #expect(wrong.isEmpty && !rows.isEmpty, "\(set): \(wrong.prefix(3))")
    }
  }

  @Test func theLargestMagnitudeIsFoundAtEveryPlaceAndNaNIsNotPassedOver() {
    for (set, table) in availableKernels() {
      let kernels = table.float8.pointee
      for length in Array(0...34) + [64, 127, 128, 131] {
        var x = numbers(length, seed: 7)
        #expect(kernels.magnitude(x, length) == x.map(\.magnitude).max() ?? 0, "\(set) \(length)")
        let y = Floats([Float](repeating: 0.5, count: length), offset: 1)
        kernels.magnitudes(y.pointer, x, length)
        #expect(y.values == x.map { max(0.5, $0.magnitude) } && y.isIntact, "\(set) \(length)")
        for place in 0..<length {
          let held = x[place]
          x[place] = -9
          #expect(kernels.magnitude(x, length) == 9, "\(set) \(place) of \(length)")
          x[place] = .nan
          #expect(kernels.magnitude(x, length).isNaN, "\(set) \(place) of \(length)")
          x[place] = held
        }
        if length == 0 { continue }
        x[length - 1] = .nan
        kernels.magnitudes(y.pointer, x, length)
        kernels.magnitudes(y.pointer, numbers(length, seed: 8), length)
        #expect(y.values[length - 1].isNaN, "\(set) \(length): a NaN is forgotten")
      }
    }
  }

  @Test(arguments: [(1, 1), (5, 31), (130, 64), (64, 70)])
  func bothLayoutsArePackedIntoTheSamePanels(_ k: Int, _ n: Int) {
    var random = RandomStream(seed: 9)
    let plain = (0..<k * n).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    let turned = (0..<n * k).map { plain[$0 % k * n + $0 / k] }
    let panels = (n + 31) / 32
    let expected = (0..<ck_packed_count(k, n)).map { i in
      let column = i / (32 * k) * 32 + i % 32
      return column < n ? plain[i / 32 % k * n + column] : 0
    }
    for (matrix, stride, isTransposed) in [(plain, n, Int32(0)), (turned, k, 1)] {
      let packed = Codes(count: ck_packed_count(k, n), filledWith: 0xEE)
      for panel in 0..<panels { ck_pack_codes(packed.pointer, matrix, stride, isTransposed, k, n, panel, panel + 1) }
      #expect(packed.values == expected && packed.isIntact, "transposed: \(isTransposed)")
    }
  }
}
