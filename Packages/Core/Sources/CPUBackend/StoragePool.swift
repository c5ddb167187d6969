// Memory that is used again, so that a training step at steady state asks the system for nothing.
import Synchronization
import Tensors

/// Keeps freed blocks by size class and hands them out again.
final class StoragePool: Sendable {
  private struct State {
    var free: [Int: [UnsafeMutableRawPointer]] = [:]
    var statistics = MemoryStatistics()
  }
  private struct Protected: @unchecked Sendable { var state = State() }  // reached only through the mutex below
  private let state = Mutex(Protected())

  deinit {
    state.withLock { $0.state.free.values.forEach { $0.forEach { $0.deallocate() } } }
  }

  func allocate(byteCount: Int) -> Storage {
    let size = Self.sizeClass(byteCount)
    let address = state.withLock { protected in
      protected.state.statistics.bytesInUse += size
      protected.state.statistics.peakBytesInUse =
        max(protected.state.statistics.peakBytesInUse, protected.state.statistics.bytesInUse)
      if let block = protected.state.free[size]?.popLast() { return Block(address: block) }
      protected.state.statistics.systemAllocations += 1
      protected.state.statistics.bytesFromSystem += size
      return Block(address: .allocate(byteCount: size, alignment: 64))
    }
    return Storage(address.address, byteCount: byteCount) { [self] in give(back: Block(address: $0), size) }
  }
  private struct Block: @unchecked Sendable { let address: UnsafeMutableRawPointer }  // one owner at a time

  private func give(back block: Block, _ size: Int) {
    state.withLock { protected in
      protected.state.statistics.bytesInUse -= size
      protected.state.free[size, default: []].append(block.address)
    }
  }

  var statistics: MemoryStatistics { state.withLock { $0.state.statistics } }

  /// Gives blocks that nobody uses back to the system.
  func trim() {
    state.withLock { protected in
      for (size, blocks) in protected.state.free {
        blocks.forEach { $0.deallocate() }
        protected.state.statistics.bytesFromSystem -= size * blocks.count
      }
      protected.state.free = [:]
    }
  }

  /// Four classes per power of two: at most a fifth of a block is unused.
  static func sizeClass(_ byteCount: Int) -> Int {
    let least = max(byteCount, 256)
    let power = 1 << (Int.bitWidth - 1 - least.leadingZeroBitCount)
    let step = power / 4
    return (least + step - 1) / step * step
  }
}

/// What a backend's memory pool has done so far.
public struct MemoryStatistics: Sendable, Equatable {
  /// Times that the system was asked for a block.
  public var systemAllocations = 0
  public var bytesFromSystem = 0
  public var bytesInUse = 0
  public var peakBytesInUse = 0
}
