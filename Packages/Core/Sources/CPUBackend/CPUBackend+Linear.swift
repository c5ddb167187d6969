// Linear maps, plain, grouped by expert, and per head, with their gradients.
import CKernels
import Tensors

extension CPUBackend {
  func linear(_ inputs: [Tensor]) -> Outcome {
    grouped(GroupedLinearProduct(offsets: [0, inputs[0].shape[0]], partsPerGroup: inputs.count - 1), inputs)
  }

  func grouped(_ operation: GroupedLinearProduct, _ inputs: [Tensor]) -> Outcome {
    let x = inputs[0]
    let parts = operation.partsPerGroup
    let width = inputs[1..<(1 + parts)].reduce(0) { $0 + $1.shape[0] }
    let output = make([x.shape[0], width], on: x.device) { y in
      run(forwardTasks(operation, inputs, y, width))
    }
    return Outcome(output) { g in [inputGradient(operation, g, inputs)] + weightGradients(operation, g, inputs) }
  }

  private func forwardTasks(
    _ operation: GroupedLinearProduct, _ inputs: [Tensor], _ y: UnsafeMutablePointer<Float>, _ width: Int
  ) -> [ProductTask] {
    let (x, k) = (inputs[0].pointer, inputs[0].shape[1])
    return eachPart(operation, inputs).map { part in
      ProductTask(
        c: y + part.rows.lowerBound * width + part.column, cStride: width, a: x + part.rows.lowerBound * k, aStride: k,
        rows: part.rows.count, b: packedTranspose(part.weight))
    }
  }

  /// dx = Σ g_part · W_part. Parts of one group add up in order: one job per part.
  private func inputGradient(_ operation: GroupedLinearProduct, _ g: Tensor, _ inputs: [Tensor]) -> Tensor {
    let (width, k) = (g.shape[1], inputs[0].shape[1])
    return make(inputs[0].shape, on: g.device) { dx in
      let pieces = eachPart(operation, inputs)
      for part in 0..<operation.partsPerGroup {
        run(
          pieces.filter { $0.part == part }.map { piece in
            ProductTask(
              c: dx + piece.rows.lowerBound * k, cStride: k, a: g.pointer + piece.rows.lowerBound * width + piece.column,
              aStride: width, rows: piece.rows.count,
              b: pack(piece.weight.pointer, stride: k, isTransposed: false, k: piece.weight.shape[0], n: k),
              accumulates: part > 0)
          })
      }
    }
  }

  private func weightGradients(_ operation: GroupedLinearProduct, _ g: Tensor, _ inputs: [Tensor]) -> [Tensor] {
    let (width, k) = (g.shape[1], inputs[0].shape[1])
    let gradients = inputs.dropFirst().map { Tensor(shape: $0.shape, device: g.device, storage: allocate(byteCount: $0.shape.count * 4)) }
    let pieces = eachPart(operation, inputs, includingEmpty: true)
    runTransposed(
      pieces.map { piece in
        TransposedTask(
          c: gradients[piece.index].pointer, a: g.pointer + piece.rows.lowerBound * width + piece.column, aStride: width,
          b: inputs[0].pointer + piece.rows.lowerBound * k, bStride: k, m: piece.weight.shape[0], n: k, k: piece.rows.count)
      })
    return gradients
  }

  private struct Part {
    let index: Int
    let part: Int
    let weight: Tensor
    let rows: Range<Int>
    let column: Int
  }
  private func eachPart(_ operation: GroupedLinearProduct, _ inputs: [Tensor], includingEmpty: Bool = false) -> [Part] {
    var parts: [Part] = []
    for group in 0..<operation.groups {
      let rows = operation.offsets[group]..<operation.offsets[group + 1]
      if rows.isEmpty && !includingEmpty { continue }
      var column = 0
      for part in 0..<operation.partsPerGroup {
        let index = group * operation.partsPerGroup + part
        let weight = inputs[1 + index]
        parts.append(Part(index: index, part: part, weight: weight, rows: rows, column: column))
        column += weight.shape[0]
      }
    }
    return parts
  }

  /// Per-head products of latent attention's absorbed form. Not trained through: its gradient is the definition's.
  func headwise(_ operation: HeadwiseProduct, _ inputs: [Tensor]) -> Outcome {
    let (x, w) = (inputs[0], inputs[1])
    let heads = operation.heads
    let (a, b) = (x.shape[1] / heads, w.shape[1])
    let rowsPerHead = w.shape[0] / heads
    let each = operation.isTransposed ? operation.width : b
    let output = make([x.shape[0], heads * each], on: x.device) { y in
      run(
        (0..<heads).map { h in
          let key = DerivedLayout("headwise", [heads, operation.offset, operation.width, operation.isTransposed ? 1 : 0, h])
          let (k, n) = operation.isTransposed ? (b, operation.width) : (operation.width, b)
          let packed = w.storage.derived(key) {
            let first = w.pointer + (h * rowsPerHead + operation.offset) * b
            return pack(first, stride: b, isTransposed: operation.isTransposed, k: k, n: n).storage
          }
          return ProductTask(
            c: y + h * each, cStride: heads * each, a: x.pointer + h * a, aStride: heads * a, rows: x.shape[0],
            b: PackedMatrix(storage: packed, k: k, n: n))
        })
    }
    return Outcome(output) { _ in preconditionFailure("headwise: the absorbed form is for decoding and has no native gradient") }
  }
}
