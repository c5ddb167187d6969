// A page that parent and worker both see: what is being tried, written before it is tried.
// When the worker is gone the page still says which input it went with.
import Foundation

final class SharedPage {
  /// Numbers of the page, by place.
  private enum Slot: Int { case begun, done, longest, longestIteration, isFinished, lineageCount, lineage }

  private let numbers: UnsafeMutablePointer<UInt64>
  private static let bytes = 4096

  /// Maps the file, which is made where there is none.
  init(_ path: String) throws {
    let descriptor = open(path, O_RDWR | O_CREAT, 0o600)
    guard descriptor >= 0, ftruncate(descriptor, off_t(Self.bytes)) == 0 else {
      throw FuzzError("\(path): cannot be made; a directory that may be written was expected")
    }
    defer { close(descriptor) }
    let memory = mmap(nil, Self.bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0)
    guard let memory, memory != MAP_FAILED else { throw FuzzError("\(path): cannot be mapped") }
    numbers = memory.bindMemory(to: UInt64.self, capacity: Self.bytes / 8)
  }
  deinit { munmap(numbers, Self.bytes) }

  private subscript(slot: Slot) -> UInt64 {
    get { numbers[slot.rawValue] }
    set { numbers[slot.rawValue] = newValue }
  }

  func clear() { numbers.update(repeating: 0, count: Self.bytes / 8) }

  /// Says what is tried next.
  func begin(_ lineage: Lineage) {
    self[.lineageCount] = UInt64(lineage.iterations.count)
    for (index, iteration) in lineage.iterations.enumerated() {
      numbers[Slot.lineage.rawValue + index] = UInt64(iteration)
    }
    self[.begun] += 1
  }

  /// Says that it has been tried, in so many nanoseconds of processor time.
  func end(_ iteration: Int, nanoseconds: UInt64) {
    self[.done] += 1
    if nanoseconds > self[.longest] { (self[.longest], self[.longestIteration]) = (nanoseconds, UInt64(iteration)) }
  }

  func finish() { self[.isFinished] = 1 }

  var begun: UInt64 { self[.begun] }
  var done: Int { Int(self[.done]) }
  var longestSeconds: Double { Double(self[.longest]) / 1e9 }
  var longestIteration: Int { Int(self[.longestIteration]) }
  var isFinished: Bool { self[.isFinished] == 1 }

  /// What was begun last.
  var lineage: Lineage? {
    guard begun > 0, (1...64).contains(self[.lineageCount]) else { return nil }
    return Lineage((0..<Int(self[.lineageCount])).map { Int(numbers[Slot.lineage.rawValue + $0]) })
  }
}
