// What the gradient of a primitive reads again, so that a graph holds no other numbers until the way back.

extension Primitive {
  /// Whether the gradient reads the elements of operand `index`, and not its shape alone.
  private func rereadsOperand(_ index: Int) -> Bool {
    switch self {
    case .add, .subtract, .lessThan, .negate, .exp, .sqrt, .reciprocal, .sigmoid, .tanh, .addScalar, .multiplyScalar,
      .reshape, .transpose, .broadcast, .slice, .pad, .concatenate, .sum, .cast:
      false
    case .multiply, .maximum, .log, .sin, .cos, .max, .matmul: true
    case .divide, .gatherRows, .scatterAddRows, .takeAlongRows, .putAlongRows: index == 1
    case .select: index == 0
    }
  }

  private var rereadsResult: Bool {
    switch self {
    case .divide, .exp, .sqrt, .reciprocal, .sigmoid, .tanh, .max: true
    case .add, .subtract, .multiply, .maximum, .lessThan, .select, .negate, .log, .sin, .cos, .addScalar,
      .multiplyScalar, .reshape, .transpose, .broadcast, .slice, .pad, .concatenate, .sum, .matmul, .gatherRows,
      .scatterAddRows, .takeAlongRows, .putAlongRows, .cast:
      false
    }
  }

  /// How `result` came to be.
  func origin(of result: Tensor, from operands: [Tensor]) -> Origin {
    let kept = operands.enumerated().map { rereadsOperand($0.offset) ? $0.element.detached() : $0.element.outline }
    return Origin(
      .primitive(self, operands: kept, result: rereadsResult ? result.detached() : result.outline), inputs: operands)
  }
}
