// Formats of a few bits by their definition: against torch, and against the laws that define rounding.
import LowPrecision
import ReferenceBackend
import Tensors
import Testing

@Suite struct SmallFloatTests {
  private static let layouts = [Float8.e4m3.layout, Float8.e5m2.layout, E5M6Matrix.layout]

  @Test(arguments: Float8.allCases)
  func everyHalfHasTheCodeOfTorch(_ format: Float8) throws {
    let recorded = try Float8Goldens.codesOfHalves(format)
    try #require(recorded.count == 65_536)
    let wrong = (0...UInt16.max).filter { pattern in
      let x = Float(HalfPrecision.value(of: pattern))
      let code = format.code(of: x, overflow: format.torchOverflow)
      // Which NaN a half becomes on its way through float32 is not the format's business, apart from the sign.
      return x.isNaN ? code & 0x7F != recorded[Int(pattern)] & 0x7F : code != recorded[Int(pattern)]
    }
    #expect(wrong == [], "\(wrong.count) halves")
  }

  @Test(arguments: Float8.allCases)
  func decisiveFloatsHaveTheCodesOfTorch(_ format: Float8) throws {
    let casts = try Float8Goldens.casts()
    let recorded = format.recorded(casts)
    try #require(casts.bits.count > 2000 && recorded.count == casts.bits.count)
    let wrong = casts.bits.indices.filter {
      format.code(of: Float(bitPattern: casts.bits[$0]), overflow: format.torchOverflow) != recorded[$0]
    }
    #expect(wrong.map { Float(bitPattern: casts.bits[$0]) } == [])
  }

  @Test func whatOverflowsE4M3IsNaNWhereAskedFor() throws {
    let casts = try Float8Goldens.casts()
    let special = [UInt8](casts.special)
    let wrong = casts.bits.indices.filter {
      Float8.e4m3.code(of: Float(bitPattern: casts.bits[$0]), overflow: .toSpecial) != special[$0]
    }
    #expect(wrong.map { Float(bitPattern: casts.bits[$0]) } == [])
    #expect(Float8.e4m3.code(of: 464, overflow: .toSpecial) == 0x7E, "the tie with 480 goes to the even 448")
    #expect(Float8.e4m3.code(of: Float(464).nextUp, overflow: .toSpecial) == 0x7F)
    #expect(Float8.e4m3.code(of: -.infinity, overflow: .toSpecial) == 0xFF)
    #expect(Float8.e5m2.code(of: .infinity, overflow: .toLargest) == 0x7B)
  }

  @Test func powersOfTwoHaveTheCodesOfTorch() throws {
    let casts = try Float8Goldens.casts()
    let recorded = [UInt8](casts.e8m0)
    let wrong = casts.bits.indices.filter { E8M0.code(of: Float(bitPattern: casts.bits[$0])) != recorded[$0] }
    #expect(wrong.map { Float(bitPattern: casts.bits[$0]) } == [])
    #expect((UInt8(0)...254).allSatisfy { E8M0.code(of: E8M0.value(of: $0)) == $0 })
    #expect(E8M0.value(of: 0) == 0x1p-127 && E8M0.value(of: 254) == 0x1p127 && E8M0.value(of: 255).isNaN)
    for x: Float in [1, 1.5, Float(2).nextUp, Float(2).nextDown, 0x1p-127, 0x1.8p-130, 1e-4 / 448] {
      let power = E8M0.ceiling(x)
      #expect(power >= x && power / 2 < x && power.significand == 1, "\(x)")
    }
  }

  @Test func theLimitsAreThePublishedOnes() {
    #expect(Float8.e4m3.layout.largest == 448 && Float8.e4m3.layout.least == 0x1p-9 && Float8.e4m3.layout.bias == 7)
    #expect(Float8.e5m2.layout.largest == 57344 && Float8.e5m2.layout.least == 0x1p-16 && Float8.e5m2.layout.bias == 15)
    #expect(E5M6Matrix.layout.largest == 65024 && E5M6Matrix.layout.bitCount == 12 && E5M6Matrix.layout.bias == 15)
    #expect(Float8.allCases.allSatisfy { $0.largest == $0.layout.largest })
  }

  @Test(arguments: layouts)
  func everyNumberSurvivesTheRoundTripInOrder(_ layout: SmallFloat) {
    let count = UInt16(1) << (layout.bitCount - 1)
    let values = (0..<count).map { layout.value(of: $0) }
    let finite = values.filter(\.isFinite)
    #expect(finite.last == layout.largest && zip(finite, finite.dropFirst()).allSatisfy { $0 < $1 })
    #expect(finite.indices.allSatisfy { layout.code(of: finite[$0]) == UInt16($0) })
    #expect(finite.indices.allSatisfy { layout.code(of: -finite[$0]) == count + UInt16($0) })
  }

  @Test(arguments: layouts)
  func theCodeIsThatOfTheNearestValueAndTiesGoToEven(_ layout: SmallFloat) {
    var random = RandomStream(seed: 11)
    let finite = (0..<UInt16(1) << (layout.bitCount - 1)).map { layout.value(of: $0) }.filter(\.isFinite)
    // About a hundred places between neighbours, beside them, and anywhere.
    let places = stride(from: 0, to: finite.count - 1, by: max(finite.count / 100, 1))
    let middles = places.map { (finite[$0] + finite[$0 + 1]) / 2 }
    let anywhere = middles.map { _ in random.uniform() * layout.largest }
    let x = middles + middles.map(\.nextUp) + middles.map(\.nextDown) + anywhere
    for x in x {
      let code = layout.code(of: x)
      let nearest = finite.map { abs($0 - x) }.min()!
      let candidates = finite.indices.filter { abs(finite[$0] - x) == nearest }
      #expect(candidates.contains(Int(code)), "\(x)")
      #expect(candidates.count == 1 || code % 2 == 0, "\(x) lies between two codes")
    }
  }
}
