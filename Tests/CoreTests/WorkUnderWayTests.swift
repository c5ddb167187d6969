// Results that are handed on before they are there: whoever asks where they are waits, and nothing else notices.
import BlockFormats
import CPUBackend
import Dispatch
import Synchronization
import Tensors
import Testing

@Suite struct WorkUnderWayTests {
  @Test func whoAsksWhereBytesAreWaitsOnceForAll() {
    for round in 0..<50 {
      let storage = Storage.host(byteCount: 4)
      let place = UInt(bitPattern: storage.address)
      let waits = Atomic(0)
      storage.await {
        waits.add(1, ordering: .relaxed)
        UnsafeMutablePointer<Int32>(bitPattern: place)!.pointee = Int32(round)
      }
      let wrong = Atomic(0)
      DispatchQueue.concurrentPerform(iterations: 8) { _ in
        let isThere = storage.address.assumingMemoryBound(to: Int32.self).pointee == Int32(round)
        if !isThere || UInt(bitPattern: storage.address) != place { wrong.add(1, ordering: .relaxed) }
      }
      #expect(wrong.load(ordering: .relaxed) == 0 && waits.load(ordering: .relaxed) == 1)
    }
  }

  /// Chains of products, results that nobody reads, products between that end the one before, and several callers of one
  /// backend: all as on one thread, which has nothing under way.
  @Test(.timeLimit(.minutes(5)), arguments: [2, 3])
  func productsUnderWayAreThoseOfOneThread(_ threads: Int) {
    let weight = QuantisedWeight(.q4_0, 128, 128, seed: 3)
    let numbers = (0..<128).map { Float($0 % 7) - 3 }
    @Sendable func chain(_ device: Device, _ rows: Int) -> [UInt32] {
      let w = weight.tensor(on: device)
      var x = Tensor([[Float]](repeating: numbers, count: rows).flatMap { $0 }, shape: [rows, 128], on: device)
      for step in 0..<40 {
        let y = LinearProduct()(x, w)
        if step % 5 == 0 { _ = LinearProduct()(x, w) }  // dropped unread
        if step % 3 == 0 { _ = (x + x).floats() }  // while y is under way
        let z = LinearProduct()(x, w)  // ends y
        x = (y + z) * 0.01
      }
      return x.floats().map(\.bitPattern)
    }
    let expected = [1, 3, 40].map { chain(Device(CPUBackend(threads: 1)), $0) }
    let device = Device(CPUBackend(threads: threads))
    let wrong = Atomic(0)
    DispatchQueue.concurrentPerform(iterations: 4) { caller in
      for (rows, bits) in zip([1, 3, 40], expected) where chain(device, rows) != bits {
        wrong.add(1, ordering: .relaxed)
      }
      _ = caller
    }
    #expect(wrong.load(ordering: .relaxed) == 0)
  }
}
