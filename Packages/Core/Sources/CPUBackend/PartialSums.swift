// Weight gradients over many rows as sums of a few parts: each part reads its rows once and from end to end, where
// cutting the gradient into columns would read the rows again for every cut.
import CKernels
import Tensors

/// The parts of one weight gradient. Their number depends on the shapes alone, and they are added in order, so the bits
/// do not depend on threads.
struct PartialSums {
  /// Rows of a part at least, and parts at most.
  private static let (leastRows, mostParts) = (1024, 4)
  /// Elements of a gradient at most; a larger one is cut into blocks of its own rows.
  private static let mostElements = 1 << 17

  /// The products to compute before `addUp`. The first writes to the gradient itself.
  let tasks: [CPUBackend.TransposedTask<Float>]
  private let others: Storage?
  private var count: Int { tasks[0].m * tasks[0].n }

  init(_ task: CPUBackend.TransposedTask<Float>, _ allocate: (Int) -> Storage) {
    let count = task.m * task.n
    // Gradients that are computed together have as many parts as each of them would have alone.
    let parts = count / task.gradients <= Self.mostElements ? max(1, min(Self.mostParts, task.k / Self.leastRows)) : 1
    let others = parts > 1 ? allocate((parts - 1) * count * 4) : nil
    tasks = (0..<parts).map { part in
      let rows = task.k * part / parts..<task.k * (part + 1) / parts
      return CPUBackend.TransposedTask(
        c: part == 0 ? task.c : others!.floats + (part - 1) * count, a: task.a + rows.lowerBound * task.aStride,
        aStride: task.aStride, b: task.b + rows.lowerBound * task.bStride, bStride: task.bStride, m: task.m, n: task.n,
        k: rows.count)
    }
    self.others = others
  }

  /// Adds the other parts to the gradient, one after another.
  func addUp(_ pool: ThreadPool, _ kernels: ck_row_kernels) {
    guard let others else { return }
    pool.forEachRange(count, grain: 8192) {
      let sum = tasks[0].c + $0.lowerBound
      for part in 1..<tasks.count {
        kernels.binary(CK_ADD, sum, sum, others.floats + (part - 1) * count + $0.lowerBound, $0.count)
      }
    }
  }
}
