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
    if weights.allSatisfy({ $0.dtype.blocks != nil }) {
      return Outcome(begunProducts(parts, x, width, areExperts: areExperts)) { _ in
        preconditionFailure("\(operation.name): gradients do not pass through blocks")
      }
    }
    // Worth a job of its own where many weights are new, as in training; few rows read what was packed long ago.
    if parts.count >= 2 * threads && x.shape[0] >= 256 { packTransposes(parts.map(\.weight)) }
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
      if !blocks.isEmpty { run(blockTasks(blocks, sharedBlocks(x), y, width, areExperts: areExperts)) }
      run(narrow)
    }
    let pullback = Pullback(adding: { g, sum in
      let wide = inputs.map { $0.cast(to: .float32) }
      let (dx, gradients) = linearGradients(operation, g, wide, &sum)
      return [dx] + zip(gradients, weights).map { $0.cast(to: $1.dtype) }
    })
    return Outcome(output, makingPullback: { pullback })
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

  /// dx = Σ g_part · W_part, and each weight's gradient g_partᵀ · x. Where there is a `sum`, dx is added to it, and nil.
  private func linearGradients(
    _ operation: GroupedLinearProduct, _ g: Tensor, _ inputs: [Tensor], _ sum: inout Tensor?
  ) -> (dx: Tensor?, weights: [Tensor]) {
    let (x, weights) = (inputs[0], Array(inputs.dropFirst()))
    let gradients = weights.map { weight in make(weight.shape, on: g.device) { _ in } }
    let tasks = weightTasks(operation, g, x, gradients)
    let packed = packStacked(operation, weights)
    let dx = addOrMake(x.shape, on: g.device, &sum) { dx, accumulates in
      run(tasks, beside: inputTasks(operation, g, dx, packed, accumulates))
    }
    return (dx, gradients)
  }

  /// A group's parts are one product: its chains go on from one weight to the next.
  private func inputTasks(
    _ operation: GroupedLinearProduct, _ g: Tensor, _ dx: UnsafeMutablePointer<Float>, _ packed: [PackedMatrix],
    _ accumulates: Bool
  ) -> [ProductTask] {
    packed.enumerated().map { group, weights in
      let rows = operation.offsets[group]..<operation.offsets[group + 1]
      return ProductTask(
        c: dx + rows.lowerBound * weights.n, cStride: weights.n, a: g.pointer + rows.lowerBound * weights.k,
        aStride: weights.k, rows: rows.count, b: weights, accumulates: accumulates)
    }
  }

  /// For each group the right operand whose rows are those of its weights [N, K], one after another.
  func packStacked(_ operation: GroupedLinearProduct, _ weights: [Tensor]) -> [PackedMatrix] {
    let (parts, lanes) = (operation.partsPerGroup, Int(CK_NR))
    let (k, n) = (weights.prefix(parts).reduce(0) { $0 + $1.shape[0] }, weights[0].shape[1])
    let packed = (0..<operation.groups).map { _ in
      PackedMatrix(storage: allocate(byteCount: ck_packed_count(k, n) * 4), k: k, n: n)
    }
    let panels = panelCount(n)
    forEachPanels(operation.groups * panels, k: k) { range in
      for i in range {
        let (group, panel) = (i / panels, i % panels)
        var start = 0
        for weight in weights[group * parts..<(group + 1) * parts] {
          let own = weight.shape[0]
          // The kernel finds a panel behind those before it as if they were all of this weight.
          let place = packed[group].storage.floats + (panel * (k - own) + start) * lanes
          kernels.gemm.pack(place, weight.pointer, n, 0, own, n, panel, panel + 1)
          start += own
        }
      }
    }
    return packed
  }

  /// The gradients of weights, g_partᵀ · x each, into `gradients`.
  func weightTasks(
    _ operation: GroupedLinearProduct, _ g: Tensor, _ x: Tensor, _ gradients: [Tensor]
  ) -> [TransposedTask<Float>] {
    let (width, k) = (g.shape[1], x.shape[1])
    return eachPart(operation, gradients, includingEmpty: true).map { piece in
      TransposedTask(
        c: piece.weight.pointer, a: g.pointer + piece.rows.lowerBound * width + piece.column, aStride: width,
        b: x.pointer + piece.rows.lowerBound * k, bStride: k, m: piece.weight.shape[0], n: k, k: piece.rows.count)
    }
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
