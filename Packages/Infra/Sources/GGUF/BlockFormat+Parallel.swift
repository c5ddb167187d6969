// Blocks depend on nothing but their own numbers, so that a piece is shared out among the cores without a trace.
import BlockFormats
import Dispatch

extension BlockFormat {
  /// As `quantise`, on all cores where the search for good scales is worth it. The same bytes whatever their number.
  func quantiseInParallel(_ numbers: UnsafeBufferPointer<Float>, into bytes: UnsafeMutableRawBufferPointer)
    throws(QuantisationError)
  {
    let part = 256 * 64
    guard isQuantised, numbers.count > part else { return try quantise(numbers, into: bytes) }
    let parts = (numbers.count + part - 1) / part
    // Each part reads and writes memory of its own, and all are done when this returns.
    nonisolated(unsafe) let numbers = numbers
    nonisolated(unsafe) let bytes = bytes
    let failures = Failures(count: parts)
    DispatchQueue.concurrentPerform(iterations: parts) { index in
      let range = index * part..<min(numbers.count, (index + 1) * part)
      let target = byteCount(of: range.lowerBound)..<byteCount(of: range.upperBound)
      do throws(QuantisationError) {
        try quantise(
          UnsafeBufferPointer(rebasing: numbers[range]), into: UnsafeMutableRawBufferPointer(rebasing: bytes[target]))
      } catch {
        failures.set(index, error.moved(by: range.lowerBound))
      }
    }
    if let first = failures.first { throw first }
  }
}

/// A failure for each part that has one.
private final class Failures: @unchecked Sendable {  // every part writes its own element, all before anyone reads
  private let memory: UnsafeMutableBufferPointer<QuantisationError?>
  init(count: Int) {
    memory = .allocate(capacity: count)
    memory.initialize(repeating: nil)
  }
  deinit {
    memory.deinitialize()
    memory.deallocate()
  }
  func set(_ index: Int, _ error: QuantisationError) { memory[index] = error }
  var first: QuantisationError? { memory.lazy.compactMap { $0 }.first }
}
