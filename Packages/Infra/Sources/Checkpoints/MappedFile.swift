// A file as memory: the operating system reads what is touched, when it is touched.
// Weights are read once and shared between processes this way, and opening costs nothing.
import Foundation
import Synchronization
import Tensors

/// A whole file, mapped for reading until the object goes away. Replacing the file by renaming another over it leaves
/// the mapping as it was; a file that is cut short in place while mapped is the one thing this cannot survive.
/// Sendable because nothing in it changes after `init` but an atomic: the pages are mapped read-only, the other
/// properties are constants, and the mapping ends in `deinit`, when nobody can hold a reference any more.
public final class MappedFile: @unchecked Sendable {
  public let path: String
  private let buffer: UnsafeRawBufferPointer
  /// Whether anybody has read since the pages were given back.
  private let isTouched = Atomic(false)

  /// Throws `CheckpointError` for what is missing, unreadable or no regular file. An empty file is fine.
  public init(_ path: String) throws {
    // Without O_NONBLOCK a named pipe in the file's place would wait for a writer for ever.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw CheckpointError.system("open", path, errno) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw CheckpointError.system("examine", path, errno) }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw CheckpointError(path, "this is not a regular file; a path to a file was expected")
    }
    self.path = path
    let count = Int(status.st_size)
    if count == 0 {
      // The system does not map nothing.
      buffer = UnsafeRawBufferPointer(start: nil, count: 0)
      return
    }
    guard let start = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0), start != MAP_FAILED else {
      throw CheckpointError.system("map \(count) bytes", path, errno)
    }
    buffer = UnsafeRawBufferPointer(start: start, count: count)
  }

  deinit {
    if let start = buffer.baseAddress { munmap(UnsafeMutableRawPointer(mutating: start), buffer.count) }
  }

  /// Bytes of the file.
  public var count: Int { buffer.count }

  /// The contents, valid inside `body` only. No alignment is promised for what stands at an offset.
  public func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
    defer { withExtendedLifetime(self) {} }
    isTouched.store(true, ordering: .relaxed)
    return try body(buffer)
  }

  /// Gives the memory of what has been read back to the system; whatever is touched again is read again. For those who
  /// go through more than memory holds.
  public func giveBack() {
    guard isTouched.exchange(false, ordering: .relaxed), let start = buffer.baseAddress else { return }
    // Advice: should it fail, the pages stay until the system needs them.
    madvise(UnsafeMutableRawPointer(mutating: start), buffer.count, MADV_DONTNEED)
  }

  /// Tells the system what becomes of the pages at `range`, which must lie within the file. Nothing but time and memory
  /// depends on it: what was given back is read again when it is touched.
  public func advise(_ advice: PageAdvice, in range: Range<Int>) {
    guard let start = buffer.baseAddress, !range.isEmpty else { return }
    let (page, first) = (Int(sysconf(Int32(_SC_PAGESIZE))), Int(bitPattern: start))
    let (low, high) = (first + range.lowerBound, first + range.upperBound)
    // Pages that others share are kept, and are fetched.
    let (from, to, kind) =
      switch advice {
      case .needed: (low / page * page, high, MADV_WILLNEED)
      case .unneeded: ((low + page - 1) / page * page, high / page * page, MADV_DONTNEED)
      }
    if from < to, let place = UnsafeMutableRawPointer(bitPattern: from) { _ = madvise(place, to - from, Int32(kind)) }
  }

  /// The bytes at `range`, which must lie within the file; valid inside `body` only.
  public func withBytes<Result>(
    in range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws -> Result
  ) rethrows -> Result {
    try withBytes { try body(UnsafeRawBufferPointer(rebasing: $0[range])) }
  }
}
