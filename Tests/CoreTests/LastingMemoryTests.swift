// The memory of packed weights: parts of one region lie beside each other and keep it alive.
import Tensors
import Testing

@testable import CPUBackend

@Suite struct LastingMemoryTests {
  @Test("Parts do not overlap, and keep what was written while others come and go.")
  func parts() {
    var memory: LastingMemory? = LastingMemory()
    let sizes = [1, 64, 1000, 3 << 20, 40 << 20, 15 << 20, 17, 16 << 20, 30 << 20]
    var storages = sizes.map { memory!.allocate(byteCount: $0) }
    for (index, storage) in storages.enumerated() {
      #expect(UInt(bitPattern: storage.address) % 64 == 0)
      #expect(storage.byteCount == sizes[index])
      storage.address.initializeMemory(as: UInt8.self, repeating: UInt8(index + 1), count: sizes[index])
    }
    storages.remove(at: 4)
    storages.remove(at: 0)
    memory = nil
    for (storage, index) in zip(storages, [1, 2, 3, 5, 6, 7, 8]) {
      let bytes = UnsafeRawBufferPointer(start: storage.address, count: sizes[index])
      #expect(bytes.first == UInt8(index + 1) && bytes.last == UInt8(index + 1))
      #expect(bytes[bytes.count / 2] == UInt8(index + 1))
    }
  }
}
