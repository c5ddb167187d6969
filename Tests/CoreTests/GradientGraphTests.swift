// The graph of gradients, and models as values: depth, snapshots, sharing between tasks.
import CPUBackend
import Foundation
import Layers
import ReferenceBackend
import Tensors
import Testing

/// Runs `body` on a thread whose stack a recursion over the graph would overflow.
private func onASmallStack<Result: Sendable>(_ body: @escaping @Sendable () -> Result) async -> Result {
  await withCheckedContinuation { continuation in
    let thread = Thread { continuation.resume(returning: body()) }
    thread.stackSize = 1 << 19
    thread.start()
  }
}

private struct Pair: Module {
  var first: Linear
  var second: Linear
  init(on device: Device) throws {
    let weights = Weights(FreshWeights(seed: 4, standardDeviation: 0.5, on: device))
    first = try Linear(6, 8, weights["first"])
    second = try Linear(8, 5, weights["second"])
  }
  mutating func visit(_ visitor: inout some ParameterVisitor) {
    visitor("first", &first)
    visitor("second", &second)
  }
  func scores(_ x: Tensor) -> Tensor { second(first(x).tanh()) }
}
private struct Halve: ParameterVisitor {
  var path: [String] = []
  mutating func visit(_ tensor: inout Tensor, isTrained: Bool) {
    var targets = [tensor.taken()]
    ScaledAddition(decay: 0.5, factor: 0)(&targets, [targets[0].detached() * 0])
    tensor = targets.removeLast()
  }
}

@Suite struct GradientGraphTests {
  @Test func gradientsFlowThroughAHundredThousandOperations() async {
    let gradient = await onASmallStack { () -> [Float]? in
      let inputs = Inputs([.floats([1, 2], [2])], on: .reference())
      return valueAndGradients(of: inputs) { inputs in
        (0..<100_000).reduce(inputs.tensors[0]) { x, _ in x + inputs.tensors[0] }.total()
      }.gradients.byName["0"]?.floats()
    }
    #expect(gradient == [100_001, 100_001])
  }

  @Test func aHundredThousandOperationsAreDroppedWithoutRecursion() async {
    let isTracked = await onASmallStack { () -> Bool in
      let inputs = Inputs([.floats([1, 2], [2])], on: .reference())
      var wasTracked = false
      _ = valueAndGradients(of: inputs) { inputs in
        // The chain is dropped here: the loss does not depend on it.
        wasTracked = (0..<100_000).reduce(inputs.tensors[0]) { x, _ in x + inputs.tensors[0] }.isTracked
        return inputs.tensors[0].total()
      }
      return wasTracked
    }
    #expect(isTracked)
  }

  @Test func aValueUsedTwiceGathersBothGradients() {
    let inputs = Inputs([.floats([3, -2], [2]), .floats([5, 7], [2])], on: .reference())
    let found = valueAndGradients(of: inputs) { inputs in
      let product = inputs.tensors[0] * inputs.tensors[0] * inputs.tensors[1]
      return (product + product * inputs.tensors[0]).total()
    }
    // d/dx (x²y + x³y) = 2xy + 3x²y; d/dy = x² + x³.
    #expect(found.gradients.byName["0"]?.floats() == [30 + 135, -28 + 84])
    #expect(found.gradients.byName["1"]?.floats() == [9 + 27, 4 - 8])
  }

  @Test func whatTheLossIgnoresHasNoGradientAndTheModelStaysUntracked() {
    let inputs = Inputs([.floats([3], [1]), .floats([5], [1])], on: .cpu())
    let found = valueAndGradients(of: inputs) { $0.tensors[0].detached().maximum($0.tensors[1]).total() }
    #expect(found.gradients.byName.keys.sorted() == ["1"])
    #expect(!found.value.isTracked && !inputs.tensors[0].isTracked)
    let constant = valueAndGradients(of: inputs) { $0.tensors[0].detached().total() }
    #expect(constant.gradients.byName.isEmpty && constant.value.scalar() == 3)
  }

  @Test func aSnapshotIsAFrozenReference() throws {
    let device = Device.cpu()
    var policy = try Pair(on: device)
    let frozen = policy
    let x = Operand.random([4, 6], seed: 2).tensor(on: device)
    let before = policy.scores(x).floats()
    var halve = Halve()
    policy.visit(&halve)
    #expect(frozen.scores(x).floats() == before)
    #expect(distance(policy.scores(x).floats(), before) > 0.01)
  }

