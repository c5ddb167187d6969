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

  /// Rows of `width` numbers from x and the weights of `parts`, all of them quantised: begun and not waited for.
  func begunProducts(_ parts: [Part], _ x: Tensor, _ width: Int, areExperts: Bool) -> Tensor {
    let (codes, output) = (sharedBlocks(x), allocate(byteCount: x.shape[0] * width * 4))
    begin(blockTasks(parts, codes, output.floats, width, areExperts: areExperts), of: codes, into: output)
    return Tensor(shape: [x.shape[0], width], device: x.device, storage: output)
  }

  /// The product of each part's rows with its quantised weight, into rows of `width` numbers at y. `codes` are those of
  /// all rows.
  func blockTasks(
    _ parts: [Part], _ codes: BlockRows, _ y: UnsafeMutablePointer<Float>, _ width: Int, areExperts: Bool
  ) -> [BlockTask] {
    parts.map { part in
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
