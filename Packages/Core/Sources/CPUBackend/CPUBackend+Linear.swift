// Linear maps, plain, grouped by expert, and per head, with their gradients.
import CKernels
import Tensors

extension CPUBackend {
  func linear(_ operation: LinearProduct, _ inputs: [Tensor]) -> Outcome {
    let whole = GroupedLinearProduct(
      offsets: [0, inputs[0].shape[0]], partsPerGroup: inputs.count - 1, operation.precision,
      roundsResult: operation.roundsResult, form: operation.form)
    return grouped(whole, inputs, areExperts: false)
  }

  func grouped(_ operation: GroupedLinearProduct, _ inputs: [Tensor], areExperts: Bool = true) -> Outcome {
    operation.check(inputs)
    switch operation.precision {
    case .float32: return groupedFloat32(operation, inputs, areExperts: areExperts)
    case .bfloat16: return groupedBFloat16(operation, inputs)
    case .float8: return groupedFloat8(operation, inputs)
    }
  }

  private func groupedFloat32(
    _ operation: GroupedLinearProduct, _ inputs: [Tensor], areExperts: Bool
  ) -> Outcome {
    let (x, weights) = (inputs[0], Array(inputs.dropFirst()))
    let width = weights.prefix(operation.partsPerGroup).reduce(0) { $0 + $1.shape[0] }
    let parts = eachPart(operation, weights)
    let output = make([x.shape[0], width], on: x.device) { y in
      var (wide, blocks, narrow) = ([Part](), [Part](), [NarrowTask]())
      for part in parts {
        if part.weight.dtype.blocks != nil {
          blocks.append(part)
        } else if let b = narrowMatrix(part.weight, isExpert: areExperts) {
          narrow.append(narrowTask(part, x, y, width, b))
        } else {
          wide.append(part)
        }
      }
      run(forwardTasks(wide, x, y, width))
      run(blockTasks(blocks, x, y, width, areExperts: areExperts))
      run(narrow)
    }
    return Outcome(output) { g in
      let wide = inputs.map { $0.cast(to: .float32) }
      return [inputGradient(operation, g, wide)]
        + zip(weightGradients(operation, g, wide), weights).map { $0.cast(to: $1.dtype) }
    }
  }

  private func forwardTasks(
    _ parts: [Part], _ input: Tensor, _ y: UnsafeMutablePointer<Float>, _ width: Int
  ) -> [ProductTask] {
    let (x, k) = (input.pointer, input.shape[1])
    return parts.map { part in
      ProductTask(
        c: y + part.rows.lowerBound * width + part.column, cStride: width, a: x + part.rows.lowerBound * k, aStride: k,
        rows: part.rows.count, b: packedTranspose(part.weight))
    }
  }

  /// dx = Σ g_part · W_part. Parts of one group add up in order: one job per part.
  private func inputGradient(_ operation: GroupedLinearProduct, _ g: Tensor, _ inputs: [Tensor]) -> Tensor {
    let (width, k) = (g.shape[1], inputs[0].shape[1])
    return make(inputs[0].shape, on: g.device) { dx in
      let pieces = eachPart(operation, Array(inputs.dropFirst()))
      for part in 0..<operation.partsPerGroup {
        run(
          pieces.filter { $0.part == part }.map { piece in
            ProductTask(
              c: dx + piece.rows.lowerBound * k, cStride: k,
              a: g.pointer + piece.rows.lowerBound * width + piece.column, aStride: width, rows: piece.rows.count,
              b: pack(piece.weight.pointer, stride: k, isTransposed: false, k: piece.weight.shape[0], n: k),
              accumulates: part > 0)
          })
      }
    }
  }

  private func weightGradients(_ operation: GroupedLinearProduct, _ g: Tensor, _ inputs: [Tensor]) -> [Tensor] {
    let (width, k) = (g.shape[1], inputs[0].shape[1])
    let gradients = inputs.dropFirst().map { weight in make(weight.shape, on: g.device) { _ in } }
    let pieces = eachPart(operation, Array(inputs.dropFirst()), includingEmpty: true)
    runTransposed(
      pieces.map { piece in
        TransposedTask(
          c: gradients[piece.index].pointer, a: g.pointer + piece.rows.lowerBound * width + piece.column,
          aStride: width, b: inputs[0].pointer + piece.rows.lowerBound * k, bStride: k, m: piece.weight.shape[0], n: k,
          k: piece.rows.count)
      })
    return gradients
  }

