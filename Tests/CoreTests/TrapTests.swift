// What would read or write outside a tensor's memory traps instead, in Swift, before any kernel runs.
import Autograd
import BlockFormats
import CPUBackend
import ReferenceBackend
import Tensors
import Testing

private func device(_ isReference: Bool) -> Device { isReference ? .reference() : .cpu() }
private func index(_ i: Int32, on device: Device) -> Tensor { Tensor([i], shape: [1], on: device) }

private func replaceRow(_ i: Int32, on device: Device) {
  var table = [Tensor(repeating: 0, shape: [6, 5], on: device)]
  RowReplacement()(&table, [Tensor(repeating: 1, shape: [1, 5], on: device), index(i, on: device)])
}
private func multiplyThreeRows(_ offsets: [Int], on device: Device) {
  let weights = offsets.dropFirst().map { _ in Tensor(repeating: 1, shape: [2, 4], on: device) }
  let operation = GroupedLinearProduct(offsets: offsets, partsPerGroup: 1)
  _ = operation([Tensor(repeating: 1, shape: [3, 4], on: device)] + weights)
}
private func moveByIndex(_ i: Int32) {
  let device = Device.cpu()
  let x = Tensor(repeating: 1, shape: [1, 6], on: device)
  _ = x.reshaped([6, 1]).gatherRows(index(i, on: device))
  _ = x.scatterAddRows(index(i, on: device), count: 6)
  _ = x.takeAlongRows(index(i, on: device).reshaped([1, 1]))
  _ = x.slice(0..<1, axis: 1).putAlongRows(index(i, on: device).reshaped([1, 1]), width: 6)
}

@Suite struct TrapTests {
  @Test(arguments: [Int32(-1), 6], [false, true])
  func replacingARowThatATableDoesNotHaveTraps(_ i: Int32, _ isReference: Bool) async {
    await #expect(processExitsWith: .failure) { [i, isReference] in replaceRow(i, on: device(isReference)) }
  }

  @Test(arguments: [[0], [1, 3], [0, 2, 1, 3], [0, 2], [0, 4]], [false, true])
  func offsetsThatDoNotCoverTheRowsInOrderTrap(_ offsets: [Int], _ isReference: Bool) async {
    await #expect(processExitsWith: .failure) { [offsets, isReference] in
      multiplyThreeRows(offsets, on: device(isReference))
    }
  }

  @Test func anIndexBeyondItsTableTraps() async {
    await #expect(processExitsWith: .failure) {
      let device = Device.cpu()
      _ = Tensor(repeating: 1, shape: [6, 1], on: device).gatherRows(index(6, on: device))
    }
    await #expect(processExitsWith: .failure) {
      let device = Device.cpu()
      _ = Tensor(repeating: 1, shape: [1, 6], on: device).scatterAddRows(index(6, on: device), count: 6)
    }
    await #expect(processExitsWith: .failure) {
      let device = Device.cpu()
      _ = Tensor(repeating: 1, shape: [1, 6], on: device).takeAlongRows(index(-1, on: device).reshaped([1, 1]))
    }
    await #expect(processExitsWith: .failure) {
      let device = Device.cpu()
      _ = Tensor(repeating: 1, shape: [1, 1], on: device).putAlongRows(index(6, on: device).reshaped([1, 1]), width: 6)
    }
  }

  @Test func whatLiesInsideDoesNotTrap() async {
    await #expect(processExitsWith: .success) {
      for isReference in [false, true] {
        replaceRow(5, on: device(isReference))
        multiplyThreeRows([0, 2, 2, 3], on: device(isReference))
      }
      moveByIndex(0)
      moveByIndex(5)
    }
  }
}

extension TrapTests {
  @Test func whatBlocksCannotDoTraps() async {
    await #expect(processExitsWith: .failure) { _ = blocks() + blocks() }
    await #expect(processExitsWith: .failure) { _ = blocks().transposed }
    await #expect(processExitsWith: .failure) { _ = Tensor(repeating: 1, shape: [1, 32], on: .cpu()).cast(to: .q8_0) }
    await #expect(processExitsWith: .failure) { _ = LinearProduct(.bfloat16)(ones(), blocks()) }
    await #expect(processExitsWith: .failure) { _ = LinearProduct()(ones().tracked(), blocks()) }
    await #expect(processExitsWith: .failure) {
      _ = HeadwiseProduct(heads: 1, offset: 0, width: 2, isTransposed: false)(ones(2), blocks())
    }
    await #expect(processExitsWith: .success) { _ = LinearProduct()(ones(), blocks()) }
  }
}

private func ones(_ width: Int = 32) -> Tensor { Tensor(repeating: 1, shape: [1, width], on: .cpu()) }
private func blocks() -> Tensor { QuantisedWeight(.q8_0, 2, 32, seed: 1).tensor(on: .cpu()) }
