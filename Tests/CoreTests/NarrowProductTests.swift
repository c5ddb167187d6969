// Products with weights of sixteen and of eight bits: the bits of the product with the widened weight, whatever the
// instruction set, the rows beside a row, the threads and the memory for packing.
import Tensors
import Testing

@testable import CPUBackend

@Suite struct NarrowProductTests {
  private static let backends: [(InstructionSet, Int)] = InstructionSet.available.flatMap { [($0, 1), ($0, 2)] }

  /// Bit patterns, in which every NaN is the same.
  private func bits(_ tensor: Tensor) -> [UInt32] {
    tensor.floats().map { $0.isNaN ? Float.nan.bitPattern : $0.bitPattern }
  }
  private func differences(_ a: [UInt32], _ b: [UInt32]) -> Int {
    a.count == b.count ? zip(a, b).count { $0 != $1 } : max(a.count, b.count)
  }

  @Test(arguments: NarrowWeight.dtypes, [(1, 1), (40, 7), (33, 130), (70, 515), (300, 256), (129, 1030)])
  func everyInstructionSetGivesTheBitsOfTheWidenedWeight(_ dtype: DType, _ extents: (n: Int, k: Int)) {
    let weight = NarrowWeight(dtype, extents.n, extents.k, seed: 1)
    for rows in [1, 2, 3, 6, 7, 12, 13, 50] {
      let x = Operand.random([rows, extents.k], seed: 2)
      for (set, threads) in Self.backends {
        let device = Device.cpu(set, threads: threads)
        let w = weight.tensor(on: device)
        let own = bits(LinearProduct()(x.tensor(on: device), w))
        let wide = bits(LinearProduct()(x.tensor(on: device), w.cast(to: .float32)))
        let wrong = differences(own, wide)
        #expect(wrong == 0, "\(rows) rows on \(set), \(threads) threads: \(wrong) of \(wide.count) differ")
      }
    }
  }

  @Test(arguments: NarrowWeight.dtypes)
  func theProductIsThatOfTheDefinition(_ dtype: DType) {
    var weight = NarrowWeight(dtype, 40, 200, seed: 3)
    weight.scales = weight.scales.indices.map { 0.01 * Float($0 + 1) }
    let x = Operand.random([5, 200], seed: 4)
    let expected = LinearProduct()(x.tensor(on: .reference()), weight.tensor(on: .reference())).floats()
    #expect(Set(expected).count > 150)
    for set in InstructionSet.available {
      let device = Device.cpu(set)
      let own = LinearProduct()(x.tensor(on: device), weight.tensor(on: device)).floats()
      #expect(distance(own, expected) <= 1e-4, "\(set)")
    }
  }

  @Test(arguments: NarrowWeight.dtypes)
  func wideningAndGatheringGiveTheNumbersOfTheDefinition(_ dtype: DType) {
    let weight = NarrowWeight(dtype, 150, 140, seed: 5)
    let expected = weight.tensor(on: .reference()).cast(to: .float32)
    let index = Operand.integers([149, 0, -1, 130], [4])
    let rows = weight.tensor(on: .reference()).gatherRows(index.tensor(on: .reference()))
    #expect(Set(bits(expected)).count > 100 && rows.shape == [4, 140] && rows.dtype == .float32)
    for set in InstructionSet.available {
      let w = weight.tensor(on: .cpu(set))
      #expect(bits(w.cast(to: .float32)) == bits(expected), "\(set)")
      #expect(bits(w.gatherRows(index.tensor(on: w.device))) == bits(rows), "\(set)")
    }
  }

  @Test(arguments: NarrowWeight.dtypes)
  func aRowDoesNotDependOnTheRowsBesideItNorOnThreads(_ dtype: DType) {
    let (weight, k) = (NarrowWeight(dtype, 200, 600, seed: 6), 600)
    let x = Operand.random([100, k], seed: 7).tensor(on: .cpu()).floats()
    var seen: [UInt32]?
    for (set, threads) in Self.backends {
      let device = Device.cpu(set, threads: threads)
      let w = weight.tensor(on: device)
      let whole = bits(LinearProduct()(Tensor(x, shape: [100, k], on: device), w))
      #expect(whole == seen ?? whole, "\(set), \(threads) threads")
      seen = whole
      for rows in [1, 2, 7, 12, 63] {
        let part = bits(LinearProduct()(Tensor(Array(x.prefix(rows * k)), shape: [rows, k], on: device), w))
        #expect(part == Array(whole.prefix(rows * 200)), "\(rows) rows on \(set), \(threads) threads")
      }
    }
  }

