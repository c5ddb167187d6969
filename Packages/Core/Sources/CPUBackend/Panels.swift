// The panels that right operands are packed in, and how the pool's threads share the packing.
import CKernels

/// Panels of a right operand with so many columns: CK_NR of them in each, the last one filled up.
func panelCount(_ columns: Int) -> Int { (columns + Int(CK_NR) - 1) / Int(CK_NR) }

extension CPUBackend {
  /// Has the threads fill `count` panels of k rows, in ranges that are worth a thread's while. Every panel is its own, so
  /// no split changes what is in it.
  func forEachPanels(_ count: Int, k: Int, _ fill: (Range<Int>) -> Void) {
    pool.forEachRange(count, grain: max(1, 16_384 / max(1, k * Int(CK_NR))), fill)
  }
}
