// What is computed once more on the way back: equal gradients, less memory in between, and no more work than said.
import CPUBackend
import Layers
import ReferenceBackend
import Synchronization
import Tensors
import Testing

/// A norm, a gated layer and a table, with something recomputed from something recomputed.
private struct Network: Module {
  var norm: RMSNorm
  var forward: FeedForward
  var last: Linear
  init(on device: Device) throws {
    let weights = Weights(FreshWeights(seed: 1, standardDeviation: 0.3, on: device))
    norm = try RMSNorm(48, epsilon: 1e-6, weights["norm"])
    forward = try FeedForward(48, inner: 96, weights["forward"])
    last = try Linear(48, 33, weights["last"])
  }
  mutating func visit(_ visitor: inout some ParameterVisitor) {
    visitor("norm", &norm)
    visitor("forward", &forward)
    visitor("last", &last)
  }

  func scores(_ x: Tensor, in precision: Precision = .float32, recomputes: Bool) -> Tensor {
    var recomputed = Recomputation(isOn: recomputes)
    defer { recomputed.giveBack() }
    let normed = recomputed(x) { [norm] in norm($0) }
    let rows = recomputed(normed) { $0.gatherRows(Tensor([2, 0, 2, 5, 7] as [Int32], shape: [5], on: $0.device)) }
    // The gradient of a sigmoid reads its own result.
    let gated = recomputed(rows) { $0.sigmoid() }
    let y = last(x + forward(normed, in: precision, recomputes: recomputes) * normed, in: precision)
    return Tensor.concatenated([y, last(rows * gated, in: precision)], axis: 0)
  }
}

private func bits(_ gradients: Gradients) -> [String: [UInt32]] {
  gradients.byName.mapValues { $0.floats().map(\.bitPattern) }
}

/// How often something has happened.
private final class Count: Sendable {
  private let value = Mutex(0)
  var now: Int { value.withLock { $0 } }
  func add() { value.withLock { $0 += 1 } }
}

@Suite struct RecomputationTests {
  @Test(arguments: ["scalar", "best", "two threads", "reference"], Precision.allCases)
  func gradientsAreTheSameBits(backend: String, precision: Precision) throws {
    let device =
      switch backend {
      case "scalar": Device(CPUBackend(threads: 1, instructionSet: .scalar))
      case "best": Device(CPUBackend(threads: 1))
      case "two threads": Device(CPUBackend(threads: 2))
      default: Device(ReferenceBackend())
      }
    let model = try Network(on: device)
    let x = Operand.random([40, 48], seed: 3).tensor(on: device)
    let kept = valueAndGradients(of: model) { weightedTotal($0.scores(x, in: precision, recomputes: false)) }
    let again = valueAndGradients(of: model) { weightedTotal($0.scores(x, in: precision, recomputes: true)) }
    #expect(kept.value.scalar().bitPattern == again.value.scalar().bitPattern)
    #expect(kept.gradients.byName.keys.sorted() == model.parameters.map(\.name).sorted())
    #expect(kept.gradients.norm() > 1)
    #expect(bits(kept.gradients) == bits(again.gradients))
  }

  /// Between forward and back: norm [40, 48], rows and gates [5, 48] are not held, nor is the output of SwiGLU [40, 96],
  /// which would wait in `precision`; nor does what enters SwiGLU wait twice. In fp8 norms wait as codes of one byte. In
  /// float32 and fp8 the output of SwiGLU is made again in any case.
  @Test(arguments: Precision.allCases)
  func whatIsRecomputedIsNotHeldBetweenForwardAndBack(precision: Precision) throws {
    let backend = CPUBackend(threads: 1)
    let model = try Network(on: Device(backend))
    let x = Operand.random([40, 48], seed: 3).tensor(on: Device(backend))
    func held(recomputes: Bool) -> Int {
      var held = 0
      _ = valueAndGradients(of: model) { model in
        let scores = model.scores(x, in: precision, recomputes: recomputes)
        held = backend.memoryStatistics.bytesInUse
        return weightedTotal(scores)
      }
      return held
    }
    // The codes of weights are made once and stay.
    _ = held(recomputes: false)
    let before = backend.memoryStatistics.bytesInUse
    let saved = held(recomputes: false) - held(recomputes: true)
    let least =
      switch precision {
      case .float32: (40 * 48 + 2 * 5 * 48) * 4
      case .bfloat16: (40 * 48 + 2 * 5 * 48) * 4 + 40 * 96 * 2
      case .float8: 40 * 48 + 2 * 5 * 48
      }
    #expect(saved >= least, "\(saved) bytes")
    #expect(precision != .float32 || saved < 40 * 96 * 4, "\(saved) bytes: what leaves SwiGLU was held")
    #expect(backend.memoryStatistics.bytesInUse == before)
  }

