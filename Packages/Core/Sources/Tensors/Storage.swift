// Bytes that live somewhere, and how to give them back.
// One final class for every backend, so that an optimizer can write in place when nobody else is looking.
import Synchronization

/// A block of memory shared by the tensors that show it. Contents change only while uniquely referenced.
public final class Storage: @unchecked Sendable {  // its bytes change only while uniquely referenced (Tensor.mutate)
  public let address: UnsafeMutableRawPointer
  public let byteCount: Int
  private let release: @Sendable (UnsafeMutableRawPointer) -> Void
  /// Other layouts of the same contents, made on first use by a backend (a packed weight, say).
  private let derived = Mutex<[DerivedLayout: Storage]>([:])

  public init(
    _ address: UnsafeMutableRawPointer, byteCount: Int, release: @escaping @Sendable (UnsafeMutableRawPointer) -> Void
  ) {
    (self.address, self.byteCount, self.release) = (address, byteCount, release)
  }
  deinit { release(address) }

  /// Memory from the system allocator, 64-byte aligned.
  public static func host(byteCount: Int) -> Storage {
    Storage(.allocate(byteCount: max(byteCount, 64), alignment: 64), byteCount: byteCount) { $0.deallocate() }
  }

  /// The layout named by `key`, made by `make` when it is asked for first. Valid because contents never change
  /// while the storage is shared; `forgetDerived` is called before they do.
  public func derived(_ key: DerivedLayout, make: () -> Storage) -> Storage {
    derived.withLock { known in
      if let storage = known[key] { return storage }
      let storage = make()
      known[key] = storage
      return storage
    }
  }
  package func forgetDerived() { derived.withLock { $0.removeAll() } }
}

/// Names a derived layout of a storage: what it is, and the extents it was made for.
public struct DerivedLayout: Hashable, Sendable {
  public let name: String
  public let extents: [Int]
  public init(_ name: String, _ extents: [Int]) { (self.name, self.extents) = (name, extents) }
}
