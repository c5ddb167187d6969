// Linear maps whose three products multiply E4M3 codes with a scale for every tile. Codes become float32 in registers;
// what they save is memory: one byte a number waits for the way back.
import CKernels
import LowPrecision
import Tensors

extension CPUBackend {
  func groupedFloat8(_ operation: GroupedLinearProduct, _ inputs: [Tensor]) -> Outcome {
    let (x, weights) = (inputs[0], Array(inputs.dropFirst()))
    let (rows, form) = (x.shape[0], operation.form)
    let width = weights.prefix(operation.partsPerGroup).reduce(0) { $0 + $1.shape[0] }
    let codes = sharedCodes(x, form.input)
    let output = make([rows, width], on: x.device) { y in
      runScaled(
        eachPart(operation, weights).map { part in
          ScaledProductTask(
            c: y + part.rows.lowerBound * width + part.column, cStride: width, a: codes, rows: part.rows,
            b: sharedCodes(part.weight, .blocks).transposed)
        })
      guard operation.roundsResult else { return }
      pool.forEachRange(rows, grain: max(1, 16_384 / max(1, width))) {
        kernels.bf16.round_values(y + $0.lowerBound * width, width, $0.count, width)
      }
    }
    return Outcome(
      output,
      keeping: {
        let kept = form.keepsTwelveBits ? keepTwelveBits(x) : keepCodes(x, form.input)
        return { g in
          [float8InputGradient(operation, g, weights)]
            + float8WeightGradients(operation, g, kept(), weights)
        }
      })
  }

  /// dx = Σ g_part · W_part, the parts of a group in order.
  private func float8InputGradient(_ operation: GroupedLinearProduct, _ g: Tensor, _ weights: [Tensor]) -> Tensor {
    let (rows, k) = (g.shape[0], weights[0].shape[1])
    let parts = eachPart(operation, weights)
    var (sum, column): (Tensor?, Int) = (nil, 0)
    for number in 0..<operation.partsPerGroup {
      let columns = column..<column + weights[number].shape[0]
      column = columns.upperBound
      let rounded = codes(columnsOf(g, columns), operation.form.gradientRows)
      let product = make([rows, k], on: g.device) { dx in
        runScaled(
          parts.filter { $0.part == number }.map { part in
            ScaledProductTask(
              c: dx + part.rows.lowerBound * k, cStride: k, a: rounded, rows: part.rows,
              b: sharedCodes(part.weight, .blocks))
          })
      }
      sum = sum.map { $0 + product } ?? product
    }
    guard let sum else { preconditionFailure("grouped-linear: has no weights") }
    return sum
  }

  /// dW = g_partᵀ · x over the rows of each group, in tiles that begin with the group.
  private func float8WeightGradients(
    _ operation: GroupedLinearProduct, _ g: Tensor, _ x: Tensor, _ weights: [Tensor]
  ) -> [Tensor] {
    let (parts, k) = (operation.partsPerGroup, x.shape[1])
    let gradients = weights.map { weight in make(weight.shape, on: weight.device) { _ in } }
    var columns: QuantizedMatrix?
    let tasks = eachPart(operation, weights, includingEmpty: true).compactMap { part -> ScaledProductTask? in
      let (n, c) = (part.weight.shape[0], gradients[part.index].pointer)
      if part.rows.isEmpty {
        c.update(repeating: 0, count: n * k)
        return nil
      }
      if part.index % parts == 0 { columns = codes(rowsOf(x, part.rows), .columns) }
      guard let columns else { preconditionFailure("grouped-linear: a group without its first part") }
      let own = columnsOf(rowsOf(g, part.rows), part.column..<part.column + n)
      let left = laidOutByRows(codes(own, operation.form.gradientColumns).transposed)
      return ScaledProductTask(c: c, cStride: k, a: left, rows: 0..<n, b: columns)
    }
    runScaled(tasks)
    return gradients
  }

  private func columnsOf(_ x: Tensor, _ range: Range<Int>) -> Tensor {
    range.count == x.shape[1] ? x : x.slice(range, axis: 1)
  }
  private func rowsOf(_ x: Tensor, _ range: Range<Int>) -> Tensor {
    range.count == x.shape[0] ? x : x.slice(range, axis: 0)
  }
}

extension Float8Form {
  fileprivate var input: Quantization {
    Quantization(tile: .row, usesPowersOfTwo: inputHasPowersOfTwo, magnitudeFloor: Self.floor)
  }
  fileprivate var gradientRows: Quantization { gradient(.row) }
  fileprivate var gradientColumns: Quantization { gradient(.column) }
  private func gradient(_ tile: TileShape) -> Quantization {
    Quantization(tile: tile, usesPowersOfTwo: gradientHasPowersOfTwo, magnitudeFloor: Self.gradientFloor)
  }
}
