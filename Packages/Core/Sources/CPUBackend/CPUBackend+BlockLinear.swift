// Linear maps by weights in quantised blocks, beside weights of other forms or alone. They have no gradient.
import BlockFormats
import CKernels
import Tensors

extension CPUBackend {
  /// Whether kernels multiply weights that are stored like this with float32 activations.
  func multiplies(_ operation: any FusedOperation, _ inputs: [Tensor]) -> Bool {
    guard let x = inputs.first, x.dtype == .float32, x.shape.rank == 2 else { return false }
    let weights = inputs.dropFirst()
    let isStored = weights.allSatisfy {
      $0.shape.rank == 2 && ($0.dtype.isQuantised || [.float32, .bfloat16, .float16].contains($0.dtype))
    }
    return switch operation {
    case let operation as LinearProduct: isStored && operation.precision == .float32
    case let operation as GroupedLinearProduct: isStored && operation.precision == .float32
    case let operation as HeadwiseProduct:
      isStored && operation.precision == .float32
        && (operation.isTransposed || weights.allSatisfy { $0.dtype.blocks == nil })
    default: false
    }
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
    let output = make([x.shape[0], heads * n], on: x.device) { y in
      run(
        (0..<heads).map { head in
          let first = head * rowsOfHead + operation.offset
          return BlockTask(
            c: y + head * n, cStride: heads * n, a: codes.row(0, column: head * k), aStride: codes.blocks,
            rows: x.shape[0], b: packedBlocks(w, rows: first..<first + n, isInWhole: beginsPanels))
        })
    }
    return Outcome(output) { _ in preconditionFailure("headwise: gradients do not pass through \(w.dtype) blocks") }
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
