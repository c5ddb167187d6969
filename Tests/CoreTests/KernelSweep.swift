// The sweep that every kernel passes: each instruction set against the scalar one, at every length to twice the vector
// width and beyond, and at several misalignments.
import CKernels
import Tensors
import Testing

/// Numbers between -scale and scale.
func numbers(_ count: Int, seed: UInt64, scale: Float = 2) -> [Float] {
  var random = RandomStream(seed: seed)
  return (0..<count).map { _ in (random.uniform() * 2 - 1) * scale }
}

/// Runs `kernel` (its table, where to write, the length, the misalignment in elements) of every instruction set and
/// compares with the scalar result. `outputs` is how many numbers it writes for a length; they begin as 0.25.
func sweepKernel(
  _ name: String, tolerance: Float, from least: Int = 0, outputs: (Int) -> Int = { $0 },
  _ kernel: (ck_row_kernels, UnsafeMutablePointer<Float>, Int, Int) -> Void
) {
  for length in Array(least...34) + [63, 64, 65] {
    let start = [Float](repeating: 0.25, count: outputs(length))
    let expected = Floats(start)
    kernel(ck_kernels_for(CK_SCALAR).pointee.rows.pointee, expected.pointer, length, 0)
    #expect(expected.isIntact, "scalar \(name) of \(length) writes outside its result")
    for (set, table) in availableKernels() {
      for offset in [0, 1, 5] {
        let y = Floats(start, offset: offset)
        kernel(table.rows.pointee, y.pointer, length, offset)
        #expect(y.isIntact, "\(set) \(name) of \(length) writes outside its result")
        let error = distance(y.values, expected.values)
        #expect(error <= tolerance, "\(set) \(name) of \(length) at offset \(offset) differs by \(error)")
      }
    }
  }
}
