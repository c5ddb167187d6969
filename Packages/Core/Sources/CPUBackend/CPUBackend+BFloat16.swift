// Products whose factors are rounded to bfloat16: the three that a linear layer needs, forward and back.
// Twice the arithmetic of float32 where the processor has an instruction for it, and half the bytes of a packed weight.
import CKernels
import Tensors

extension CPUBackend {
  /// x · Wᵀ for x [T, K] and a weight [N, K] of float32 or bfloat16. The weight is packed once per contents.
  /// Row-exact: a row of the result depends on that row of x and the weight alone.
  public func bfloat16Product(_ x: Tensor, transposed weight: Tensor) -> Tensor {
    let (rows, k, n) = (x.shape[0], x.shape[1], weight.shape[0])
    precondition(
      x.dtype == .float32 && weight.shape[1] == k && [.float32, .bfloat16].contains(weight.dtype),
      "bfloat16 product: \(x.dtype) \(x.shape) does not fit the transpose of \(weight.dtype) \(weight.shape)")
    return make([rows, n], on: x.device) { y in
      let b = packedTranspose(weight, precision: .bfloat16)
      run([ProductTask(c: y, cStride: n, a: x.pointer, aStride: k, rows: rows, b: b)])
    }
  }

  /// g · W for g [T, N] and a float32 weight [N, K]: the gradient of x in x · Wᵀ.
  public func bfloat16Product(_ g: Tensor, _ weight: Tensor) -> Tensor {
    let (rows, n, k) = (g.shape[0], g.shape[1], weight.shape[1])
    precondition(
      g.dtype == .float32 && weight.dtype == .float32 && weight.shape[0] == n,
      "bfloat16 product: \(g.dtype) \(g.shape) does not fit \(weight.dtype) \(weight.shape)")
    return make([rows, k], on: g.device) { dx in
      let b = pack(weight.pointer, stride: k, isTransposed: false, k: n, n: k, precision: .bfloat16)
      run([ProductTask(c: dx, cStride: k, a: g.pointer, aStride: n, rows: rows, b: b)])
    }
  }

  /// gᵀ · x for g [T, N] and x [T, K]: the gradient of W in x · Wᵀ. The order of every sum is that of the rows,
  /// whatever the number of threads.
  public func bfloat16Product(transposed g: Tensor, _ x: Tensor) -> Tensor {
    let (rows, n, k) = (g.shape[0], g.shape[1], x.shape[1])
    precondition(
      g.dtype == .float32 && x.dtype == .float32 && x.shape[0] == rows,
      "bfloat16 product: the transpose of \(g.dtype) \(g.shape) does not fit \(x.dtype) \(x.shape)")
    return make([n, k], on: g.device) { dw in
      let task = TransposedTask(
        c: dw, a: g.pointer, aStride: n, b: x.pointer, bStride: k, m: n, n: k, k: rows)
      runTransposed([task], precision: .bfloat16)
    }
  }
}
