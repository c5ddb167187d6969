// Stored forms: movement keeps every dtype's bytes, and casts round as the definition does.
import CPUBackend
import ReferenceBackend
import Tensors
import Testing

extension DType {
  /// Those whose elements stand alone.
  static let standing = allCases.filter { !$0.isQuantised }
}

extension FusedOperation {
  /// Whether kernels widen sixteen-bit weights when they pack them.
  fileprivate var multipliesStoredWeights: Bool {
    switch self {
    case let linear as LinearProduct: linear.precision == .float32
    case let grouped as GroupedLinearProduct: grouped.precision == .float32
    case let headwise as HeadwiseProduct: headwise.precision == .float32
    default: false
    }
  }
}

@Suite struct DTypeTests {
  /// Six rows of four numbers that every dtype can hold differently.
  private func stored(_ dtype: DType, on device: Device) -> Tensor {
    let values = (0..<24).map { Float(($0 * 37) % 101) + Float($0) / 7 }
    let reference = Tensor(values, shape: [6, 4], on: .reference()).cast(to: dtype)
    return reference.bytes().withUnsafeBytes { Tensor(bytes: $0, shape: [6, 4], dtype: dtype, on: device) }
  }
  private static let movements: [(String, @Sendable (Tensor) -> Tensor)] = [
    ("reshape", { $0.reshaped([2, 3, 4]) }), ("transpose", { $0.transposed }),
    ("transpose of three axes", { $0.reshaped([2, 3, 4]).transposed([1, 2, 0]) }),
    ("broadcast", { $0.reshaped([6, 1, 4]).broadcast(to: [2, 6, 3, 4]) }),
    ("slice of rows", { $0.slice(1..<4, axis: 0) }), ("slice of columns", { $0.slice(1..<3, axis: 1) }),
    ("pad", { $0.padded(axis: 1, before: 1, after: 2) }),
    ("concatenate rows", { Tensor.concatenated([$0, $0.slice(0..<1, axis: 0)], axis: 0) }),
    ("concatenate columns", { Tensor.concatenated([$0, $0.slice(0..<1, axis: 1)], axis: 1) }),
  ]

  @Test(arguments: DType.standing)
  func movementKeepsEveryDTypeAndItsBytes(_ dtype: DType) {
    for (name, move) in Self.movements {
      let slow = move(stored(dtype, on: .reference()))
      #expect(slow.dtype == dtype)
      for set in InstructionSet.available {
        let fast = move(stored(dtype, on: .cpu(set)))
        #expect(fast.dtype == dtype && fast.shape == slow.shape, "\(name) on \(set)")
        #expect(fast.bytes() == slow.bytes(), "\(name) on \(set)")
      }
    }
  }

  @Test(arguments: DType.standing, DType.standing)
  func castsAgreeByteForByte(_ from: DType, _ to: DType) {
    let slow = stored(from, on: .reference()).cast(to: to)
    for set in InstructionSet.available {
      let fast = stored(from, on: .cpu(set)).cast(to: to)
      #expect(fast.dtype == to)
      #expect(fast.bytes() == slow.bytes(), "\(from) to \(to) on \(set)")
    }
  }

  @Test(arguments: [DType.bfloat16, .float16])
  func everyFloatThatAShortFormHoldsSurvivesTheRoundTrip(_ dtype: DType) {
    let patterns = (0...UInt16.max).map { $0 }
    for set in InstructionSet.available {
      let short = patterns.withUnsafeBytes { Tensor(bytes: $0, shape: [65_536], dtype: dtype, on: .cpu(set)) }
      let wide = short.cast(to: .float32)
      let values = wide.floats()
      let back = wide.cast(to: dtype).bytes().withUnsafeBytes { Array($0.bindMemory(to: UInt16.self)) }
      let changed = patterns.indices.filter { patterns[$0] != back[$0] && !values[$0].isNaN }
      #expect(changed.isEmpty, "\(changed.count) patterns change on \(set), first \(changed.first ?? 0)")
    }
  }

  @Test func arithmeticReadsEachOperandInItsOwnDType() {
    let numbers = { (device: Device) in Tensor([1.5, 2.5, -3], shape: [3], on: device) }
    let integers = { (device: Device) in Tensor([4, -5, 6] as [Int32], shape: [3], on: device) }
    let slow = numbers(.reference()) + integers(.reference())
    #expect(slow.floats() == [5.5, -2.5, 3])
    let device = Device.cpu()
    #expect((integers(device) + numbers(device)).floats() == slow.floats())
    #expect((numbers(device) + integers(device)).floats() == slow.floats())
  }

