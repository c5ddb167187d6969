// Updates in place equal their definitions, and never change a value that somebody else still holds.
import CPUBackend
import ReferenceBackend
import Tensors
import Testing

/// One update with its targets and inputs.
struct UpdateCase: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let update: any FusedUpdate
  let targets: [Operand]
  let inputs: [Operand]

  static let all: [UpdateCase] =
    [1, 7, 40, 70_001].flatMap { count in
      [
        UpdateCase(
          testDescription: "adamw of \(count)",
          update: AdamWUpdate(
            learningRate: 0.1, beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.1, step: 3, gradientScale: 0.5),
          targets: [.random([count], seed: 1), .random([count], seed: 2), square(.random([count], seed: 3))],
          inputs: [.random([count], seed: 4)]),
        UpdateCase(
          testDescription: "scaled addition of \(count)", update: ScaledAddition(decay: 0.9, factor: -0.3),
          targets: [.random([count], seed: 1)], inputs: [.random([count], seed: 2)]),
        UpdateCase(
          testDescription: "undecayed addition of \(count)", update: ScaledAddition(decay: 1, factor: 2),
          targets: [.random([count], seed: 1)], inputs: [.random([count], seed: 2)]),
      ]
    } + [
      UpdateCase(
        testDescription: "row replacement", update: RowReplacement(), targets: [.random([6, 5], seed: 1)],
        inputs: [.random([3, 5], seed: 2), .integers([4, 0, 5], [3])]),
      UpdateCase(
        testDescription: "replacement of no rows", update: RowReplacement(), targets: [.random([6, 5], seed: 1)],
        inputs: [.floats([], [0, 5]), .integers([], [0])]),
    ]
  private static func square(_ operand: Operand) -> Operand {
    guard case .floats(let values, let shape) = operand else { return operand }
    return .floats(values.map { $0 * $0 }, shape)
  }
}

@Suite struct FusedUpdateTests {
  @Test(arguments: UpdateCase.all)
  func acceleratedUpdateIsTheDefinitionAndHappensInPlace(_ row: UpdateCase) {
    let reference = Device.reference()
    let expected = row.update.definition(
      row.targets.map { $0.tensor(on: reference) }, row.inputs.map { $0.tensor(on: reference) })
    for set in InstructionSet.available {
      let device = Device.cpu(set)
      var targets = row.targets.map { $0.tensor(on: device) }
      let addresses = targets.map(\.storage.address)
      row.update(&targets, row.inputs.map { $0.tensor(on: device) })
      #expect(targets.map(\.storage.address) == addresses, "\(set) copied a target that nobody else held")
      for (i, (found, wanted)) in zip(targets, expected).enumerated() {
        let error = distance(found.floats(), wanted.floats())
        #expect(error <= 2e-5, "target \(i) on \(set) differs by \(error)")
      }
    }
  }

  @Test(arguments: UpdateCase.all)
  func aSnapshotKeepsItsValuesAndTheUpdateIsTheSame(_ row: UpdateCase) {
    let device = Device.cpu()
    let inputs = row.inputs.map { $0.tensor(on: device) }
    var alone = row.targets.map { $0.tensor(on: device) }
    row.update(&alone, inputs)
    var targets = row.targets.map { $0.tensor(on: device) }
    let snapshot = targets
    let before = snapshot.map { $0.bytes() }
    row.update(&targets, inputs)
    #expect(snapshot.map { $0.bytes() } == before)
    #expect(targets.map { $0.bytes() } == alone.map { $0.bytes() })
    for (now, old) in zip(targets, snapshot) { #expect(now.storage !== old.storage) }
  }

  /// The definition's order of rounding differs in last bits; among instruction sets no bit does.
  @Test(arguments: [1, 7, 40, 70_001]) func momentsInBFloat16AreTheDefinitionsAndTheSameOnEveryInstructionSet(
    _ count: Int
  ) {
    let update = AdamWUpdate(
      learningRate: 0.1, beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.1, step: 3, gradientScale: 0.5)
    func targets(on device: Device) -> [Tensor] {
      let weight = Operand.random([count], seed: 1).tensor(on: device)
      let first = Operand.random([count], seed: 2).tensor(on: device)
      let root = Operand.random([count], seed: 3).tensor(on: device)
      return [weight, first.cast(to: .bfloat16), (root * root).cast(to: .bfloat16)]
    }
    let slow = update.definition(
      targets(on: .reference()), [Operand.random([count], seed: 4).tensor(on: .reference())])
    #expect(slow.map(\.dtype) == [.float32, .bfloat16, .bfloat16])
    var results: [[[UInt8]]] = []
    for set in InstructionSet.available {
      var found = targets(on: .cpu(set))
      let addresses = found.map(\.storage.address)
      update(&found, [Operand.random([count], seed: 4).tensor(on: .cpu(set))])
      #expect(found.map(\.storage.address) == addresses, "\(set) copied a target that nobody else held")
      #expect(distance(found[0].floats(), slow[0].floats()) <= 2e-5)
      for i in 1...2 {
        let error = distance(found[i].cast(to: .float32).floats(), slow[i].cast(to: .float32).floats())
        #expect(error <= 0x1p-8, "moment \(i) on \(set) differs by \(error)")
      }
      results.append(found.map { $0.bytes() })
    }
    #expect(results.allSatisfy { $0 == results[0] })
  }

  @Test func oneSharedTargetDoesNotMakeTheOthersCopies() {
    let device = Device.cpu()
    var targets = (1...3).map { Operand.random([9], seed: $0).tensor(on: device) }
    let addresses = targets.map(\.storage.address)
    let weight = targets[0]
    AdamWUpdate(
      learningRate: 0.1, beta1: 0.9, beta2: 0.9, epsilon: 1e-8, weightDecay: 0, step: 1, gradientScale: 1
    )(&targets, [Tensor(repeating: 1, shape: [9], on: device)])
    #expect(targets[0].storage !== weight.storage)
    #expect(targets[1].storage.address == addresses[1] && targets[2].storage.address == addresses[2])
  }

  @Test func updatesDoNotDependOnTheNumberOfThreads() {
    for row in UpdateCase.all {
      let results = [1, 2, 3].map { threads in
        let device = Device.cpu(threads: threads)
        var targets = row.targets.map { $0.tensor(on: device) }
        row.update(&targets, row.inputs.map { $0.tensor(on: device) })
        return targets.map { $0.bytes() }
      }
      #expect(results[0] == results[1] && results[0] == results[2], "\(row.testDescription)")
    }
  }

  @Test func theBiasCorrectionIsOneMinusThePower() {
    #expect(AdamWUpdate.correction(0.5, 1) == 0.5)
    #expect(AdamWUpdate.correction(0.5, 3) == 0.875)
    #expect(AdamWUpdate.correction(0.999, 1_000_000) == 1)
    #expect(AdamWUpdate.correction(0.25, 0) == 0)
  }
}