  @Test(arguments: NarrowWeight.dtypes)
  func groupedRowsMeetTheirOwnWeights(_ dtype: DType) {
    let weights = (0..<6).map { NarrowWeight(dtype, 40, 200, seed: UInt64(10 + $0)) }
    let x = Operand.random([31, 200], seed: 8)
    let product = GroupedLinearProduct(offsets: [0, 4, 4, 31], partsPerGroup: 2)
    for (set, threads) in Self.backends {
      let device = Device.cpu(set, threads: threads)
      let stored = weights.map { $0.tensor(on: device) }
      let own = bits(product([x.tensor(on: device)] + stored))
      #expect(own == bits(product([x.tensor(on: device)] + stored.map { $0.cast(to: .float32) })), "\(set)")
      #expect(Set(own).count > 1000)
    }
  }

  // Heads of 128 rows have their own scales; those of 40 share them or lie across two tiles.
  @Test(
    arguments: NarrowWeight.dtypes, [(128, 0, 128), (256, 128, 128), (40, 0, 40), (64, 32, 32), (40, 24, 16)])
  func eachHeadMeetsItsOwnRows(_ dtype: DType, _ extents: (rows: Int, offset: Int, width: Int)) {
    let (heads, inner) = (4, 72)
    let weight = NarrowWeight(dtype, heads * extents.rows, inner, seed: 20)
    for isTransposed in [false, true] {
      let operation = HeadwiseProduct(
        heads: heads, offset: extents.offset, width: extents.width, isTransposed: isTransposed)
      let x = Operand.random([5, heads * (isTransposed ? inner : extents.width)], seed: 21)
      for set in InstructionSet.available {
        let device = Device.cpu(set)
        let w = weight.tensor(on: device)
        let own = operation(x.tensor(on: device), w)
        #expect(own.shape == [5, heads * (isTransposed ? extents.width : inner)])
        #expect(bits(own) == bits(operation(x.tensor(on: device), w.cast(to: .float32))), "\(set) \(isTransposed)")
      }
    }
  }

  @Test func numbersThatAreNotFiniteAndScalesThatAreLargeAreMultipliedToo() {
    var special: [NarrowWeight] = []
    for (dtype, patterns) in [(DType.bfloat16, [0x7F80, 0xFF80, 0x7FC0]), (.float16, [0x7C00, 0xFC00, 0x7E00])] {
      for pattern in patterns {
        var weight = NarrowWeight(dtype, 40, 64, seed: 30)
        (weight.codes[64], weight.codes[65]) = (UInt8(pattern & 255), UInt8(pattern >> 8))
        special.append(weight)
      }
    }
    for (code, scale) in [(0x7F, 1), (0xFF, 1), (0x38, 128), (0x38, 1e38), (0x38, .infinity), (0x38, .nan), (0x38, 0)]
      as [(UInt8, Float)]
    {
      var weight = NarrowWeight(.float8, 40, 64, seed: 31)
      (weight.codes[32], weight.scales[0]) = (code, scale)
      special.append(weight)
    }
    let x = Operand.random([2, 64], seed: 32)
    for set in InstructionSet.available {
      let device = Device.cpu(set)
      for weight in special {
        let w = weight.tensor(on: device)
        let wide = bits(LinearProduct()(x.tensor(on: device), w.cast(to: .float32)))
        #expect(bits(LinearProduct()(x.tensor(on: device), w)) == wide, "\(set) \(weight.dtype)")
      }
    }
  }

