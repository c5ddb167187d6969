// Backends around a backend: what they watch computes the same bits, and what they report is so.
import CPUBackend
import Instruments
import Layers
import ReferenceBackend
import Tensors
import Testing

/// Passes everything on, and spoils what one fused operation gives: its output or its first gradient.
private struct SpoilingBackend: Backend {
  enum Side: Sendable { case output, gradient }
  let base = CPUBackend(threads: 1)
  let spoiled: String
  let side: Side
  var name: String { base.name }

  func allocate(byteCount: Int) -> Storage { base.allocate(byteCount: byteCount) }
  func write(_ bytes: UnsafeRawBufferPointer, to storage: Storage) { base.write(bytes, to: storage) }
  func read(_ storage: Storage, into bytes: UnsafeMutableRawBufferPointer) { base.read(storage, into: bytes) }
  func evaluate(_ call: Call) -> Storage { base.evaluate(call) }
  func accelerate(_ operation: any FusedOperation, _ inputs: [Tensor]) -> Outcome? {
    guard let outcome = base.accelerate(operation, inputs) else { return nil }
    guard operation.name == spoiled else { return outcome }
    let pullback = outcome.pullback
    return Outcome(side == .output ? outcome.output.spoiled() : outcome.output) { g in
      var gradients = pullback(g)
      if side == .gradient { gradients[0] = gradients[0]?.spoiled() }
      return gradients
    }
  }
}

/// Spends the time of a gated unit's pullback in primitives.
private struct NestingBackend: Backend {
  static let additions = 100
  let base = CPUBackend(threads: 1)
  var name: String { base.name }

  func allocate(byteCount: Int) -> Storage { base.allocate(byteCount: byteCount) }
  func write(_ bytes: UnsafeRawBufferPointer, to storage: Storage) { base.write(bytes, to: storage) }
  func read(_ storage: Storage, into bytes: UnsafeMutableRawBufferPointer) { base.read(storage, into: bytes) }
  func evaluate(_ call: Call) -> Storage { base.evaluate(call) }
  func accelerate(_ operation: any FusedOperation, _ inputs: [Tensor]) -> Outcome? {
    guard let outcome = base.accelerate(operation, inputs) else { return nil }
    return Outcome(outcome.output) { g in
      let one = Tensor(repeating: 1, shape: [50_000], on: g.device)
      for _ in 0..<Self.additions { _ = one + one }
      return outcome.pullback(g)
    }
  }
}

extension Tensor {
  /// The same numbers with one that is not finite among them.
  fileprivate func spoiled() -> Tensor {
    var values = floats()
    values[values.count / 2] = .infinity
    return Tensor(values, shape: shape, on: device)
  }
}

/// Two linear maps with a norm and a gated unit between them.
private struct Chain: Module {
  var first: Linear
  var norm: RMSNorm
  var second: Linear
  init(on device: Device) throws {
    let weights = Weights(FreshWeights(seed: 4, standardDeviation: 0.5, on: device))
    first = try Linear(6, 16, weights["first"])
    norm = try RMSNorm(8, epsilon: 1e-6, weights["norm"])
    second = try Linear(8, 5, weights["second"])
  }
  mutating func visit(_ visitor: inout some ParameterVisitor) {
    visitor("first", &first)
    visitor("norm", &norm)
    visitor("second", &second)
  }
  func loss(_ x: Tensor) -> Tensor { second(norm(SwiGLU()(first(x)))).tanh().total() }

  static func input(on device: Device) -> Tensor { Operand.random([4, 6], seed: 8).tensor(on: device) }
}

@Suite struct ProfilingTests {
  @Test(arguments: FusedCase.all)
  func aProfiledOperationGivesTheSameBits(_ row: FusedCase) {
    for plain in [Device.cpu(), .reference()] where plain.backend.name != "reference" || row.size < 2_000 {
      let profiling = ProfilingBackend(plain.backend)
      let run = { (device: Device) in
        Evaluation(Inputs(row.operands, tracked: row.tracked, on: device)) { row.operation($0) }
      }
      let (watched, expected) = (run(Device(profiling)), run(plain))
      #expect(bits(watched.output) == bits(expected.output), "\(plain.backend.name)")
      for (i, (a, b)) in zip(watched.gradients, expected.gradients).enumerated() {
        #expect(a.map(bits) == b.map(bits), "gradient of input \(i) on \(plain.backend.name)")
      }
      let isNative = plain.backend.name != "reference"
      let found = profiling.measurements.contains { $0.operation == row.operation.name }
      #expect(found == isNative, "what a definition does appears as its primitives")
    }
  }

