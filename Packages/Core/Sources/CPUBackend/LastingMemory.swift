// Memory for what lasts as long as a model: packed weights, one beside the other in large regions, so that the system can
// back them with its large pages. Walking a matrix then misses no page, and a model's first token waits for few faults.
import CKernels
import Synchronization
import Tensors

/// Hands out parts of regions, each of which goes back to the system with the last of its parts.
final class LastingMemory: Sendable {
  private final class Region: @unchecked Sendable {  // its parts belong to one storage each
    let address: UnsafeMutableRawPointer
    let byteCount: Int

    init(byteCount: Int) {
      guard let address = ck_memory_take(byteCount) else {
        preconditionFailure("memory: the system has no \(byteCount) bytes more; a smaller model needs less")
      }
      (self.address, self.byteCount) = (address, byteCount)
    }
    deinit { ck_memory_give(address, byteCount) }
  }
  private struct State {
    var region: Region?
    var used = 0
  }
  private static let regionBytes = 64 << 20
  private static let alignment = 64
  private let state = Mutex(State())

  func allocate(byteCount: Int) -> Storage {
    let size = (max(byteCount, 1) + Self.alignment - 1) / Self.alignment * Self.alignment
    let (region, offset) = state.withLock { state in
      if size > Self.regionBytes / 4 { return (Region(byteCount: size), 0) }
      if state.region.map({ state.used + size > $0.byteCount }) ?? true {
        state = State(region: Region(byteCount: Self.regionBytes))
      }
      defer { state.used += size }
      return (state.region!, state.used)
    }
    return Storage(region.address + offset, byteCount: byteCount) { _ in withExtendedLifetime(region) {} }
  }
}
