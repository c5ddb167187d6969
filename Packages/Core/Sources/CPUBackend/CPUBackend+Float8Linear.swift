// Linear maps whose three products multiply E4M3 codes, as DeepSeek-V3 trains (section 3.3):
// y = Q(x) · Q(W)ᵀ, dx = Q(g) · Q(W), dW = Q(g)ᵀ · Q'(x), where Q' quantises again, in tiles of 128 tokens, what Q(x)
// stands for. Of x only its codes wait for the way back.
import CKernels
import LowPrecision
import Tensors

extension CPUBackend {
  /// Gradients of a mean over many tokens lie below the floor that is made for activations.
  private static let gradientFloor: Float = 1e-30

  /// Codes of an activation in tiles of 1 × 128, made once for its contents.
  func sharedQuantization(_ x: Tensor) -> QuantizedMatrix { shared(x, .rows) }
  /// The same, held for the way back. Of what is recomputed it is made again, when it is asked for first.
  func keepQuantization(_ x: Tensor) -> @Sendable () -> QuantizedMatrix {
    if x.storage.isRecomputed {
      return {
        x.storage.makeAgain()
        return sharedQuantization(x)
      }
    }
    let codes = sharedQuantization(x)
    return { codes }
  }
  /// What codes stand for.
  func numbers(of matrix: QuantizedMatrix) -> Tensor {
    dequantize(matrix.codes, matrix.scales, tile: matrix.tile, format: matrix.format)
  }
  private func quantizedWeight(_ weight: Tensor) -> QuantizedMatrix { shared(weight, .blocks) }

  private func shared(_ x: Tensor, _ quantization: Quantization) -> QuantizedMatrix {
    let key = x.shape.extents + [quantization.tile.rows, quantization.tile.columns]
    var made: QuantizedMatrix?
    func matrix() -> QuantizedMatrix {
      let matrix = made ?? quantize(x, quantization)
      made = matrix
      return matrix
    }
    let codes = x.storage.derived(DerivedLayout("e4m3-codes", key)) { matrix().codes.storage }
    let scales = x.storage.derived(DerivedLayout("e4m3-scales", key)) { matrix().scales.storage }
    let grid = quantization.tile.grid(rows: x.shape[0], columns: x.shape[1])
    return QuantizedMatrix(
      codes: Tensor(shape: x.shape, dtype: .uint8, device: x.device, storage: codes),
      scales: Tensor(shape: [grid.rows, grid.columns], device: x.device, storage: scales), tile: quantization.tile)
  }

  func groupedFloat8(_ operation: GroupedLinearProduct, _ inputs: [Tensor]) -> Outcome {
    let (x, weights) = (sharedQuantization(inputs[0]), Array(inputs.dropFirst()))
    let rows = inputs[0].shape[0]
    let width = weights.prefix(operation.partsPerGroup).reduce(0) { $0 + $1.shape[0] }
    let output = make([rows, width], on: inputs[0].device) { y in
      runScaled(
        eachPart(operation, weights).map { part in
          ScaledProductTask(
            c: y + part.rows.lowerBound * width + part.column, cStride: width, a: x, rows: part.rows,
            b: quantizedWeight(part.weight).transposed)
        })
      guard operation.roundsResult else { return }
      pool.forEachRange(rows, grain: max(1, 16_384 / max(1, width))) {
        kernels.bf16.round_values(y + $0.lowerBound * width, width, $0.count, width)
      }
    }
    let kept = keepQuantization(inputs[0])
    return Outcome(output) { g in
      let parts = (0..<operation.partsPerGroup).map { number in
        let first = weights.prefix(number).reduce(0) { $0 + $1.shape[0] }
        return g.slice(first..<first + weights[number].shape[0], axis: 1)
      }
      return [float8InputGradient(operation, parts, weights)]
        + float8WeightGradients(operation, parts, numbers(of: kept()), weights)
    }
  }

  /// dx = Σ Q(g_part) · Q(W_part), the parts in order.
  private func float8InputGradient(
    _ operation: GroupedLinearProduct, _ parts: [Tensor], _ weights: [Tensor]
  ) -> Tensor {
    let (rows, k) = (parts[0].shape[0], weights[0].shape[1])
    let pieces = eachPart(operation, weights)
    let sums = parts.enumerated().map { number, g in
      let codes = quantize(g, Quantization(tile: .row, magnitudeFloor: Self.gradientFloor))
      return make([rows, k], on: g.device) { dx in
        runScaled(
          pieces.filter { $0.part == number }.map { part in
            ScaledProductTask(
              c: dx + part.rows.lowerBound * k, cStride: k, a: codes, rows: part.rows, b: quantizedWeight(part.weight))
          })
      }
    }
    return sums.dropFirst().reduce(sums[0], +)
  }

  /// dW = Q(g)ᵀ · Q(x) in tiles of 128 tokens, counted from the first row of each group.
  private func float8WeightGradients(
    _ operation: GroupedLinearProduct, _ parts: [Tensor], _ x: Tensor, _ weights: [Tensor]
  ) -> [Tensor] {
    let tall = Quantization(tile: .column, magnitudeFloor: Self.gradientFloor)
    return eachPart(operation, weights, includingEmpty: true).map { part in
      let g = quantize(parts[part.part].slice(part.rows, axis: 0), tall)
      let own = quantize(x.slice(part.rows, axis: 0), .columns)
      return make(part.weight.shape, on: x.device) { dw in
        if part.rows.isEmpty { return dw.update(repeating: 0, count: part.weight.shape.count) }
        let rows = laidOutByRows(g.transposed)
        runScaled([
          ScaledProductTask(c: dw, cStride: own.columns, a: rows, rows: 0..<rows.rows, b: own)
        ])
      }
    }
  }
}