  @Test(arguments: UpdateCase.all) func aProfiledUpdateHappensInPlace(_ row: UpdateCase) {
    let profiling = ProfilingBackend(CPUBackend(threads: 2))
    let results = [Device(profiling), .cpu()].map { device in
      var targets = row.targets.map { $0.tensor(on: device) }
      let addresses = targets.map(\.storage.address)
      row.update(&targets, row.inputs.map { $0.tensor(on: device) })
      #expect(targets.map(\.storage.address) == addresses)
      return targets.map { $0.bytes() }
    }
    #expect(results[0] == results[1])
    #expect(profiling.measurements.contains { $0.operation == row.update.name && $0.calls == 1 })
  }

  @Test func callsAndPhasesAreThoseOfTheStep() throws {
    let profiling = ProfilingBackend(CPUBackend(threads: 1))
    let device = Device(profiling)
    let (chain, x) = (try Chain(on: device), Chain.input(on: device))
    profiling.reset()
    for _ in 0..<3 {
      profiling.begin(.forward)
      let (_, gradients) = valueAndGradients(of: chain) { chain in
        let loss = chain.loss(x)
        profiling.begin(.backward)
        return loss
      }
      profiling.begin(.update)
      _ = gradients.norm()
    }
    let found = Dictionary(
      uniqueKeysWithValues: profiling.measurements.map { ("\($0.operation) \($0.phase.rawValue)", $0) })
    for (name, calls) in ["linear": 6, "rms-norm": 3, "swiglu": 3] {
      #expect(found["\(name) forward"]?.calls == calls && found["\(name) backward"]?.calls == calls, "\(name)")
      #expect(found["\(name) update"] == nil, "\(name)")
    }
    #expect(found["tanh forward"]?.calls == 3 && found["tanh backward"] == nil)
    #expect(found["multiply backward"]?.calls ?? 0 >= 3, "the gradient of tanh")
    #expect(found["sum-of-squares update"]?.calls == 9, "three parameters, three steps")
    // 4 rows through 6 × 16 and 8 × 5 weights, three times; going back there are two products for each.
    let forward = Double(2 * 4 * (6 * 16 + 8 * 5) * 3)
    #expect(found["linear forward"]?.operations == forward && found["linear backward"]?.operations == 2 * forward)
    #expect(found["rms-norm forward"]?.operations == nil && found["tanh forward"]?.gigaflops == nil)
    profiling.reset()
    #expect(profiling.measurements.isEmpty)
  }

  @Test func anOperationIsNotChargedForThoseThatRunInsideIt() {
    let profiling = ProfilingBackend(NestingBackend())
    let inputs = Inputs([.random([3, 8], seed: 1)], on: Device(profiling))
    profiling.reset()
    let began = ContinuousClock.now
    _ = valueAndGradients(of: inputs) { SwiGLU()($0.tensors[0]).total() }
    let elapsed = (ContinuousClock.now - began) / .seconds(1)
    let measurements = profiling.measurements
    let inside = measurements.first { $0.operation == "add" && $0.phase == .backward }
    let around = measurements.first { $0.operation == "swiglu" && $0.phase == .backward }
    #expect(inside?.calls == NestingBackend.additions && around?.calls == 1)
    #expect((around?.seconds ?? 0) > 0)
    // Counted twice, the additions alone would fill the clock's time twice.
    #expect(measurements.reduce(0) { $0 + $1.seconds } <= elapsed)
    #expect(zip(measurements, measurements.dropFirst()).allSatisfy { $0.seconds >= $1.seconds }, "longest first")
  }

  @Test func aProductsOperationsAreCountedFromItsShapes() {
    let cases: [(any FusedOperation, [Shape], Double)] = [
      (LinearProduct(), [[7, 24], [5, 24], [33, 24]], Double(2 * 7 * 24 * 38)),
      (
        GroupedLinearProduct(offsets: [0, 3, 3, 10], partsPerGroup: 2),
        [[10, 20], [6, 20], [9, 20], [6, 20], [9, 20], [6, 20], [9, 20]], Double(2 * 10 * 20 * 15)
      ),
      (
        GatedFeedForward(offsets: [0, 3, 10]), [[10, 20], [6, 20], [6, 20], [9, 6], [6, 20], [6, 20], [9, 6]],
        Double(2 * 10 * (6 * 20 + 6 * 20 + 9 * 6))
      ),
      (
        HeadwiseProduct(heads: 3, offset: 2, width: 5, isTransposed: false), [[4, 15], [27, 33]],
        Double(2 * 4 * 3 * 5 * 33)
      ),
      // Queries see 1, 2 and 3 keys, then 5 + 1 and 5 + 2.
      (
        CausalAttention(
          heads: 2, d1: 8, d2: 4, dv: 6, keyStride: 14, valueOffset: 8, valueStride: 14, scale: 1,
          rows: [
            .init(queryStart: 0, queryCount: 3, keyStart: 0),
            .init(queryStart: 3, queryCount: 2, first: 5, keyStart: 3),
          ]),
        [[5, 24], [10, 28], [10, 4]], Double(2 * 2 * 18 * (1 + 2 + 3 + 6 + 7))
      ),
    ]
    for (operation, shapes, expected) in cases {
      let profiling = ProfilingBackend(CPUBackend(threads: 1))
      let device = Device(profiling)
      _ = operation(shapes.map { Tensor(repeating: 0.5, shape: $0, on: device) })
      let found = profiling.measurements.first { $0.operation == operation.name }
      #expect(found?.operations == expected, "\(operation.name)")
    }
    let profiling = ProfilingBackend(CPUBackend(threads: 1))
    let device = Device(profiling)
    let a = Tensor(repeating: 1, shape: [2, 3, 5], on: device)
    _ = a.matmul(Tensor(repeating: 1, shape: [2, 5, 7], on: device))
    #expect(profiling.measurements.first { $0.operation == "matmul" }?.operations == Double(2 * 2 * 3 * 5 * 7))
  }
}

