// A stretch of a mapped file that outlives whoever asked for it: a tensor's bytes without a copy.
import Foundation
import Tensors

/// Bytes of a file, which stay mapped as long as this value or a storage made of it.
public struct MappedBytes: Sendable {
  private let file: MappedFile
  /// Where they are in the file.
  public let range: Range<Int>

  /// `range` must lie within the file.
  public init(_ file: MappedFile, _ range: Range<Int>) {
    precondition(
      range.lowerBound >= 0 && range.upperBound <= file.count,
      "MappedBytes: \(range) is not inside the \(file.count) bytes of \(file.path)")
    (self.file, self.range) = (file, range)
  }

  public var count: Int { range.count }

  /// The bytes, valid inside `body` only.
  public func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
    try file.withBytes(in: range, body)
  }

  /// Tells the system what becomes of their pages.
  public func advise(_ advice: PageAdvice) { file.advise(advice, in: range) }

  /// The bytes in place, for reading only, where they begin at a multiple of `alignment`; a copy on `device` elsewhere.
  /// `scales` are what `float8` codes are multiplied by.
  public func storage(alignedTo alignment: Int, scales: Storage? = nil, on device: Device) -> Storage {
    let (file, range) = (file, range)
    return file.withBytes(in: range) { bytes in
      if let start = bytes.baseAddress, Int(bitPattern: start) % alignment == 0 {
        return Storage(
          UnsafeMutableRawPointer(mutating: start), byteCount: bytes.count, scales: scales,
          pages: { [file] in file.advise($0, in: range) }, release: { [file] _ in withExtendedLifetime(file) {} })
      }
      let copy = device.backend.allocate(byteCount: bytes.count)
      device.backend.write(bytes, to: copy)
      file.advise(.unneeded, in: range)
      guard let scales else { return copy }
      return Storage(copy.address, byteCount: bytes.count, scales: scales) { [copy] _ in withExtendedLifetime(copy) {} }
    }
  }
}
