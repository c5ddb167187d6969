// The conversion kernels, over every 16-bit pattern and every length of a tail.
import CKernels
import ReferenceBackend
import Tensors
import Testing

@Suite struct ConversionKernelTests {
  private func sameNumber(_ a: Float, _ b: Float) -> Bool { a.bitPattern == b.bitPattern || (a.isNaN && b.isNaN) }

  @Test func everyShortPatternWidensToItsValue() {
    let patterns = Array(UInt16.min...UInt16.max)
    for (set, table) in availableKernels() {
      let (half, brain) = (Floats(count: 65_536), Floats(count: 65_536))
      table.rows.pointee.f32_from_f16(half.pointer, patterns, 65_536)
      table.rows.pointee.f32_from_bf16(brain.pointer, patterns, 65_536)
      let (halves, brains) = (half.values, brain.values)
      let wrong = patterns.filter { !sameNumber(halves[Int($0)], Float(HalfPrecision.value(of: $0))) }
      #expect(wrong == [], "\(set) widens these halves wrongly")
      #expect(patterns.allSatisfy { sameNumber(brains[Int($0)], Float(bitPattern: UInt32($0) << 16)) }, "\(set)")
      #expect(half.isIntact && brain.isIntact)
    }
  }

  @Test func floatsNarrowAsTheDefinitionRounds() {
    var random = RandomStream(seed: 2)
    // Halves, the points between them, their neighbours, and anything at all.
    var x = (0..<UInt16(0x7C00)).flatMap { pattern -> [Float] in
      let low = Float(HalfPrecision.value(of: pattern))
      let middle = (low + Float(min(HalfPrecision.value(of: pattern + 1), 65536))) / 2
      return [low, middle, middle.nextUp, -middle.nextDown]
    }
    x += (0..<20_000).map { _ in Float(bitPattern: UInt32(truncatingIfNeeded: random.next())) }
    x += [.infinity, -.infinity, .nan, -0.0, .leastNonzeroMagnitude, .greatestFiniteMagnitude]
    let (halves, brains) = (x.map(HalfPrecision.float16), x.map(HalfPrecision.bfloat16))
    for (set, table) in availableKernels() {
      let half = GuardedBuffer<UInt16>(count: x.count, filledWith: 0xBEEF)
      let brain = GuardedBuffer<UInt16>(count: x.count, filledWith: 0xBEEF)
      table.rows.pointee.f16_from_f32(half.pointer, x, x.count)
      table.rows.pointee.bf16_from_f32(brain.pointer, x, x.count)
      let (foundHalf, foundBrain) = (half.values, brain.values)
      let wrongHalf = x.indices.filter {
        foundHalf[$0] != halves[$0] && !(x[$0].isNaN && foundHalf[$0] & 0x7FFF > 0x7C00)
      }
      let wrongBrain = x.indices.filter {
        foundBrain[$0] != brains[$0] && !(x[$0].isNaN && foundBrain[$0] & 0x7FFF > 0x7F80)
      }
      #expect(wrongHalf.isEmpty, "\(set) f16 of \(wrongHalf.prefix(3).map { x[$0] })")
      #expect(wrongBrain.isEmpty, "\(set) bf16 of \(wrongBrain.prefix(3).map { x[$0] })")
      #expect(half.isIntact && brain.isIntact)
    }
  }

  @Test func everyLengthAndMisalignmentConvertsAlike() {
    var random = RandomStream(seed: 3)
    for (set, table) in availableKernels() {
      for length in 0...34 {
        for offset in [0, 1, 3] {
          let x = Floats((0..<length).map { _ in random.normal() }, offset: offset)
          let short = GuardedBuffer<UInt16>(count: length, offset: offset + 1, filledWith: 0xBEEF)
          let back = Floats(count: length, offset: offset)
          table.rows.pointee.f16_from_f32(short.pointer, x.pointer, length)
          table.rows.pointee.f32_from_f16(back.pointer, short.pointer, length)
          #expect(short.values == x.values.map(HalfPrecision.float16), "\(set) f16 of \(length)")
          #expect(back.values == short.values.map { Float(HalfPrecision.value(of: $0)) }, "\(set) f16 of \(length)")
          #expect(short.isIntact && back.isIntact)
          table.rows.pointee.bf16_from_f32(short.pointer, x.pointer, length)
          table.rows.pointee.f32_from_bf16(back.pointer, short.pointer, length)
          #expect(short.values == x.values.map(HalfPrecision.bfloat16), "\(set) bf16 of \(length)")
          #expect(back.values == short.values.map { Float(bitPattern: UInt32($0) << 16) }, "\(set) bf16 of \(length)")
          #expect(short.isIntact && back.isIntact)
        }
      }
    }
  }
}