  @Test func aModelCrossesTasks() async throws {
    let device = Device.cpu(threads: 2)
    let model = try Pair(on: device)
    let x = Operand.random([4, 6], seed: 2).tensor(on: device)
    let expected = model.scores(x).floats()
    let results = await withTaskGroup(of: [Float].self) { group in
      for _ in 0..<16 {
        group.addTask {
          valueAndGradients(of: model) { $0.scores(x).total() }.value.floats() + model.scores(x).floats()
        }
      }
      return await group.reduce(into: [[Float]]()) { $0.append($1) }
    }
    #expect(results.count == 16)
    #expect(Set(results).count == 1)
    #expect(results[0].dropFirst() == expected[...])
  }

  @Test func parametersAreNamedByTheirPathsInOrder() throws {
    #expect(try Pair(on: .reference()).parameters.map(\.name) == ["first.weight", "second.weight"])
  }

  @Test(arguments: [0, 1, 7, 4096, 4099, 50_000])
  func theSumOfSquaresHasTheSameBitsOnEveryBackendAndForAnyThreads(_ count: Int) {
    let x = Operand.random([count], seed: 3)
    let expected = x.tensor(on: .reference()).sumOfSquares()
    for threads in 1...3 {
      #expect(x.tensor(on: .cpu(threads: threads)).sumOfSquares().bitPattern == expected.bitPattern)
    }
  }

  @Test func whatAddsToAGradientThatIsThereGivesTheSumOfTheDefinition() {
    let operands: [Operand] = [.random([40, 8], seed: 1), .random([8, 8], seed: 2), .random([8], seed: 3)]
    func gradients(on device: Device) -> [[UInt32]?] {
      let (_, found) = valueAndGradients(of: Inputs(operands, on: device)) { inputs in
        let (x, w, scale) = (inputs.tensors[0], inputs.tensors[1], inputs.tensors[2])
        let index = Tensor((0..<60).map { Int32($0 * 7 % 40) }, shape: [60], on: device)
        let grouped = GroupedLinearProduct(offsets: [0, 25, 60], partsPerGroup: 1)([x.gatherRows(index), w, w])
        // A sum hands one gradient to both operands: adding to that of x must leave the other as it is.
        let y = x + LinearProduct()(x, w) + RMSNormalization(epsilon: 1e-5)(x, scale)
        return ((y + LinearProduct()(y, w, w).slice(4..<12, axis: 1)) * x).total() + (grouped * grouped).total()
      }
      return ["0", "1", "2"].map { found.byName[$0].map { $0.floats().map(\.bitPattern) } }
    }
    let expected = gradients(on: .reference())
    let native = gradients(on: .cpu())
    for (own, other) in zip(native, expected) {
      let (own, other) = ((own ?? []).map(Float.init(bitPattern:)), (other ?? []).map(Float.init(bitPattern:)))
      #expect(own.count == other.count && !own.isEmpty)
      #expect(distance(own, other) <= 1e-4)
    }
    #expect(gradients(on: .cpu(threads: 3)) == native)
  }

  @Test func gradientsThatMeetDoNotChangeThoseThatOthersHold() {
    for device in [Device.cpu(), .reference()] {
      let inputs = Inputs([.floats([1, -2, 3], [3]), .floats([1, -2, 3], [3])], on: device)
      // Both operands of a sum have one gradient between them; each then meets another.
      let (_, gradients) = valueAndGradients(of: inputs) { inputs in
        let (a, b) = (inputs.tensors[0], inputs.tensors[1])
        let sum = a + b
        return (sum + sum * sum + a * 3 + b * 5).total()
      }
      #expect(gradients.byName["0"]?.floats() == [8, -4, 16])
      #expect(gradients.byName["1"]?.floats() == [10, -2, 18])
    }
  }

  @Test func theNormOfGradientsIsTheRootOfTheSumOfSquares() {
    let device = Device.cpu()
    let values = Operand.random([9000], seed: 1).tensor(on: device)
    let exact = values.floats().reduce(0.0) { $0 + Double($1) * Double($1) }
    #expect(abs(values.sumOfSquares() - exact) <= 1e-9 * exact)
    let gradients = Gradients(byName: [
      "b": Tensor([3.0], shape: [1], on: device), "a": Tensor([4.0], shape: [1], on: device),
    ])
    #expect(gradients.norm() == 5)
  }
}
