// Every primitive against its definition, and every entry of the gradient table against finite differences.
import CPUBackend
import Layers
import ReferenceBackend
import Synchronization
import Tensors
import Testing

/// The reference backend, remembering which primitives it was asked for.
private final class RecordingBackend: Backend {
  let name = "recording"
  let seen = Mutex<Set<PrimitiveKind>>([])
  private let reference = ReferenceBackend()
  func allocate(byteCount: Int) -> Storage { reference.allocate(byteCount: byteCount) }
  func write(_ bytes: UnsafeRawBufferPointer, to storage: Storage) { reference.write(bytes, to: storage) }
  func read(_ storage: Storage, into bytes: UnsafeMutableRawBufferPointer) { reference.read(storage, into: bytes) }
  func evaluate(_ call: Call) -> Storage {
    seen.withLock { _ = $0.insert(PrimitiveKind(call.primitive)) }
    return reference.evaluate(call)
  }
}

@Suite struct PrimitiveTests {
  @Test func everyPrimitiveHasARowThatRunsIt() {
    var proven: Set<PrimitiveKind> = []
    for row in PrimitiveRow.all {
      let backend = RecordingBackend()
      let device = Device(backend)
      _ = row.run(row.operands.map { $0.tensor(on: device) })
      if backend.seen.withLock({ $0.contains(row.kind) }) { proven.insert(row.kind) }
    }
    let missing = Set(PrimitiveKind.allCases).subtracting(proven).map(\.rawValue).sorted()
    #expect(missing == [], "no row of the table runs these primitives")
  }

  @Test func everySmoothPrimitiveHasARowSmallEnoughToDifferentiate() {
    let small = Set(PrimitiveRow.all.filter { $0.isSmall && $0.operands[0].shape.count > 1 }.map(\.kind))
    #expect(Set(PrimitiveKind.allCases).subtracting(small).map(\.rawValue) == [])
  }

  @Test(arguments: PrimitiveRow.all)
  func processorAgreesWithTheDefinition(_ row: PrimitiveRow) {
    let slow = Evaluation(Inputs(row.operands, on: .reference()), row.run)
    for set in InstructionSet.available {
      for threads in [1, 3] {
        let fast = Evaluation(Inputs(row.operands, on: .cpu(set, threads: threads)), row.run)
        #expect(fast.shape == slow.shape)
        let error = distance(fast.output, slow.output)
        #expect(error <= 3e-5, "values on \(set) with \(threads) threads differ by \(error)")
        for (i, (f, s)) in zip(fast.gradients, slow.gradients).enumerated() {
          guard let f, let s else { continue }
          let error = distance(f, s)
          #expect(error <= 1e-4, "gradient of operand \(i) on \(set) with \(threads) threads differs by \(error)")
        }
      }
    }
  }

  @Test(arguments: PrimitiveRow.all.filter { $0.isSmall && $0.kind.isSmooth })
  func gradientAgreesWithFiniteDifferences(_ row: PrimitiveRow) throws {
    let step: Float = 0x1p-8
    let device = Device.reference()
    let analytic = Evaluation(Inputs(row.operands, on: device), row.run).gradients
    for (which, operand) in row.operands.enumerated() {
      guard case .floats(let values, let shape) = operand else { continue }
      func value(_ i: Int, _ by: Float) -> Double {
        var (nudged, operands) = (values, row.operands)
        nudged[i] += by
        operands[which] = .floats(nudged, shape)
        let output = row.run(operands.map { $0.tensor(on: device) })
        let weights = Operand.random([output.shape.count], seed: 99).tensor(on: device).floats()
        return zip(output.floats(), weights).reduce(0) { $0 + Double($1.0) * Double($1.1) }
      }
      for i in values.indices {
        let numeric = (value(i, step) - value(i, -step)) / Double(2 * step)
        let found = Double(try #require(analytic[which])[i])
        #expect(
          abs(numeric - found) <= 2e-3 * Swift.max(1, abs(numeric)), "operand \(which)[\(i)]: \(numeric), \(found)")
      }
    }
  }

  @Test func equalOperandsOfMaximumGiveTheGradientToTheFirst() {
    for device in [Device.reference(), .cpu()] {
      let same = Operand.floats([1, -2, 0], [3])
      let found = valueAndGradients(of: Inputs([same, same], on: device)) {
        $0.tensors[0].maximum($0.tensors[1]).total()
      }
      #expect(found.gradients.byName["0"]?.floats() == [1, 1, 1])
      #expect(found.gradients.byName["1"]?.floats() == [0, 0, 0])
    }
  }

  @Test func maximaNeverHideWhatIsNotANumber() {
    let (a, b): ([Float], [Float]) = ([.nan, 1, .nan, 2, -.infinity], [1, .nan, .nan, -3, -.infinity])
    for device in [Device.reference()] + InstructionSet.available.map({ Device.cpu($0) }) {
      let (x, y) = (Tensor(a, shape: [5], on: device), Tensor(b, shape: [5], on: device))
      #expect(distance(x.maximum(y).floats(), [.nan, .nan, .nan, 2, -.infinity]) == 0, "\(device.backend.name)")
      let rows = Tensor.concatenated([x, y], axis: 0).reshaped([2, 5])
      #expect(distance(rows.max(axis: 0).floats(), [.nan, .nan, .nan, 2, -.infinity]) == 0, "\(device.backend.name)")
      #expect(rows.max(axis: 1).floats().allSatisfy { $0.isNaN }, "\(device.backend.name)")
    }
  }
}
