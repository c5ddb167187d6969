// Every accelerated operation equals its own definition, forward and backward, with every instruction set.
import CPUBackend
import Layers
import ReferenceBackend
import Tensors
import Testing

@Suite struct FusedOperationTests {
  /// The definition on the reference backend, which accelerates nothing.
  private func definition(_ row: FusedCase) -> Evaluation {
    Evaluation(Inputs(row.operands, tracked: row.tracked, on: .reference())) { row.operation($0) }
  }

  @Test(arguments: FusedCase.all)
  func acceleratedOutputAndGradientAreTheDefinitions(_ row: FusedCase) throws {
    let slow = definition(row)
    for set in InstructionSet.available {
      let device = Device.cpu(set)
      let inputs = Inputs(row.operands, tracked: row.tracked, on: device)
      _ = try #require(device.backend.accelerate(row.operation, inputs.tensors), "\(set) does not accelerate this")
      let fast = Evaluation(inputs) { row.operation($0) }
      #expect(fast.shape == slow.shape)
      let error = distance(fast.output, slow.output)
      #expect(error <= 3e-5, "output on \(set) differs by \(error)")
      for (i, (f, s)) in zip(fast.gradients, slow.gradients).enumerated() {
        guard let f, let s else { continue }
        let error = distance(f, s)
        #expect(error <= 1e-4, "gradient of input \(i) on \(set) differs by \(error)")
      }
    }
  }

