// Linear maps whose three products multiply E4M3 codes with a scale for every tile. Kernels decode them near the core;
// what codes save is memory: one byte a number waits for the way back.
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
            b: sharedCodes(part.weight, .blocks).transposed, roundsResult: operation.roundsResult)
        })
    }
    return Outcome(
      output,
      keeping: {
        let kept = keepInput(x, form, form.input)
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
    return make([rows, k], on: g.device) { dx in
      var column = 0
      for number in 0..<operation.partsPerGroup {
        let columns = column..<column + weights[number].shape[0]
        column = columns.upperBound
        let rounded = codes(g, columns: columns, operation.form.gradientRows)
        runScaled(
          parts.filter { $0.part == number }.map { part in
            ScaledProductTask(
              c: dx + part.rows.lowerBound * k, cStride: k, a: rounded, rows: part.rows,
              b: sharedCodes(part.weight, .blocks), keepsPanels: false, accumulates: number > 0)
          })
      }
    }
  }

  /// dW = g_partᵀ · x over the rows of each group, in tiles that begin with the group.
  private func float8WeightGradients(
    _ operation: GroupedLinearProduct, _ g: Tensor, _ x: ColumnSource, _ weights: [Tensor]
  ) -> [Tensor] {
    let (parts, k) = (operation.partsPerGroup, x.columns)
    let gradients = weights.map { weight in make(weight.shape, on: weight.device) { _ in } }
    let left = columnCodes(.numbers(g), offsets: operation.offsets, operation.form.gradientColumns)
    let right = columnCodes(x, offsets: operation.offsets, .columns)
    runScaledColumns(
      eachPart(operation, weights, includingEmpty: true).map { part in
        ScaledColumnsTask(
          c: gradients[part.index].pointer, cStride: k, a: left.part(group: part.index / parts, column: part.column),
          b: right.part(group: part.index / parts, column: 0), m: part.weight.shape[0], n: k, k: part.rows.count)
      })
    return gradients
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
