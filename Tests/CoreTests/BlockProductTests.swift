// Products with quantised weights: every instruction set against the definition, bit for bit.
import BlockFormats
import CPUBackend
import Tensors
import Testing

@Suite struct BlockProductTests {
  private static let backends: [(InstructionSet, Int)] = InstructionSet.available.flatMap { [($0, 1), ($0, 2)] }

  /// Bit patterns, in which every NaN is the same.
  private func bits(_ tensor: Tensor) -> [UInt32] {
    tensor.floats().map { $0.isNaN ? Float.nan.bitPattern : $0.bitPattern }
  }
  private func differences(_ a: [UInt32], _ b: [UInt32]) -> Int {
    a.count == b.count ? zip(a, b).count { $0 != $1 } : max(a.count, b.count)
  }
  /// Numbers of very different size from block to block, a zero block and one that is almost zero among them.
  private func activations(_ rows: Int, _ k: Int, seed: UInt64) -> [Float] {
    var random = RandomStream(seed: seed)
    return (0..<rows).flatMap { _ in
      (0..<k / 32).flatMap { block in
        let size =
          block == 1 ? 0 : block == 2 ? 0x1p-110 : Float(sign: .plus, exponent: block % 23 - 11, significand: 1)
        return (0..<32).map { _ in (random.uniform() * 2 - 1) * size }
      }
    }
  }

  @Test(arguments: BlockFormat.quantised, [(40, 256), (33, 512), (3, 1024), (129, 256)])
  func everyInstructionSetGivesTheBitsOfTheDefinition(_ format: BlockFormat, _ extents: (n: Int, k: Int)) {
    let weight = QuantisedWeight(format, extents.n, extents.k, seed: 11)
    let x = activations(7, extents.k, seed: 12)
    let product = { (device: Device) in
      LinearProduct()(Tensor(x, shape: [7, extents.k], on: device), weight.tensor(on: device))
    }
    let expected = bits(product(.reference()))
    #expect(Set(expected).count > expected.count / 2)
    for (set, threads) in Self.backends {
      let wrong = differences(bits(product(.cpu(set, threads: threads))), expected)
      #expect(wrong == 0, "\(set), \(threads) threads: \(wrong) of \(expected.count) differ")
    }
  }