  /// One weight of one group, its rows of the input and the first of its columns of the result.
  struct Part {
    let index: Int
    let part: Int
    let weight: Tensor
    let rows: Range<Int>
    let column: Int
  }
  func eachPart(_ operation: GroupedLinearProduct, _ weights: [Tensor], includingEmpty: Bool = false) -> [Part] {
    var parts: [Part] = []
    for group in 0..<operation.groups {
      let rows = operation.offsets[group]..<operation.offsets[group + 1]
      if rows.isEmpty && !includingEmpty { continue }
      var column = 0
      for part in 0..<operation.partsPerGroup {
        let index = group * operation.partsPerGroup + part
        let weight = weights[index]
        parts.append(Part(index: index, part: part, weight: weight, rows: rows, column: column))
        column += weight.shape[0]
      }
    }
    return parts
  }

  /// Each head's slice times its rows of one weight. Extents that do not fit exactly are the definition's to judge.
  func headwise(_ operation: HeadwiseProduct, _ inputs: [Tensor]) -> Outcome? {
    let (x, w, heads) = (inputs[0], inputs[1], operation.heads)
    guard operation.fits(x.shape, w.shape) else { return nil }
    if w.dtype.blocks != nil { return headwiseBlocks(operation, x, w) }
    if w.dtype.narrow != nil { return headwiseNarrow(operation, x, w) }
    let (k, n) = operation.extents(w)
    let output = make([x.shape[0], heads * n], on: x.device) { y in
      run(
        (0..<heads).map { head in
          let start = operation.start(head, w)
          let name = operation.precision == .float32 ? "headwise" : "headwise-bf16"
          let key = DerivedLayout(name, [start, w.shape[1], k, n, operation.isTransposed ? 1 : 0])
          let packed = w.storage.derived(key) {
            pack(
              w.pointer + start, stride: w.shape[1], isTransposed: operation.isTransposed, k: k, n: n,
              precision: operation.precision
            ).storage
          }
          return ProductTask(
            c: y + head * n, cStride: heads * n, a: x.pointer + head * k, aStride: heads * k, rows: x.shape[0],
            b: PackedMatrix(storage: packed, k: k, n: n, precision: operation.precision), roundsResult: true)
        })
    }
    return Outcome(output) { g in headwiseGradient(operation, g, x, w) }
  }

  /// dx_h = g_h · W_hᵀ and dW_h = x_hᵀ · g_h; transposed: dx_h = g_h · W_h and dW_h = g_hᵀ · x_h.
  private func headwiseGradient(_ operation: HeadwiseProduct, _ g: Tensor, _ x: Tensor, _ w: Tensor) -> [Tensor?] {
    let (heads, rows, b) = (operation.heads, x.shape[0], w.shape[1])
    let (k, n) = operation.extents(w)
    let dx = make(x.shape, on: g.device) { dx in
      run(
        (0..<heads).map { head in
          let weight = w.pointer + operation.start(head, w)
          return ProductTask(
            c: dx + head * k, cStride: heads * k, a: g.pointer + head * n, aStride: heads * n, rows: rows,
            b: pack(
              weight, stride: b, isTransposed: !operation.isTransposed, k: n, n: k, precision: operation.precision))
        })
    }
    let (narrow, wide) = operation.isTransposed ? (g, x) : (x, g)
    let dw = make(w.shape, on: g.device) { dw in
      dw.update(repeating: 0, count: w.shape.count)
      runTransposed(
        (0..<heads).map { head in
          TransposedTask(
            c: dw + operation.start(head, w), a: narrow.pointer + head * operation.width,
            aStride: heads * operation.width, b: wide.pointer + head * b, bStride: heads * b, m: operation.width, n: b,
            k: rows)
        }, precision: operation.precision)
    }
    return [dx, dw]
  }
}

extension HeadwiseProduct {
  /// Whether the heads divide both inputs and each head's rows of the weight are its own.
  fileprivate func fits(_ x: Shape, _ w: Shape) -> Bool {
    guard heads > 0, offset >= 0, width >= 0, x.rank == 2, w.rank == 2 else { return false }
    return x[1] == heads * (isTransposed ? w[1] : width) && w[0] % heads == 0 && offset + width <= w[0] / heads
  }
  /// Widths of one head's slice of the input and of the result.
  func extents(_ w: Tensor) -> (k: Int, n: Int) {
    isTransposed ? (w.shape[1], width) : (width, w.shape[1])
  }
  /// The element of the weight where a head's rows begin.
  fileprivate func start(_ head: Int, _ w: Tensor) -> Int { (head * (w.shape[0] / heads) + offset) * w.shape[1] }
}
