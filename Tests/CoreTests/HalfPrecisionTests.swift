// The 16-bit formats by their definition, and the language's own half-precision type as a second opinion.
import ReferenceBackend
import Tensors
import Testing

@Suite struct HalfPrecisionTests {
  /// Floats on, between and beside all the halves: where rounding decides.
  private var decisive: [Float] {
    var random = RandomStream(seed: 5)
    let anything = (0..<20_000).map { _ in Float(bitPattern: UInt32(truncatingIfNeeded: random.next())) }
    let halves = (0..<UInt16(0x7C00)).flatMap { pattern -> [Float] in
      let (low, high) = (HalfPrecision.value(of: pattern), HalfPrecision.value(of: pattern + 1))
      let middle = high.isInfinite ? 65520 : Float((low + high) / 2)
      return [Float(low), middle, middle.nextDown, middle.nextUp, -middle]
    }
    return anything + halves + [.infinity, -.infinity, 0, -0.0, .leastNonzeroMagnitude, .greatestFiniteMagnitude]
  }

  @Test func bfloat16RoundsToTheNearerNeighbourAndTiesToEven() {
    for x in decisive.prefix(60_000) where !x.isNaN {
      let found = HalfPrecision.bfloat16(x)
      let below = UInt32(x.bitPattern >> 16)
      let distanceBelow = x.bitPattern & 0xFFFF
      let isUp = distanceBelow > 0x8000 || (distanceBelow == 0x8000 && below & 1 == 1)
      #expect(found == UInt16(isUp ? below + 1 : below), "\(x)")
    }
    #expect(Float(bitPattern: UInt32(HalfPrecision.bfloat16(.nan)) << 16).isNaN)
  }

  #if !(arch(x86_64) && os(macOS))
    @Test func everyHalfHasTheLanguagesValue() {
      let wrong = (0...UInt16.max).filter { pattern in
        let (ours, theirs) = (HalfPrecision.value(of: pattern), Double(Float16(bitPattern: pattern)))
        return ours.isNaN ? !theirs.isNaN : ours.bitPattern != theirs.bitPattern
      }
      #expect(wrong == [])
    }

    @Test func everyRoundingIsTheLanguages() {
      let wrong = decisive.filter { x in
        if x.isNaN { return !HalfPrecision.value(of: HalfPrecision.float16(x)).isNaN }
        return HalfPrecision.float16(x) != Float16(x).bitPattern
      }
      #expect(wrong.isEmpty, "\(wrong.count) floats round differently, first \(wrong.first ?? 0)")
    }
  #endif
}