  @Test func theRecipeRunsOnceMoreGoingBackAndNotWithoutGradients() throws {
    let device = Device.cpu()
    let inputs = Inputs([Operand.random([6, 8], seed: 1), Operand.random([8], seed: 2)], on: device)
    let count = Count()
    func value(_ tensors: [Tensor], isOn: Bool) -> Tensor {
      var recomputed = Recomputation(isOn: isOn)
      defer { recomputed.giveBack() }
      let weight = tensors[1]
      let normed = recomputed(tensors[0]) {
        count.add()
        return RMSNormalization(epsilon: 1e-6)($0, weight)
      }
      // Three readers, one of which needs no bytes.
      return (normed * normed + normed.exp() * normed).total()
    }
    _ = value(inputs.tensors, isOn: true)
    #expect(count.now == 1, "nothing is tracked, so nothing is given back")
    _ = valueAndGradients(of: inputs) { value($0.tensors, isOn: false) }
    #expect(count.now == 2)
    _ = valueAndGradients(of: inputs) { value($0.tensors, isOn: true) }
    #expect(count.now == 4)
  }

  @Test func readingWhatWasGivenBackTraps() async {
    await #expect(processExitsWith: .failure) {
      let inputs = Inputs([.floats([1, 2], [2])], on: .cpu())
      _ = valueAndGradients(of: inputs) { inputs in
        var recomputed = Recomputation(isOn: true)
        let doubled = recomputed(inputs.tensors[0]) { $0 * 2 }
        recomputed.giveBack()
        return doubled.total()
      }
    }
    await #expect(processExitsWith: .success) {
      let inputs = Inputs([.floats([1, 2], [2])], on: .cpu())
      _ = valueAndGradients(of: inputs) { inputs in
        var recomputed = Recomputation(isOn: true)
        let total = recomputed(inputs.tensors[0]) { $0 * 2 }.exp().total()
        recomputed.giveBack()
        return total
      }
    }
  }

  @Test func aGraphThatIsDroppedGivesEverythingBack() throws {
    let backend = CPUBackend(threads: 1)
    let model = try Network(on: Device(backend))
    let x = Operand.random([40, 48], seed: 3).tensor(on: Device(backend))
    let before = backend.memoryStatistics.bytesInUse
    // The loss does not depend on what is recomputed.
    let gradients = valueAndGradients(of: model) { model in
      _ = model.scores(x, recomputes: true)
      return model.norm.weight.total()
    }.gradients.byName.keys.sorted()
    #expect(gradients == ["norm.weight"])
    #expect(backend.memoryStatistics.bytesInUse == before)
  }

  /// Sums of tensors that nobody else holds: the gradient needs to know that they were there, not what they were.
  @Test func theGraphHoldsNoOperandThatItsGradientDoesNotRead() {
    let backend = CPUBackend(threads: 1)
    let x = Operand.random([4096], seed: 5)
    let inputs = Inputs([x], on: Device(backend))
    var held = 0
    let gradient = valueAndGradients(of: inputs) { inputs in
      let before = backend.memoryStatistics.bytesInUse
      let sum = (0..<10).reduce(inputs.tensors[0]) { y, _ in
        (y + inputs.tensors[0]).reshaped([64, 64]).reshaped([4096])
      }
      held = backend.memoryStatistics.bytesInUse - before
      return sum.total()
    }.gradients.byName["0"]?.floats()
    #expect(held == 4096 * 4, "one sum of ten is still held")
    #expect(gradient == [Float](repeating: 11, count: 4096))
  }

  /// The packed weights of the way forward: their memory is what the gradients need.
  @Test func packedWeightsAreGivenBackBeforeTheWayBack() throws {
    let backend = CPUBackend(threads: 1)
    let model = try Network(on: Device(backend))
    let x = Operand.random([40, 48], seed: 3).tensor(on: Device(backend))
    let before = backend.memoryStatistics.bytesInUse
    _ = model.scores(x, recomputes: false).floats()
    let packed = backend.memoryStatistics.bytesInUse - before
    #expect(packed >= (3 * 48 * 96 + 48 * 33) * 4)
    _ = valueAndGradients(of: model) { weightedTotal($0.scores(x, recomputes: false)) }
    #expect(backend.memoryStatistics.bytesInUse == before)
  }
}
