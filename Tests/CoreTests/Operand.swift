// The operands of a test, as host values that can be put on any device.
// Every comparison here runs the same values through two implementations.
import CPUBackend
import Layers
import ReferenceBackend
import Tensors

/// Values and their shape, without a device.
enum Operand: Sendable {
  case floats([Float], Shape)
  case integers([Int32], Shape)

  /// Distinct values spread evenly over `range` in a shuffled order, so that no two are within a finite difference.
  static func spread(_ shapes: [Shape], in ranges: [ClosedRange<Float>], seed: UInt64 = 7) -> [Operand] {
    var random = RandomStream(seed: seed)
    let total = shapes.reduce(0) { $0 + $1.count }
    var places = Array(0..<total).shuffled(using: &random)
    return shapes.enumerated().map { i, shape in
      let range = ranges[min(i, ranges.count - 1)]
      let own = places.prefix(shape.count)
      places.removeFirst(shape.count)
      let step = (range.upperBound - range.lowerBound) / Float(max(total, 1))
      return .floats(own.map { range.lowerBound + (Float($0) + 0.5) * step }, shape)
    }
  }
  /// Random values between -1 and 1.
  static func random(_ shape: Shape, seed: UInt64) -> Operand {
    var random = RandomStream(seed: seed)
    return .floats((0..<shape.count).map { _ in random.uniform() * 2 - 1 }, shape)
  }

  var shape: Shape {
    switch self {
    case .floats(_, let shape), .integers(_, let shape): shape
    }
  }
  var isFloat: Bool {
    switch self {
    case .floats: true
    case .integers: false
    }
  }
  func tensor(on device: Device) -> Tensor {
    switch self {
    case .floats(let values, let shape): Tensor(values, shape: shape, on: device)
    case .integers(let values, let shape): Tensor(values, shape: shape, on: device)
    }
  }
}

/// Tensors as a module, so that gradients with respect to any of them can be asked for.
struct Inputs: Module {
  var tensors: [Tensor]
  let tracked: Set<Int>
  init(_ operands: [Operand], tracked: Set<Int>? = nil, on device: Device) {
    tensors = operands.map { $0.tensor(on: device) }
    self.tracked = tracked ?? Set(operands.indices.filter { operands[$0].isFloat })
  }
  mutating func visit(_ visitor: inout some ParameterVisitor) {
    for i in tensors.indices { visitor("\(i)", &tensors[i], isTrained: tracked.contains(i)) }
  }
}

/// What an operation gives, and the gradient of its weighted sum with respect to each tracked input.
struct Evaluation {
  let output: [Float]
  let shape: Shape
  /// Zeros where the output does not depend on an input; nil for inputs that are not tracked.
  let gradients: [[Float]?]

  init(_ inputs: Inputs, _ run: (([Tensor]) -> Tensor)) {
    let plain = run(inputs.tensors)
    (output, shape) = (plain.floats(), plain.shape)
    let found = valueAndGradients(of: inputs) { weightedTotal(run($0.tensors)) }.gradients
    gradients = inputs.tensors.indices.map { i in
      guard inputs.tracked.contains(i) else { return nil }
      return found.byName["\(i)"]?.floats() ?? [Float](repeating: 0, count: inputs.tensors[i].shape.count)
    }
  }
}

/// Σ c·x with a fixed coefficient per element, so that every element has a gradient of its own.
func weightedTotal(_ x: Tensor) -> Tensor {
  let weights = Operand.random([x.shape.count], seed: 99).tensor(on: x.device)
  return (x.reshaped([x.shape.count]) * weights).total()
}

/// The largest |a − b| / max(1, |b|); infinite when the counts differ or a number is not finite on one side only.
func distance(_ a: [Float], _ b: [Float]) -> Float {
  guard a.count == b.count else { return .infinity }
  return zip(a, b).reduce(0) { largest, pair in
    if pair.0 == pair.1 || (pair.0.isNaN && pair.1.isNaN) { return largest }
    let error = abs(pair.0 - pair.1) / Swift.max(1, abs(pair.1))
    return error.isNaN ? .infinity : Swift.max(largest, error)
  }
}

/// The bit patterns, for comparisons that must be exact.
func bits(_ values: [Float]) -> [UInt32] { values.map(\.bitPattern) }

extension Device {
  static func reference() -> Device { Device(ReferenceBackend()) }
  static func cpu(_ set: InstructionSet = .best, threads: Int = 2) -> Device {
    Device(CPUBackend(threads: threads, instructionSet: set))
  }
}
extension InstructionSet {
  static var available: [InstructionSet] { allCases.filter(\.isAvailable) }
}
