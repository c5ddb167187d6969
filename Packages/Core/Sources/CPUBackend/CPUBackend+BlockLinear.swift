// Linear maps by weights in quantised blocks, beside weights of other forms or alone. They have no gradient.
import BlockFormats
import CKernels
import Tensors

extension CPUBackend {
  /// Whether kernels multiply float32 activations, the first input, by weights that are stored like the others.
  func multiplies(_ inputs: [Tensor], _ precision: Precision) -> Bool {
    if areFloats(inputs) { return true }
    guard precision == .float32, inputs[0].dtype == .float32 else { return false }
    return inputs.allSatisfy { $0.shape.rank == 2 && $0.dtype != .int32 && $0.dtype != .uint8 }
  }
  /// The same for each head's rows of one weight; blocks only where the rows are outputs.
  func multipliesHeads(_ operation: HeadwiseProduct, _ inputs: [Tensor]) -> Bool {
    multiplies(inputs, operation.precision) && (operation.isTransposed || inputs.allSatisfy { $0.dtype.blocks == nil })
  }

  /// The product of a group's rows with each of its weights, all of them quantised. Rows of one group are those of
  /// offsets[g] ..< offsets[g + 1].
  func blockProducts(_ inputs: [Tensor], offsets: [Int], partsPerGroup: Int, areExperts: Bool) -> Tensor {
    let (x, codes) = (inputs[0], sharedBlocks(inputs[0]))
    let width = (1...partsPerGroup).reduce(0) { $0 + inputs[$1].shape[0] }
    let output = allocate(byteCount: x.shape[0] * width * 4)
    var tasks: [BlockTask] = []
    tasks.reserveCapacity(inputs.count)
    for group in 0..<offsets.count - 1 where offsets[group] < offsets[group + 1] {
      let first = offsets[group]
      var c = output.floats + first * width
      for place in 1 + group * partsPerGroup..<1 + (group + 1) * partsPerGroup {
        let b = packedBlocks(inputs[place], isExpert: areExperts)
        tasks.append(
          BlockTask(
            c: c, cStride: width, a: codes.row(first), aStride: codes.blocks, rows: offsets[group + 1] - first, b: b))
        c += b.n
      }
    }
    begin(tasks, of: codes, into: output)
    return Tensor(shape: [x.shape[0], width], device: x.device, storage: output)
  }

  /// The parts whose weights are quantised, of a product into rows of `width` numbers.
  func blockTasks(
    _ parts: [Part], _ x: Tensor, _ y: UnsafeMutablePointer<Float>, _ width: Int, areExperts: Bool
  ) -> [BlockTask] {
    if parts.isEmpty { return [] }
    let codes = sharedBlocks(x)
    return parts.map { part in
      BlockTask(
        c: y + part.rows.lowerBound * width + part.column, cStride: width, a: codes.row(part.rows.lowerBound),
        aStride: codes.blocks, rows: part.rows.count, b: packedBlocks(part.weight, isExpert: areExperts))
    }
  }

  /// Each head's slice of x [T, H·B] by its rows of W, transposed.
  func headwiseBlocks(_ operation: HeadwiseProduct, _ x: Tensor, _ w: Tensor) -> Outcome {
    let (heads, k, n) = (operation.heads, w.shape[1], operation.width)
    let codes = sharedBlocks(x)
    let rowsOfHead = w.shape[0] / heads
    let beginsPanels = rowsOfHead % Int(CK_NR) == 0 && operation.offset % Int(CK_NR) == 0
    let output = allocate(byteCount: x.shape[0] * heads * n * 4)
    let y = output.floats
    let tasks = (0..<heads).map { head in
      let first = head * rowsOfHead + operation.offset
      return BlockTask(
        c: y + head * n, cStride: heads * n, a: codes.row(0, column: head * k), aStride: codes.blocks,
        rows: x.shape[0], b: packedBlocks(w, rows: first..<first + n, isInWhole: beginsPanels))
    }
    begin(tasks, of: codes, into: output)
    return Outcome(Tensor(shape: [x.shape[0], heads * n], device: x.device, storage: output)) { _ in
      preconditionFailure("headwise: gradients do not pass through \(w.dtype) blocks")
    }
  }

  /// Packs a weight [N, K] as linear maps in float32 read it, on all threads; tensors of other shapes are left alone.
  public func prepare(_ weight: Tensor) {
    guard weight.shape.rank == 2, weight.shape.count > 0 else { return }
    switch weight.dtype {
    case .float32: _ = packedTranspose(weight)
    case .bfloat16, .float16, .float8: _ = narrowMatrix(weight)
    case .q8_0, .q4_0, .q4_1, .q5_0, .q5_1, .q2_K, .q3_K, .q4_K, .q5_K, .q6_K: _ = packedBlocks(weight)
    case .int32, .uint8: break
    }
  }
}
