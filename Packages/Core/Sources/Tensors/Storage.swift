// Bytes that live somewhere, and how to give them back.
// One final class for every backend, so that an optimizer can write in place when nobody else is looking.
import Synchronization

/// A block of memory shared by the tensors that show it. Contents change only while uniquely referenced.
/// A block that is recomputed may be absent between a forward pass and the way back; the bytes are then made again.
/// A block may also be under way, while a backend goes on with something else: who asks for its address waits for it.
public final class Storage: @unchecked Sendable {
  // Its bytes change only while uniquely referenced (Tensor.mutate). They come and go only where a `Recomputation` made
  // the storage, under the one thread that runs that forward pass and its way back. What is under way is awaited by any
  // thread, one after another.
  private let present: Atomic<UnsafeMutableRawPointer?>
  private var block: UnsafeMutableRawPointer? {
    get { present.load(ordering: .acquiring) }
    set { present.store(newValue, ordering: .releasing) }
  }
  private struct UnderWay: @unchecked Sendable {  // a place and not what is there
    let block: UnsafeMutableRawPointer
    let wait: @Sendable () -> Void
  }
  private let underWay = Mutex<UnderWay?>(nil)
  private var release: @Sendable (UnsafeMutableRawPointer) -> Void
  /// Makes the same bytes once more, in a storage of their own.
  private var recipe: (@Sendable () -> Storage)?
  public let byteCount: Int
  /// What `float8` codes are multiplied by: float32, one for each tile, row by row.
  public let scales: Storage?
  private let advise: (@Sendable (PageAdvice) -> Void)?
  /// Other layouts of the same contents, made on first use by a backend (a packed weight, say).
  private let derived = Mutex<[(layout: DerivedLayout, storage: Storage)]>([])

  /// With `pages`, which tells the system what becomes of them, the bytes are those of a mapped file: they are read only.
  public init(
    _ address: UnsafeMutableRawPointer, byteCount: Int, scales: Storage? = nil,
    pages advise: (@Sendable (PageAdvice) -> Void)? = nil,
    release: @escaping @Sendable (UnsafeMutableRawPointer) -> Void
  ) {
    present = Atomic(address)
    (self.byteCount, self.release) = (byteCount, release)
    (self.scales, self.advise) = (scales, advise)
  }
  private init(withoutBytes: Void) {
    present = Atomic(nil)
    (byteCount, release) = (.max, { _ in })
    (scales, advise) = (nil, nil)
  }
  deinit { if let block = block ?? awaited() { release(block) } }

  /// Where the bytes are. Reading what was given back is a programming error.
  public var address: UnsafeMutableRawPointer {
    guard let block = block ?? awaited() else {
      preconditionFailure("storage: its bytes were given back; only a gradient's way back makes them again")
    }
    return block
  }

  /// Says that somebody still writes the bytes and has not handed the storage on yet. `wait` returns when they are
  /// there; it may be called on any thread.
  public func await(_ wait: @escaping @Sendable () -> Void) {
    guard let block else { preconditionFailure("storage: only bytes that have a place can be under way") }
    let work = UnderWay(block: block, wait: wait)
    underWay.withLock { $0 = work }
    self.block = nil
  }
  @inline(never) private func awaited() -> UnsafeMutableRawPointer? {
    underWay.withLock { underWay in
      guard let work = underWay else { return }
      work.wait()
      block = work.block
      underWay = nil
    }
    return block
  }

  /// Whether the bytes are those of a mapped file, which nobody writes.
  public var isMapped: Bool { advise != nil }
  /// Tells the owner of mapped bytes what becomes of them; others are not concerned. They can be read before and after.
  public func advise(_ advice: PageAdvice) { advise?(advice) }

  /// Memory from the system allocator, 64-byte aligned.
  public static func host(byteCount: Int) -> Storage {
    Storage(.allocate(byteCount: max(byteCount, 64), alignment: 64), byteCount: byteCount) { $0.deallocate() }
  }
  /// Stands where a tensor's bytes are not kept.
  static func withoutBytes() -> Storage { Storage(withoutBytes: ()) }

  /// The layout named by `key`, made by `make` when it is asked for first. Valid because contents never change
  /// while the storage is shared; `forgetDerived` is called before they do.
  public func derived(_ key: DerivedLayout, make: () -> Storage) -> Storage {
    guard let storage = derivedIfMade(key, make: { make() }) else {
      preconditionFailure("storage: the layout \(key.name) was not made")
    }
    return storage
  }
  /// The same where `make` may decline; it is then asked again the next time.
  public func derivedIfMade(_ key: DerivedLayout, make: () -> Storage?) -> Storage? {
    derived.withLock { known in
      if let same = known.first(where: { $0.layout == key }) { return same.storage }
      guard let storage = make() else { return nil }
      known.append((key, storage))
      return storage
    }
  }
  package func forgetDerived() { derived.withLock { $0.removeAll() } }
}

extension Storage {
  /// Whether the bytes may be absent, or are.
  package var isRecomputed: Bool { recipe != nil }
  /// From now on the bytes may be given back, and `recipe` makes them again.
  func recompute(by recipe: @escaping @Sendable () -> Storage) { self.recipe = recipe }

  /// Gives the bytes of a recomputed storage back.
  func giveBack() {
    guard recipe != nil, let block else { return }
    forgetDerived()
    release(block)
    self.block = nil
  }

  /// Has the bytes that were given back made again; does nothing where they are present.
  package func makeAgain() {
    guard block == nil, let recipe else { return }
    var made = recipe()
    precondition(
      made.byteCount == byteCount && isKnownUniquelyReferenced(&made),
      "storage: what makes \(byteCount) bytes again has made \(made.byteCount), or bytes that others hold")
    block = made.block
    made.block = nil
    release = made.release
    self.recipe = nil
  }
}

/// What becomes of the pages of a mapped file.
public enum PageAdvice: Sendable {
  /// They are read soon, all of them.
  case needed
  /// They are hardly read again: the memory may be used for something else.
  case unneeded
}

/// Names a derived layout of a storage: what it is, and the extents it was made for. It is looked up wherever a weight is
/// read, so it holds no memory of its own.
public struct DerivedLayout: Equatable, Sendable {
  public let name: String
  private var extents = SIMD8<Int>(repeating: -1)
  /// At most eight extents.
  public init(_ name: String, _ extents: [Int]) {
    precondition(extents.count <= 8, "derived layout \(name): \(extents.count) extents; at most 8 are told apart")
    self.name = name
    for (index, extent) in extents.enumerated() { self.extents[index] = extent }
  }
  public static func == (a: DerivedLayout, b: DerivedLayout) -> Bool { a.extents == b.extents && a.name == b.name }
}