@Suite struct ProbingTests {
  private func probe(_ base: some Backend) throws -> (found: NonFiniteResult?, loss: Float, gradients: [[UInt32]]) {
    let plain = Device(base)
    let chain = try Chain(on: plain)
    let probe = ProbingBackend(base, watching: chain.parameters.map { ($0.name, $0.tensor) })
    // The same storage on the probe's device, as whoever looks for a fault moves a model.
    var (moved, move) = (chain, Move(path: [], device: Device(probe)))
    moved.visit(&move)
    let x = Chain.input(on: Device(probe))
    let (loss, gradients) = valueAndGradients(of: moved) { chain in
      let loss = chain.loss(x)
      probe.beginGradients()
      return loss
    }
    let names = gradients.byName.keys.sorted()
    return (probe.first, loss.scalar(), names.map { bits(gradients.byName[$0]!.floats()) })
  }
  private struct Move: ParameterVisitor {
    var path: [String]
    let device: Device
    mutating func visit(_ tensor: inout Tensor, isTrained: Bool) {
      tensor = Tensor(shape: tensor.shape, device: device, storage: tensor.storage)
    }
  }

  @Test func whatIsFiniteIsNotReportedAndNoBitChanges() throws {
    for backend in [CPUBackend(threads: 1) as any Backend, ReferenceBackend()] {
      let found = try probe(backend)
      #expect(found.found == nil, "\(backend.name)")
      let (chain, x) = (try Chain(on: Device(backend)), Chain.input(on: Device(backend)))
      let (loss, gradients) = valueAndGradients(of: chain) { $0.loss(x) }
      #expect(found.loss.bitPattern == loss.scalar().bitPattern, "\(backend.name)")
      #expect(
        found.gradients == gradients.byName.keys.sorted().map { bits(gradients.byName[$0]!.floats()) }
          && found.gradients.count == 3)
    }
  }

  @Test func theFirstOutputThatIsNotFiniteIsNamedWithItsWeights() throws {
    let linear = try #require(try probe(SpoilingBackend(spoiled: "linear", side: .output)).found)
    #expect(linear.operation == "linear" && !linear.isGradient)
    #expect(linear.names == ["first.weight"] && linear.readsNamed, "the first of two")
    let gate = try #require(try probe(SpoilingBackend(spoiled: "swiglu", side: .output)).found)
    #expect(gate.operation == "swiglu" && gate.names == ["first.weight"] && !gate.readsNamed)
    let norm = try #require(try probe(SpoilingBackend(spoiled: "rms-norm", side: .output)).found)
    #expect(norm.operation == "rms-norm" && norm.names == ["norm.weight"] && norm.readsNamed)
  }

  @Test func theFirstGradientThatIsNotFiniteIsNamedWithItsWeights() throws {
    let linear = try #require(try probe(SpoilingBackend(spoiled: "linear", side: .gradient)).found)
    #expect(linear.operation == "linear" && linear.isGradient)
    #expect(linear.names == ["second.weight"], "the way back begins at the end")
    let gate = try #require(try probe(SpoilingBackend(spoiled: "swiglu", side: .gradient)).found)
    #expect(gate.operation == "swiglu" && gate.isGradient && gate.names == ["first.weight"] && !gate.readsNamed)
  }

  @Test func everyTensorSaysWhetherItIsFinite() {
    for device in [Device.cpu(), .reference()] {
      let sound = Tensor([1, -3.4e38, 0], shape: [3], on: device)
      #expect(sound.isFinite && Tensor([Int32.max], shape: [1], on: device).isFinite)
      for wrong in [Float.nan, .infinity, -.infinity] {
        let tensor = Tensor([1, 2, wrong], shape: [3], on: device)
        #expect(!tensor.isFinite && !tensor.cast(to: .bfloat16).isFinite && !tensor.cast(to: .float16).isFinite)
      }
      #expect(Tensor([Float](), shape: [0], on: device).isFinite)
    }
  }
}
