// A tensor as a function of its rows: read, rearranged and written a few at a time, whatever its size and stored form.
import Dispatch
import Synchronization

/// Numbers in rows of equal width, which are made when they are read.
public struct FloatRows: Sendable {
  /// Fills the memory, which holds exactly these rows.
  public typealias Read = @Sendable (_ rows: Range<Int>, _ into: UnsafeMutableBufferPointer<Float>) throws -> Void
  /// Extents, outermost first. All but the last count rows; a single number is one row of one.
  public let shape: [Int]
  private let fill: Read

  public init(shape: [Int], _ fill: @escaping Read) { (self.shape, self.fill) = (shape, fill) }

  /// Numbers in a row.
  public var width: Int { shape.last ?? 1 }
  /// The number of rows.
  public var count: Int { shape.dropLast().reduce(1, *) }

  /// Fills `numbers` with these rows, which must lie within `count`.
  public func read(_ rows: Range<Int>, into numbers: UnsafeMutableBufferPointer<Float>) throws {
    precondition(
      rows.lowerBound >= 0 && rows.upperBound <= count && numbers.count == rows.count * width,
      "rows \(rows) of \(shape) do not fill \(numbers.count) numbers")
    if !numbers.isEmpty { try fill(rows, numbers) }
  }

  /// The numbers of these rows.
  public func numbers(_ rows: Range<Int>) throws -> [Float] {
    try [Float](unsafeUninitializedCapacity: rows.count * width) { memory, initialized in
      try read(rows, into: UnsafeMutableBufferPointer(rebasing: memory[..<(rows.count * width)]))
      initialized = rows.count * width
    }
  }

  /// All numbers.
  public func numbers() throws -> [Float] { try numbers(0..<count) }

  /// Calls `body` with all rows in order, about a quarter of a million numbers at a time, and at least one row.
  public func forEachPiece(_ body: (UnsafeBufferPointer<Float>) throws -> Void) throws {
    let step = max(1, 262_144 / max(1, width))
    var memory = [Float](repeating: 0, count: min(step, count) * width)
    for start in stride(from: 0, to: count, by: step) {
      let rows = start..<min(start + step, count)
      try memory.withUnsafeMutableBufferPointer { memory in
        let piece = UnsafeMutableBufferPointer(rebasing: memory[..<(rows.count * width)])
        try readInParallel(rows, into: piece)
        try body(UnsafeBufferPointer(piece))
      }
    }
  }

  /// As `read`, on all cores where there is enough to read. Throws what the first of the rows that fail throw.
  private func readInParallel(_ rows: Range<Int>, into numbers: UnsafeMutableBufferPointer<Float>) throws {
    let step = max(1, 16_384 / max(1, width))
    let parts = (rows.count + step - 1) / step
    guard parts > 1 else { return try read(rows, into: numbers) }
    // Each part writes memory of its own, and all are done when this returns.
    nonisolated(unsafe) let numbers = numbers
    let failure = Mutex<(part: Int, error: any Error)?>(nil)
    DispatchQueue.concurrentPerform(iterations: parts) { part in
      let places = part * step..<min(rows.count, (part + 1) * step)
      let target = UnsafeMutableBufferPointer(
        rebasing: numbers[(places.lowerBound * width)..<(places.upperBound * width)])
      do {
        try read(rows.lowerBound + places.lowerBound..<rows.lowerBound + places.upperBound, into: target)
      } catch {
        failure.withLock { first in
          if part < first?.part ?? .max { first = (part, error) }
        }
      }
    }
    if let (_, error) = failure.withLock({ $0 }) { throw error }
  }

  /// The same numbers under another shape of as many rows of the same width.
  public func reshaped(_ shape: [Int]) -> FloatRows {
    let result = FloatRows(shape: shape, fill)
    precondition(
      result.count == count && result.width == width, "rows of \(self.shape) cannot be read as \(shape)")
    return result
  }

  /// Rows `range` only, as a matrix.
  public func slice(_ range: Range<Int>) -> FloatRows {
    FloatRows(shape: [range.count, width]) { rows, numbers in
      try read(range.lowerBound + rows.lowerBound..<range.lowerBound + rows.upperBound, into: numbers)
    }
  }

  /// Row i of the result is row `source(i)`.
  public func rearranged(_ source: @escaping @Sendable (Int) -> Int) -> FloatRows {
    let width = width
    return FloatRows(shape: shape) { rows, numbers in
      for (place, row) in rows.enumerated() {
        let from = source(row)
        let target = UnsafeMutableBufferPointer(rebasing: numbers[(place * width)..<((place + 1) * width)])
        try read(from..<from + 1, into: target)
      }
    }
  }
}
