// Kernels over rows, forward and backward, swept.
import CKernels
import Tensors
import Testing

@Suite struct RowKernelSweepTests {
  @Test func normalisation() {
    sweepKernel("rms norm", tolerance: 1e-5, from: 1, outputs: { $0 * 3 + 3 }) { rows, y, n, offset in
      let (x, w) = (Floats(numbers(n * 5, seed: 4), offset: offset), Floats(numbers(n, seed: 5), offset: offset))
      rows.rms_norm(y, y + n * 3, x.pointer, n + n / 2, w.pointer, 1e-5, 3, n)
    }
    for accumulates in [0, 1] as [Int32] {
      sweepKernel("rms norm backward", tolerance: 1e-5, from: 1, outputs: { $0 * 4 }) { rows, y, n, offset in
        let (x, g) = (Floats(numbers(n * 3, seed: 4), offset: offset), Floats(numbers(n * 3, seed: 6), offset: offset))
        let (w, rstd) = (Floats(numbers(n, seed: 5), offset: offset), Floats([0.5, 1, 2]))
        rows.rms_norm_backward(y, n, y + n * 3, g.pointer, x.pointer, n, w.pointer, rstd.pointer, 3, n, accumulates)
      }
    }
  }

  @Test func gating() {
    sweepKernel("swiglu", tolerance: 1e-6, outputs: { $0 * 2 }) { rows, y, n, offset in
      let x = Floats(numbers(n * 4, seed: 6), offset: offset)
      rows.swiglu(y, x.pointer, x.pointer + n, 2 * n, 2, n)
    }
    sweepKernel("swiglu backward", tolerance: 1e-6, outputs: { $0 * 4 }) { rows, y, n, offset in
      let (x, g) = (Floats(numbers(n * 4, seed: 6), offset: offset), Floats(numbers(n * 2, seed: 7), offset: offset))
      rows.swiglu_backward(y, y + n, nil, g.pointer, x.pointer, x.pointer + n, 2 * n, 2, n)
    }
    sweepKernel("swiglu once more", tolerance: 1e-6, outputs: { $0 * 6 }) { rows, y, n, offset in
      let (x, g) = (Floats(numbers(n * 4, seed: 6), offset: offset), Floats(numbers(n * 2, seed: 7), offset: offset))
      rows.swiglu_backward(y, y + n, y + n * 4, g.pointer, x.pointer, x.pointer + n, 2 * n, 2, n)
    }
  }

  @Test func probabilities() {
    sweepKernel("softmax", tolerance: 1e-6, from: 1, outputs: { $0 * 2 }) { rows, y, n, offset in
      let x = Floats(numbers(n * 2, seed: 7, scale: 20), offset: offset)
      rows.softmax(y, x.pointer, 2, n)
    }
    sweepKernel("cross-entropy", tolerance: 2e-6, from: 1, outputs: { _ in 6 }) { rows, y, n, offset in
      let x = Floats(numbers(n * 3, seed: 7, scale: 20), offset: offset)
      rows.cross_entropy(y, y + 3, x.pointer, [Int32(n - 1), -1, 0], 3, n)
    }
    sweepKernel("cross-entropy backward", tolerance: 1e-6, from: 1, outputs: { $0 * 3 }) { rows, y, n, offset in
      let x = Floats(numbers(n * 3, seed: 7), offset: offset)
      let (logp, lse) = (Floats(count: 3), Floats(count: 3))
      let targets: [Int32] = [Int32(n - 1), -1, 0]
      rows.cross_entropy(logp.pointer, lse.pointer, x.pointer, targets, 3, n)
      rows.cross_entropy_backward(y, [1, 2, -0.5], x.pointer, lse.pointer, targets, 3, n)
    }
  }

  @Test func reductions() {
    sweepKernel("sums", tolerance: 1e-5, outputs: { _ in 3 }) { rows, y, n, offset in
      let x = Floats(numbers(n * 3, seed: 8), offset: offset)
      rows.sum_rows(y, x.pointer, 3, n)
    }
    sweepKernel("maxima", tolerance: 0, from: 1, outputs: { _ in 3 }) { rows, y, n, offset in
      let x = Floats(numbers(n * 3, seed: 8).map { $0 - 5 }, offset: offset)
      rows.max_rows(y, x.pointer, 3, n)
    }
    sweepKernel("column sums", tolerance: 0) { rows, y, n, offset in
      let x = Floats(numbers(n * 3, seed: 8), offset: offset)
      rows.add_columns(y, x.pointer, 3, n, n / 3, n)
    }
    sweepKernel("sum of squares", tolerance: 1e-6, outputs: { _ in 1 }) { rows, y, n, offset in
      let x = Floats(numbers(n, seed: 8), offset: offset)
      y[0] = Float(rows.sum_squares(x.pointer, n))
    }
  }

  @Test func arithmeticWithRowsAndColumns() {
    for op in [CK_ADD, CK_SUBTRACT, CK_MULTIPLY, CK_DIVIDE, CK_MAXIMUM] {
      sweepKernel("binary row \(op.rawValue)", tolerance: 0, outputs: { $0 * 3 }) { rows, y, n, offset in
        let (a, b) = (Floats(numbers(n * 3, seed: 1), offset: offset), Floats(numbers(n, seed: 2), offset: offset + 2))
        rows.binary_row(op, y, a.pointer, b.pointer, 3, n)
      }
      sweepKernel("binary column \(op.rawValue)", tolerance: 0, outputs: { $0 * 3 }) { rows, y, n, offset in
        let (a, b) = (Floats(numbers(n * 3, seed: 1), offset: offset), Floats([0.5, -3, 7]))
        rows.binary_column(op, y, a.pointer, b.pointer, 3, n)
      }
    }
    sweepKernel("axpy", tolerance: 1e-6) { rows, y, n, offset in
      let x = Floats(numbers(n, seed: 1), offset: offset)
      rows.axpy(y, x.pointer, -0.3, n)
    }
  }

  @Test func indexedMovement() {
    sweepKernel("gather", tolerance: 0, outputs: { $0 * 4 }) { rows, y, n, offset in
      let x = Floats(numbers(n * 3, seed: 1), offset: offset)
      rows.gather_rows(y, x.pointer, [2, -1, 0, 2], 4, n)
    }
  }

  @Test(arguments: [Int32(0), 1], [Int32(1), -1])
  func rotation(_ isInterleaved: Int32, _ direction: Int32) {
    sweepKernel("rotary", tolerance: 1e-6, outputs: { $0 * 8 }) { rows, y, n, offset in
      let x = Floats(numbers(n * 8, seed: 1), offset: offset)
      let (cosines, sines) = (Floats(numbers(n * 3, seed: 2, scale: 1)), Floats(numbers(n * 3, seed: 3, scale: 1)))
      rows.rotary(
        y, x.pointer, n * 4, n * 4, n * 2, cosines.pointer, sines.pointer, [2, 0], isInterleaved, direction, 2, 2, 2 * n
      )
    }
  }
}
