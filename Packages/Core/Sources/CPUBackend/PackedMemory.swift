// How much memory weights may take a second time, in the layout that kernels read. A model that is larger than the
// memory stays in its mapped file: what is not packed is packed a few panels at a time wherever it is multiplied.
import Synchronization
import Tensors

/// Limits of the memory that packed weights in a stored form take, in bytes. Float32 weights are not counted.
public struct PackingLimit: Sendable, Equatable {
  /// Of all of them.
  public var bytes: Int
  /// Of those among them that are experts, which are used seldom. Less than `bytes` leaves room for the others.
  public var expertBytes: Int
  public init(bytes: Int, expertBytes: Int) { (self.bytes, self.expertBytes) = (bytes, expertBytes) }
  /// Everything is packed.
  public static let none = PackingLimit(bytes: .max, expertBytes: .max)
}

/// Counts what is packed.
final class PackedMemory: Sendable {
  private struct Use {
    var all = 0
    var experts = 0
  }
  private let limit: PackingLimit
  private let use = Mutex(Use())
  init(_ limit: PackingLimit) { self.limit = limit }
  /// Bytes that are packed now.
  var bytes: Int { use.withLock { $0.all } }

  /// Whether so many bytes more are within the limits; they then count until they are given back.
  func take(_ bytes: Int, isExpert: Bool) -> Bool {
    use.withLock { use in
      guard bytes <= limit.bytes - use.all, !isExpert || bytes <= limit.expertBytes - use.experts else { return false }
      use.all += bytes
      if isExpert { use.experts += bytes }
      return true
    }
  }
  func give(_ bytes: Int, isExpert: Bool) {
    use.withLock { use in
      use.all -= bytes
      if isExpert { use.experts -= bytes }
    }
  }
}

extension CPUBackend {
  /// Has the system fetch what is about to be read of mapped files, all at once. Heads follow each other in one storage.
  func askForPages(of storages: some Sequence<Storage>) {
    var last: Storage?
    for storage in storages where storage !== last {
      storage.advise(.needed)
      last = storage
    }
  }

  /// Memory for a packed weight; nil where the limit is reached.
  func allocatePacked(byteCount: Int, isExpert: Bool) -> Storage? {
    guard packings.take(byteCount, isExpert: isExpert) else { return nil }
    let (block, packings) = (lasting.allocate(byteCount: byteCount), packings)
    return Storage(block.address, byteCount: byteCount) { [block] _ in
      withExtendedLifetime(block) { packings.give(byteCount, isExpert: isExpert) }
    }
  }
}
