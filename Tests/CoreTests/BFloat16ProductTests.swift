// The backend's bfloat16 products: the chains of the kernels, however the work is cut and on however many threads.
import CPUBackend
import Tensors
import Testing

@Suite struct BFloat16ProductTests {
  /// Rows, inputs and outputs of a layer; the last two are cut into several pieces.
  static let extents = [[1, 1, 1], [3, 7, 5], [13, 65, 33], [40, 129, 70], [350, 48, 130], [8, 200, 300]]

  /// y = x · Wᵀ, dx = g · W and dW = gᵀ · x.
  private func products(_ e: [Int], on device: Device, _ backend: CPUBackend) -> [[Float]] {
    let x = Operand.random([e[0], e[1]], seed: 1).tensor(on: device)
    let w = Operand.random([e[2], e[1]], seed: 2).tensor(on: device)
    let g = Operand.random([e[0], e[2]], seed: 3).tensor(on: device)
    return [
      backend.bfloat16Product(x, transposed: w), backend.bfloat16Product(g, w),
      backend.bfloat16Product(transposed: g, x),
    ].map { $0.floats() }
  }
  /// The same operands, rounded.
  private func values(_ rows: Int, _ columns: Int, seed: UInt64) -> [Float] {
    Operand.random([rows, columns], seed: seed).tensor(on: .reference()).floats().map(BFloat16Chain.rounded)
  }

  @Test(arguments: extents)
  func aLayersThreeProductsAreTheirChainsOnAnyNumberOfThreads(_ e: [Int]) {
    let (t, k, n) = (e[0], e[1], e[2])
    let (x, w, g) = (values(t, k, seed: 1), values(n, k, seed: 2), values(t, n, seed: 3))
    let expected = [
      BFloat16Chain.product(ProductShape(m: t, k: k, n: n), { x[$0 * k + $1] }, { w[$1 * k + $0] }),
      BFloat16Chain.product(ProductShape(m: t, k: n, n: k), { g[$0 * n + $1] }, { w[$0 * k + $1] }),
      BFloat16Chain.product(ProductShape(m: n, k: t, n: k), { g[$1 * n + $0] }, { x[$0 * k + $1] }),
    ]
    for threads in 1...3 {
      let backend = CPUBackend(threads: threads)
      let found = products(e, on: Device(backend), backend)
      for (name, pair) in zip(["y", "dx", "dW"], zip(found, expected)) {
        #expect(bits(pair.0) == bits(pair.1), "\(name) on \(threads) threads")
      }
    }
  }

  @Test(arguments: InstructionSet.available, [[5, 3], [40, 45], [1100, 70], [1030, 33]])
  func aRowIsTheSameAlone(_ set: InstructionSet, _ extents: [Int]) {
    let (k, n) = (extents[0], extents[1])
    let backend = CPUBackend(threads: 2, instructionSet: set)
    let device = Device(backend)
    let x = Operand.random([101, k], seed: 1).tensor(on: device)
    let weight = Operand.random([n, k], seed: 2).tensor(on: device)
    let whole = backend.bfloat16Product(x, transposed: weight).floats()
    for (start, count) in [(0, 1), (17, 1), (100, 1), (3, 2), (5, 6), (8, 13), (20, 32), (21, 80)] {
      let part = backend.bfloat16Product(x.slice(start..<start + count, axis: 0), transposed: weight).floats()
      let same = bits(part) == bits(Array(whole[start * n..<(start + count) * n]))
      #expect(same, "rows \(start)..<\(start + count) of \(k) × \(n)")
    }
  }

  @Test(arguments: [2, 31, 200])
  func aWeightStoredAsBFloat16GivesTheProductOfItsRoundedNumbers(_ k: Int) {
    let backend = CPUBackend(threads: 2)
    let device = Device(backend)
    let x = Operand.random([9, k], seed: 1).tensor(on: device)
    let weight = Operand.random([50, k], seed: 2).tensor(on: device)
    let stored = backend.bfloat16Product(x, transposed: weight.cast(to: .bfloat16)).floats()
    #expect(bits(stored) == bits(backend.bfloat16Product(x, transposed: weight).floats()))
  }

  @Test func theProductsArePreciseToEightBitsOfEachFactor() {
    let backend = CPUBackend(threads: 2)
    let device = Device(backend)
    let x = Operand.random([33, 300], seed: 1).tensor(on: device)
    let weight = Operand.random([64, 300], seed: 2).tensor(on: device)
    let error = zip(
      backend.bfloat16Product(x, transposed: weight).floats(), LinearProduct()(x, weight).floats()
    ).map { abs($0.0 - $0.1) }
    // Factors below 1 are off by at most 2^-9, products by 2^-8, and such errors have random signs.
    #expect(error.max()! < 300 * 0x1p-8 && error.max()! > 0, "\(error.max()!)")
    #expect(error.reduce(0, +) / Float(error.count) < 3 * Float(300).squareRoot() * 0x1p-10)
  }
}