  @Test(arguments: NarrowWeight.dtypes + [.q8_0, .q4_K])
  func withoutMemoryForPackingTheBitsAreTheSame(_ dtype: DType) {
    let stored = { (device: Device) in
      dtype.blocks.map { QuantisedWeight($0, 300, 512, seed: 40).tensor(on: device) }
        ?? NarrowWeight(dtype, 300, 512, seed: 40).tensor(on: device)
    }
    for rows in [1, 30] {
      let x = Operand.random([rows, 512], seed: 41)
      for set in InstructionSet.available {
        let (rich, poor) = (
          Device.cpu(set), Device(CPUBackend(threads: 2, instructionSet: set, packing: .init(bytes: 0, expertBytes: 0)))
        )
        let product = { (device: Device) in LinearProduct()(x.tensor(on: device), stored(device)) }
        #expect(bits(product(poor)) == bits(product(rich)), "\(set), \(rows) rows")
        let heads = HeadwiseProduct(heads: 2, offset: 6, width: 100, isTransposed: true)
        let wide = Operand.random([rows, 1024], seed: 42)
        let perHead = { (device: Device) in heads(wide.tensor(on: device), stored(device)) }
        #expect(bits(perHead(poor)) == bits(perHead(rich)), "\(set), \(rows) rows")
      }
    }
  }

  /// What is packed counts until its weight is gone; experts have a limit of their own.
  @Test func packingStopsAtItsLimit() {
    let bytes = { 3 * 32 * 64 * 2 * $0 }
    let backend = CPUBackend(threads: 1, packing: .init(bytes: bytes(2), expertBytes: bytes(1)))
    let device = Device(backend)
    let x = Operand.random([1, 64], seed: 50).tensor(on: device)
    func use(_ weight: Tensor, isExpert: Bool) -> Int {
      let before = backend.packings.bytes
      _ = isExpert ? GroupedLinearProduct(offsets: [0, 1], partsPerGroup: 1)(x, weight) : LinearProduct()(x, weight)
      return backend.packings.bytes - before
    }
    var weights = (0..<3).map { NarrowWeight(.bfloat16, 96, 64, seed: UInt64($0)).tensor(on: device) }
    #expect(use(weights[0], isExpert: true) == bytes(1))
    #expect(use(weights[1], isExpert: true) == 0)
    #expect(use(weights[2], isExpert: false) == bytes(1))
    #expect(use(weights[1], isExpert: false) == 0)
    weights.removeFirst()
    #expect(use(weights[0], isExpert: true) == bytes(1))
  }

  @Test func pagesOfAPackedWeightAreGivenBackAndNeverWritten() {
    let weight = NarrowWeight(.bfloat16, 70, 96, seed: 60)
    let advice = Advice()
    let device = Device.cpu()
    let memory = UnsafeMutableRawPointer.allocate(byteCount: weight.codes.count, alignment: 64)
    memory.copyMemory(from: weight.codes, byteCount: weight.codes.count)
    let storage = Storage(
      memory, byteCount: weight.codes.count, pages: { advice.add($0) }, release: { $0.deallocate() })
    var tensor = Tensor(shape: [70, 96], dtype: .bfloat16, device: device, storage: storage)
    _ = tensor.gatherRows(Operand.integers([3], [1]).tensor(on: device))
    #expect(advice.given.isEmpty)
    _ = LinearProduct()(Operand.random([2, 96], seed: 61).tensor(on: device), tensor)
    _ = LinearProduct()(Operand.random([2, 96], seed: 61).tensor(on: device), tensor)
    #expect(advice.given == [.needed, .unneeded])
    let wasCopied = tensor.taken().mutated()
    #expect(wasCopied)
    #expect(Array(UnsafeRawBufferPointer(start: memory, count: weight.codes.count)) == weight.codes)
    withExtendedLifetime(storage) {}
  }
}

/// Advice in the order that it came in.
private final class Advice: @unchecked Sendable {  // one thread gives advice in this test
  var given: [PageAdvice] = []
  func add(_ advice: PageAdvice) { given.append(advice) }
}

extension Tensor {
  /// Whether writing the first byte needed a copy.
  fileprivate consuming func mutated() -> Bool {
    var own = self
    return own.mutate { $0.storeBytes(of: 0x55, as: UInt8.self) }
  }
}
