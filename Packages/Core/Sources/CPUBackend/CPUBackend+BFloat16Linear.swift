// Linear maps whose three products multiply bfloat16. An activation is rounded once: the forward product, the gradient
// of the weight and whoever else reads it share that rounding, and it is all that waits for the way back.
import CKernels
import Tensors

extension CPUBackend {
  func groupedBFloat16(_ operation: GroupedLinearProduct, _ inputs: [Tensor]) -> Outcome {
    let (x, weights) = (sharedRounding(inputs[0]), Array(inputs.dropFirst()))
    let width = weights.prefix(operation.partsPerGroup).reduce(0) { $0 + $1.shape[0] }
    let output = make([x.shape[0], width], on: x.device) { y in
      run(
        eachPart(operation, weights).map { part in
          ProductTask(
            c: y + part.rows.lowerBound * width + part.column, cStride: width, a: x.words(row: part.rows.lowerBound),
            aStride: x.stride, rows: part.rows.count, b: packedTranspose(part.weight, precision: .bfloat16),
            hasWords: true, roundsResult: operation.roundsResult)
        })
    }
    let kept = keepRounding(inputs[0])
    return Outcome(output) { g in
      let rows = rounded(g)
      return [bfloat16InputGradient(operation, g, rows, weights)]
        + bfloat16WeightGradients(operation, rows, kept(), weights)
    }
  }

  /// dx = Σ g_part · W_part. Where words do not straddle parts, a group's parts are one product: a chain goes on from
  /// one weight to the next as it would from job to job.
  private func bfloat16InputGradient(
    _ operation: GroupedLinearProduct, _ g: Tensor, _ rows: BFloat16Rows, _ weights: [Tensor]
  ) -> Tensor {
    let (parts, width, k) = (operation.partsPerGroup, g.shape[1], weights[0].shape[1])
    return make([g.shape[0], k], on: g.device) { dx in
      if weights.prefix(parts - 1).allSatisfy({ $0.shape[0] % 2 == 0 }) {
        run(
          (0..<operation.groups).compactMap { group in
            let own = operation.offsets[group]..<operation.offsets[group + 1]
            if own.isEmpty { return nil }
            return ProductTask(
              c: dx + own.lowerBound * k, cStride: k, a: rows.words(row: own.lowerBound), aStride: rows.stride,
              rows: own.count, b: packStacked(weights[group * parts..<(group + 1) * parts]), hasWords: true)
          })
        return
      }
      for number in 0..<parts {
        run(
          eachPart(operation, weights).filter { $0.part == number }.map { part in
            ProductTask(
              c: dx + part.rows.lowerBound * k, cStride: k,
              a: g.pointer + part.rows.lowerBound * width + part.column, aStride: width, rows: part.rows.count,
              b: packStacked([part.weight]), accumulates: number > 0)
          })
      }
    }
  }

  /// The right operand whose rows are those of the weights [N, K], one after another. All N but the last are even.
  private func packStacked(_ weights: ArraySlice<Tensor>) -> PackedMatrix {
    let (rows, n) = (weights.reduce(0) { $0 + $1.shape[0] }, weights.first?.shape[1] ?? 0)
    let (words, lanes) = ((rows + 1) / 2, Int(CK_NR))
    return packed(count: ck_bf16_packed_count(rows, n), k: rows, n: n, .bfloat16) { out, panels in
      for panel in panels {
        var start = 0
        for weight in weights {
          let own = (weight.shape[0] + 1) / 2
          // The kernel finds a panel behind those before it as if they were all of this weight.
          let place = out.words + (panel * words + start - panel * own) * lanes
          kernels.bf16.pack(place, weight.pointer, n, 0, weight.shape[0], n, panel, panel + 1)
          start += own
        }
      }
    }
  }

  private func bfloat16WeightGradients(
    _ operation: GroupedLinearProduct, _ g: BFloat16Rows, _ x: BFloat16Rows, _ weights: [Tensor]
  ) -> [Tensor] {
    let gradients = weights.map { weight in make(weight.shape, on: weight.device) { _ in } }
    let k = x.shape[1]
    runTransposedBFloat16(
      eachPart(operation, weights, includingEmpty: true).map { part in
        TransposedTask(
          c: gradients[part.index].pointer, a: g.numbers(row: part.rows.lowerBound, column: part.column),
          aStride: 2 * g.stride, b: x.numbers(row: part.rows.lowerBound), bStride: 2 * x.stride,
          m: part.weight.shape[0], n: k, k: part.rows.count)
      })
    return gradients
  }
}