  @Test func everyFusedOperationHasACase() {
    let covered = Set(FusedCase.all.map { $0.operation.name })
    #expect(
      covered == [
        "linear", "grouped-linear", "headwise", "rms-norm", "rotary", "causal-attention", "swiglu", "cross-entropy",
        "expert-combine", "gated-feed-forward", "softmax",
      ])
  }

  /// Leaves freed blocks full of NaN in the backend's pool, so that memory nobody wrote shows.
  private func poison(_ device: Device, byteCount: Int) {
    let blocks = (0..<8).map { _ in device.backend.allocate(byteCount: byteCount) }
    for block in blocks {
      [Float](repeating: .nan, count: byteCount / 4).withUnsafeBytes { device.backend.write($0, to: block) }
    }
  }

  @Test func rowsThatNoTokenChoseHaveNoGradient() throws {
    let device = Device.cpu()
    let operands: [Operand] = [.random([5, 8], seed: 1), .random([2, 2], seed: 2), .integers([4, 0, 1, 3], [2, 2])]
    let inputs = Inputs(operands, on: device)
    for bytes in [32, 160, 256] { poison(device, byteCount: bytes) }
    let fast = Evaluation(inputs) { ExpertCombine()($0) }
    let slow = Evaluation(Inputs(operands, on: .reference())) { ExpertCombine()($0) }
    #expect(distance(try #require(fast.gradients[0]), try #require(slow.gradients[0])) <= 1e-5)
  }

  @Test func noOutputHoldsMemoryThatNobodyWrote() {
    for row in FusedCase.all {
      let device = Device.cpu(threads: 1)
      let inputs = Inputs(row.operands, tracked: row.tracked, on: device)
      for power in 6..<16 { poison(device, byteCount: 1 << power) }
      let found = Evaluation(inputs) { row.operation($0) }
      #expect(found.output.allSatisfy { $0.isFinite }, "output of \(row.testDescription)")
      #expect(
        found.gradients.allSatisfy { g in (g ?? []).allSatisfy { $0.isFinite } }, "gradient of \(row.testDescription)")
    }
  }

  @Test func aFeedForwardLayerIsItsPartsBitForBit() {
    let (width, inner, offsets) = (70, 40, [0, 90, 90, 300])
    let weights: [Operand] = (0..<3).flatMap { group -> [Operand] in
      let seed = UInt64(group) * 3 + 2
      return [
        .random([inner, width], seed: seed), .random([inner, width], seed: seed + 1),
        .random([width, inner], seed: seed + 2),
      ]
    }
    for set in InstructionSet.available {
      let inputs = Inputs([.random([300, width], seed: 1)] + weights, on: .cpu(set))
      // The input has a gradient from elsewhere, which both go on from.
      let layer = GatedFeedForward(offsets: offsets)
      let whole = Evaluation(inputs) { $0[0] + layer($0) }
      let parts = Evaluation(inputs) { $0[0] + layer.definition($0) }
      #expect(bits(whole.output) == bits(parts.output), "\(set)")
      for (i, (a, b)) in zip(whole.gradients, parts.gradients).enumerated() {
        #expect(a.map(bits) == b.map(bits) && a != nil, "gradient of input \(i) on \(set)")
      }
    }
  }

  @Test func aWeightSeenInTwoShapesIsPackedForEach() {
    let operation = HeadwiseProduct(heads: 2, offset: 0, width: 2, isTransposed: false)
    let (x, w) = (Operand.random([3, 4], seed: 1), Operand.random([8, 6], seed: 2))
    let evaluate = { (device: Device) -> [[Float]] in
      let (x, w) = (x.tensor(on: device), w.tensor(on: device))
      return [operation(x, w).floats(), operation(x, w.reshaped([12, 4])).floats()]
    }
    let (fast, slow) = (evaluate(.cpu()), evaluate(.reference()))
    #expect(distance(fast[0], slow[0]) <= 1e-5)
    #expect(distance(fast[1], slow[1]) <= 1e-5)
  }

  @Test func whatKernelsDoNotReadIsTheDefinitionsToJudge() throws {
    let cases: [(any FusedOperation, [Operand])] = [
      (ExpertCombine(), [.random([5, 8], seed: 1), .random([2, 2], seed: 2), .integers([4, -1, 1, 3], [2, 2])]),
      // Rows of the weight and columns of the input that no head owns, and heads that share rows.
      (
        HeadwiseProduct(heads: 2, offset: 1, width: 3, isTransposed: false),
        [.random([4, 7], seed: 1), .random([9, 5], seed: 2)]
      ),
      (
        HeadwiseProduct(heads: 2, offset: 2, width: 3, isTransposed: true),
        [.random([4, 10], seed: 1), .random([9, 5], seed: 2)]
      ),
      (SwiGLU(), [.random([3, 7], seed: 1)]),
    ]
    for (operation, operands) in cases {
      let fast = Evaluation(Inputs(operands, on: .cpu())) { operation($0) }
      let slow = Evaluation(Inputs(operands, on: .reference())) { operation($0) }
      #expect(fast.shape == slow.shape && distance(fast.output, slow.output) <= 1e-5, "\(operation.name)")
      for (f, s) in zip(fast.gradients, slow.gradients) where s != nil {
        #expect(distance(try #require(f), try #require(s)) <= 1e-5, "gradient of \(operation.name)")
      }
    }
  }

  @Test func everyUpdateOfAWeightMakesItsPackedFormsAnew() {
    let updates: [(any FusedUpdate, targets: Int, inputs: [Operand])] = [
      (
        AdamWUpdate(
          learningRate: 0.1, beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.1, step: 3, gradientScale: 1),
        3, [.random([8, 4], seed: 5)]
      ),
      (ScaledAddition(decay: 0.5, factor: 2), 1, [.random([8, 4], seed: 5)]),
      (RowReplacement(), 1, [.random([2, 4], seed: 5), .integers([6, 1], [2])]),
    ]
    for (update, count, inputs) in updates {
      let results = [Device.cpu(), .reference()].map { device in
        let x = Operand.random([3, 4], seed: 1).tensor(on: device)
        func products(_ weight: Tensor) -> [Float] {
          LinearProduct()(x, weight).floats()
            + HeadwiseProduct(heads: 2, offset: 1, width: 2, isTransposed: false)(x, weight).floats()
        }
        var targets = [Operand.random([8, 4], seed: 2).tensor(on: device)]
        for _ in 1..<count { targets.append(Tensor(repeating: 0.5, shape: [8, 4], on: device)) }
        _ = products(targets[0])
        update(&targets, inputs.map { $0.tensor(on: device) })
        return products(targets[0])
      }
      #expect(distance(results[0], results[1]) <= 1e-5, "\(update.name)")
    }
  }

  @Test func aChangedWeightIsPackedAnew() {
    let device = Device.cpu()
    let x = Operand.random([3, 5], seed: 1).tensor(on: device)
    var weight = [Operand.random([4, 5], seed: 2).tensor(on: device)]
    let before = LinearProduct()(x, weight[0]).floats()
    ScaledAddition(decay: 2, factor: 0)(&weight, [Tensor(repeating: 1, shape: [4, 5], on: device)])
    #expect(LinearProduct()(x, weight[0]).floats() == before.map { $0 * 2 })
  }
}