  @Test(arguments: [DType.bfloat16, .float16])
  func fusedOperationsReadEachInputInItsOwnDType(_ dtype: DType) {
    let evaluate = { (device: Device) -> [[Float]] in
      let x = Operand.random([2, 8], seed: 1).tensor(on: device)
      let weight = Operand.random([3, 8], seed: 2).tensor(on: device).cast(to: dtype)
      let scale = Operand.random([8], seed: 3).tensor(on: device).cast(to: dtype)
      return [LinearProduct()(x, weight).floats(), RMSNormalization(epsilon: 1e-6)(x, scale).floats()]
    }
    let (fast, slow) = (evaluate(.cpu()), evaluate(.reference()))
    #expect(distance(fast[0], slow[0]) <= 1e-5, "a stored weight")
    #expect(distance(fast[1], slow[1]) <= 1e-5, "a stored scale")
  }

  @Test(arguments: [DType.bfloat16, .float16], FusedCase.all.filter { $0.size <= 7000 })
  func aFusedOperationWithAnInputThatKernelsCannotReadRunsItsDefinition(_ dtype: DType, _ row: FusedCase) {
    for i in row.operands.indices {
      let isFloat = row.operands[i].isFloat
      let inputs = { (device: Device) -> Inputs in
        var inputs = Inputs(row.operands, tracked: row.tracked.subtracting([i]), on: device)
        inputs.tensors[i] = inputs.tensors[i].cast(to: isFloat ? dtype : .float32)
        return inputs
      }
      let (fastInputs, slowInputs) = (inputs(.cpu()), inputs(.reference()))
      let backend = fastInputs.tensors[0].device.backend
      let isStoredWeight = isFloat && i > 0 && row.operation.multipliesStoredWeights
      #expect((backend.accelerate(row.operation, fastInputs.tensors) != nil) == isStoredWeight, "input \(i)")
      guard isFloat else { continue }
      let (fast, slow) = (Evaluation(fastInputs) { row.operation($0) }, Evaluation(slowInputs) { row.operation($0) })
      #expect(distance(fast.output, slow.output) <= 3e-5, "input \(i)")
      for (f, s) in zip(fast.gradients, slow.gradients) {
        guard let f, let s else { continue }
        #expect(distance(f, s) <= 1e-4, "a gradient with input \(i)")
      }
    }
  }

  @Test(arguments: DType.standing.filter { $0 != .float32 }, PrimitiveRow.all.filter { $0.isSmall })
  func aPrimitiveReadsEachOperandInItsOwnDType(_ dtype: DType, _ row: PrimitiveRow) {
    for i in row.operands.indices where row.operands[i].isFloat {
      if row.kind == .concatenate && row.operands.count > 1 { continue }  // its operands have one dtype
      let results = [Device.cpu(), .reference()].map { device in
        var operands = row.operands.map { $0.tensor(on: device) }
        operands[i] = operands[i].cast(to: dtype)
        return row.run(operands).cast(to: .float32).floats()
      }
      #expect(distance(results[0], results[1]) <= 3e-5, "operand \(i)")
    }
  }

  @Test(arguments: [DType.bfloat16, .float16])
  func anUpdateOfStoredNumbersIsItsDefinition(_ dtype: DType) {
    for row in UpdateCase.all where row.targets[0].shape.count <= 40 {
      for stored in 0..<2 {
        let results = [Device.cpu(), .reference()].map { device in
          var targets = row.targets.map { $0.tensor(on: device) }
          var inputs = row.inputs.map { $0.tensor(on: device) }
          if stored == 0 { targets[0] = targets[0].cast(to: dtype) } else { inputs[0] = inputs[0].cast(to: dtype) }
          row.update(&targets, inputs)
          return targets.flatMap { $0.floats() }
        }
        #expect(distance(results[0], results[1]) <= 2e-5, "\(row.testDescription)")
      }
    }
  }

  @Test func castsToIntegersDropTheFractionAndClamp() {
    let x: [Float] = [.nan, .infinity, -.infinity, 1e20, -1e20, 2.9, -2.9, 255.5, 300, 0x1p31]
    let (most, least) = (Int32.max, Int32.min)
    for device in [Device.reference(), .cpu()] {
      let x = Tensor(x, shape: [x.count], on: device)
      #expect(x.cast(to: .int32).integers() == [0, most, least, most, least, 2, -2, 255, 300, most])
      #expect(x.cast(to: .uint8).bytes() == [0, 255, 0, 255, 0, 2, 0, 255, 255, 255])
      #expect(x.cast(to: .float16).cast(to: .int32).integers() == [0, most, least, most, least, 2, -2, 255, 300, most])
    }
  }
}
