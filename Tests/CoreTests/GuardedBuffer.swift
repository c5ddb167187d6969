// Memory for kernel tests: at a chosen misalignment, with watched numbers before and after it.
import CKernels

/// `count` elements that start `offset` elements past a 64-byte boundary, between guards.
final class GuardedBuffer<Element: BitwiseCopyable & Equatable> {
  let count: Int
  private let block: UnsafeMutableBufferPointer<Element>
  private let start: Int
  private let canary: Element

  init(count: Int, offset: Int = 0, filledWith canary: Element) {
    let lead = 64
    (self.count, start, self.canary) = (count, lead + offset, canary)
    let total = lead + offset + count + 64
    let memory = UnsafeMutableRawPointer.allocate(byteCount: total * MemoryLayout<Element>.stride, alignment: 64)
    block = UnsafeMutableBufferPointer(start: memory.bindMemory(to: Element.self, capacity: total), count: total)
    block.initialize(repeating: canary)
  }
  convenience init(_ values: [Element], offset: Int = 0, filledWith canary: Element) {
    self.init(count: values.count, offset: offset, filledWith: canary)
    for (i, value) in values.enumerated() { pointer[i] = value }
  }
  deinit { UnsafeMutableRawPointer(block.baseAddress!).deallocate() }

  /// Valid while the buffer lives: give the buffer a name, a temporary ends before the call that reads it.
  var pointer: UnsafeMutablePointer<Element> { block.baseAddress! + start }
  var values: [Element] { Array(UnsafeBufferPointer(start: pointer, count: count)) }
  /// Whether everything outside the elements is as it was.
  var isIntact: Bool {
    block[..<start].allSatisfy { $0 == canary } && block[(start + count)...].allSatisfy { $0 == canary }
  }
}

typealias Floats = GuardedBuffer<Float>
extension GuardedBuffer where Element == Float {
  convenience init(_ values: [Float], offset: Int = 0) { self.init(values, offset: offset, filledWith: 12_345) }
  convenience init(count: Int, offset: Int = 0) { self.init(count: count, offset: offset, filledWith: 12_345) }
}

/// The kernels of every instruction set that runs here.
func availableKernels() -> [(name: String, table: ck_kernels)] {
  [CK_SCALAR, CK_AVX2, CK_AVX512, CK_NEON].filter { ck_isa_available($0) != 0 }.map {
    (String(cString: ck_isa_name($0)), ck_kernels_for($0).pointee)
  }
}
