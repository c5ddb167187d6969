// Memory that is used again, so that a training step at steady state asks the system for nothing. Steps whose shapes
// change, as in reinforcement learning, would fill it with blocks of every size, so the pool holds at most half
// as much again as was in use at once.
import CKernels
import Synchronization
import Tensors

/// Keeps freed blocks by size class and hands them out again.
final class StoragePool: Sendable {
  private struct State {
    /// Blocks by the number of their size class.
    var free = [[UnsafeMutableRawPointer]](repeating: [], count: SizeClass.count)
    var statistics = MemoryStatistics()

    /// Gives idle blocks back to the system, the largest first, until it has lent at most `limit` bytes.
    mutating func release(downTo limit: Int) {
      for index in free.indices.reversed() {
        let size = SizeClass(index: index).byteCount
        while statistics.bytesFromSystem > limit, let block = free[index].popLast() {
          ck_memory_give(block, size)
          statistics.bytesFromSystem -= size
        }
      }
    }
  }
  private struct Protected: @unchecked Sendable { var state = State() }  // reached only through the mutex below
  private let state = Mutex(Protected())

  deinit {
    trim()
  }

  func allocate(byteCount: Int) -> Storage {
    let sizeClass = SizeClass(byteCount)
    let size = sizeClass.byteCount
    let address = state.withLock { protected in
      protected.state.statistics.use(size)
      if let block = protected.state.free[sizeClass.index].popLast() { return Block(address: block) }
      protected.state.release(downTo: Self.limit(peak: protected.state.statistics.peakBytesInUse) - size)
      protected.state.statistics.systemAllocations += 1
      protected.state.statistics.bytesFromSystem += size
      guard let block = ck_memory_take(size) else {
        preconditionFailure("memory: the system has no \(size) bytes more; smaller micro-batches need less")
      }
      return Block(address: block)
    }
    return Storage(address.address, byteCount: byteCount) { [self] in give(back: Block(address: $0), sizeClass) }
  }
  private struct Block: @unchecked Sendable { let address: UnsafeMutableRawPointer }  // one owner at a time

  private func give(back block: Block, _ sizeClass: SizeClass) {
    state.withLock { protected in
      protected.state.statistics.bytesInUse -= sizeClass.byteCount
      protected.state.free[sizeClass.index].append(block.address)
    }
  }

  var statistics: MemoryStatistics { state.withLock { $0.state.statistics } }

  /// Gives blocks that nobody uses back to the system.
  func trim() {
    state.withLock { $0.state.release(downTo: 0) }
  }

  /// Small processes may keep what they like; in large ones a third of the memory may lie idle.
  private static func limit(peak: Int) -> Int { max(peak + 64 << 20, peak * 3 / 2) }
}

/// Four sizes of blocks per power of two: at most a fifth of a block is unused.
struct SizeClass: Sendable, Equatable {
  static let leastPower = 8
  static let count = (Int.bitWidth - 1 - leastPower) * 4
  let index: Int

  init(index: Int) { self.index = index }
  /// The smallest class whose blocks hold `byteCount` bytes.
  init(_ byteCount: Int) {
    let least = max(byteCount, 1 << Self.leastPower)
    let power = Int.bitWidth - 1 - least.leadingZeroBitCount
    let quarter = 1 << (power - 2)
    // A fourth quarter that is full is the first of the next power.
    index = (power - Self.leastPower) * 4 + (least - (1 << power) + quarter - 1) / quarter
  }
  var byteCount: Int { (4 + index % 4) << (index / 4 + Self.leastPower - 2) }
}

/// What a backend's memory pool has done so far.
public struct MemoryStatistics: Sendable, Equatable {
  /// Times that the system was asked for a block.
  public var systemAllocations = 0
  public var bytesFromSystem = 0
  public var bytesInUse = 0
  public var peakBytesInUse = 0

  mutating func use(_ size: Int) {
    bytesInUse += size
    peakBytesInUse = max(peakBytesInUse, bytesInUse)
  }
}