  @Test(arguments: [BlockFormat.q8_0, .q4_0, .q4_1, .q5_0, .q5_1], [32, 96, 896, 4864])
  func widthsOfAnyNumberOfSmallBlocksAgree(_ format: BlockFormat, _ k: Int) {
    let weight = QuantisedWeight(format, 37, k, seed: 13)
    let x = activations(2, k, seed: 14)
    let product = { (device: Device) in
      LinearProduct()(Tensor(x, shape: [2, k], on: device), weight.tensor(on: device))
    }
    let expected = bits(product(.reference()))
    for set in InstructionSet.available { #expect(bits(product(.cpu(set))) == expected, "\(set)") }
  }

  @Test(arguments: BlockFormat.quantised)
  func aRowDoesNotDependOnTheRowsBesideItNorOnThreads(_ format: BlockFormat) {
    let (weight, k) = (QuantisedWeight(format, 200, 512, seed: 15), 512)
    let x = activations(64, k, seed: 16)
    for (set, threads) in Self.backends where set != .scalar {
      let device = Device.cpu(set, threads: threads)
      let w = weight.tensor(on: device)
      let whole = bits(LinearProduct()(Tensor(x, shape: [64, k], on: device), w))
      for rows in [1, 2, 7, 63] {
        let part = bits(LinearProduct()(Tensor(Array(x.prefix(rows * k)), shape: [rows, k], on: device), w))
        #expect(part == Array(whole.prefix(rows * 200)), "\(rows) rows on \(set), \(threads) threads")
      }
    }
  }

  @Test func weightsOfOneCallMayDifferInForm() {
    let formats: [BlockFormat] = [.q4_K, .q8_0, .q6_K]
    let weights = formats.enumerated().map { QuantisedWeight($1, 24 + $0, 256, seed: UInt64(20 + $0)) }
    let x = activations(5, 256, seed: 17)
    for device in [Device.reference(), .cpu()] {
      let x = Tensor(x, shape: [5, 256], on: device)
      let plain = Operand.random([9, 256], seed: 18).tensor(on: device)
      var all = weights.map { $0.tensor(on: device) }
      all.insert(plain, at: 1)
      all.append(plain.cast(to: .bfloat16))
      let parts = all.map { bits(LinearProduct()(x, $0)) }
      let widths = all.map { $0.shape[0] }
      let rows = (0..<5).flatMap { row in zip(parts, widths).flatMap { $0[row * $1..<(row + 1) * $1] } }
      #expect(bits(LinearProduct()([x] + all)) == rows)
    }
  }

  @Test(arguments: [BlockFormat.q8_0, .q4_0, .q4_K])
  func groupedRowsMeetTheirOwnWeights(_ format: BlockFormat) {
    let weights = (0..<6).map { QuantisedWeight(format, 40, 256, seed: UInt64(30 + $0)) }
    let x = activations(9, 256, seed: 19)
    let offsets = [0, 4, 4, 9]
    let product = { (device: Device) in
      GroupedLinearProduct(offsets: offsets, partsPerGroup: 2)(
        [Tensor(x, shape: [9, 256], on: device)] + weights.map { $0.tensor(on: device) })
    }
    let expected = bits(product(.reference()))
    for (set, threads) in Self.backends { #expect(bits(product(.cpu(set, threads: threads))) == expected, "\(set)") }
  }

  // Heads of 32 begin with a panel of the whole weight, heads of 40 do not.
  @Test(arguments: [(32, 0, 32), (40, 0, 40), (96, 64, 32), (40, 24, 16)])
  func eachHeadMeetsItsOwnRows(_ extents: (rows: Int, offset: Int, width: Int)) {
    let (heads, k) = (3, 64)
    let weight = QuantisedWeight(.q8_0, heads * extents.rows, k, seed: 40)
    let x = activations(4, heads * k, seed: 41)
    let operation = HeadwiseProduct(heads: heads, offset: extents.offset, width: extents.width, isTransposed: true)
    let product = { (device: Device) in
      operation(Tensor(x, shape: [4, heads * k], on: device), weight.tensor(on: device))
    }
    let expected = product(.reference())
    #expect(expected.shape == [4, heads * extents.width])
    for set in InstructionSet.available { #expect(bits(product(.cpu(set))) == bits(expected), "\(set)") }
  }

  @Test(arguments: BlockFormat.quantised)
  func whatIsNotFiniteComesOutAndTouchesNothingElse(_ format: BlockFormat) {
    for (pattern, isNaN) in [(UInt16(0x7C00), false), (0xFC00, false), (0x7E00, true), (0x7D01, true)] {
      var bytes = QuantisedWeight(format, 2, 512, seed: 50).bytes
      for half in format.halves { (bytes[half], bytes[half + 1]) = (UInt8(pattern & 255), UInt8(pattern >> 8)) }
      let weight = QuantisedWeight(format, [2, 512], bytes: bytes)
      let x = activations(1, 512, seed: 51)
      let product = { (device: Device) in
        LinearProduct()(Tensor(x, shape: [1, 512], on: device), weight.tensor(on: device))
      }
      let expected = product(.reference())
      #expect(isNaN ? expected.floats()[0].isNaN : !expected.floats()[0].isFinite)
      #expect(expected.floats()[1].isFinite)
      for set in InstructionSet.available { #expect(bits(product(.cpu(set))) == bits(expected), "\(set)") }
    }
  }

  @Test func anActivationThatIsNotFiniteSpoilsItsRowAlone() {
    let weight = QuantisedWeight(.q4_0, 5, 64, seed: 52)
    for bad in [Float.nan, .infinity, -.infinity] {
      var x = activations(3, 64, seed: 53)
      x[64 + 40] = bad
      for set in InstructionSet.available {
        let device = Device.cpu(set)
        let y = LinearProduct()(Tensor(x, shape: [3, 64], on: device), weight.tensor(on: device)).floats()
        #expect(y[..<5].allSatisfy(\.isFinite) && y[5..<10].allSatisfy(\.isNaN) && y[10...].allSatisfy(\.isFinite))
      }
    }
  }

  @Test(arguments: [DType.bfloat16, .float16])
  func sixteenBitFloatsMultiplyAsTheFloat32NumbersThatTheyAre(_ dtype: DType) {
    for set in InstructionSet.available {
      let device = Device.cpu(set)
      let weight = Operand.random([70, 50], seed: 60).tensor(on: device).cast(to: dtype)
      let x = Operand.random([3, 50], seed: 61).tensor(on: device)
      #expect(bits(LinearProduct()(x, weight)) == bits(LinearProduct()(x, weight.cast(to: .float32))), "\(set)")
    }
  }

  @Test func aPreparedWeightNoLongerReadsItsBytes() {
    let weight = QuantisedWeight(.q4_0, 70, 96, seed: 62)
    let memory = UnsafeMutableRawPointer.allocate(byteCount: weight.bytes.count, alignment: 64)
    memory.copyMemory(from: weight.bytes, byteCount: weight.bytes.count)
    let device = Device.cpu()
    let storage = Storage(memory, byteCount: weight.bytes.count) { $0.deallocate() }
    let tensor = Tensor(shape: [70, 96], dtype: .q4_0, device: device, storage: storage)
    device.backend.prepare(tensor)
    memory.initializeMemory(as: UInt8.self, repeating: 0xFF, count: weight.bytes.count)
    let x = Tensor(activations(2, 96, seed: 63), shape: [2, 96], on: device)
    #expect(bits(LinearProduct()(x, tensor)) == bits(LinearProduct()(x, weight.tensor(on: device))))
  }
}
