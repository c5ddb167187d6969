// Tensors of quantised blocks: the numbers that they are, and what may be done with them.
import BlockFormats
import CPUBackend
import Tensors
import Testing

@Suite struct QuantisedTensorTests {
  @Test(arguments: BlockFormat.quantised)
  func codesScalesAndMinimaAreTheNumbersOfABlock(_ format: BlockFormat) {
    let weight = QuantisedWeight(format, 4, 256, seed: 1)
    let numbers = format.dequantise(weight.bytes)
    let (length, parts) = (format.blockLength, format.blockLength / format.partLength)
    var codes = [Int8](repeating: 0, count: length)
    var (scales, minima) = ([Float](repeating: 0, count: parts), [Float](repeating: 0, count: parts))
    for block in 0..<1024 / length {
      weight.bytes.withUnsafeBytes {
        format.split($0.baseAddress! + block * format.blockBytes, codes: &codes, scales: &scales, minima: &minima)
      }
      #expect(format.hasMinimum || minima.allSatisfy { $0 == 0 })
      for i in 0..<length {
        let part = i / format.partLength
        #expect(numbers[block * length + i] == scales[part] * Float(codes[i]) - minima[part], "number \(i)")
      }
    }
  }

  @Test(arguments: BlockFormat.quantised)
  func castsAndGatheredRowsAreTheNumbersOfTheBlocks(_ format: BlockFormat) {
    let weight = QuantisedWeight(format, 7, 512, seed: 2)
    let numbers = format.dequantise(weight.bytes)
    for device in [Device.reference(), .cpu()] {
      let tensor = weight.tensor(on: device)
      #expect(tensor.byteCount == weight.bytes.count)
      #expect(tensor.cast(to: .float32).floats() == numbers)
      let rows = tensor.gatherRows(Tensor([6, -1, 0] as [Int32], shape: [3], on: device)).floats()
      #expect(rows == Array(numbers[(6 * 512)...]) + [Float](repeating: 0, count: 512) + numbers[..<512])
    }
  }

  @Test(arguments: BlockFormat.quantised)
  func theProductIsNearThatOfTheNumbers(_ format: BlockFormat) throws {
    let values = Operand.random([24, 512], seed: 3)
    guard case .floats(let floats, let shape) = values else { return }
    let weight = QuantisedWeight(format, shape, bytes: try format.quantise(floats))
    for device in [Device.reference(), .cpu()] {
      let (x, w) = (Operand.random([5, 512], seed: 4).tensor(on: device), weight.tensor(on: device))
      let (y, expected) = (LinearProduct()(x, w).floats(), LinearProduct()(x, w.cast(to: .float32)).floats())
      let error = zip(y, expected).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
      let size = expected.reduce(0) { $0 + $1 * $1 }
      #expect(size > 1 && error <= 1e-4 * size, "\(format) is \((error / size).squareRoot()) away")
    }
  }

  @Test func blocksMayLieInMemoryThatSomebodyElseOwns() {
    let weight = QuantisedWeight(.q8_0, 3, 64, seed: 5)
    // One byte on, as a mapped file may have it.
    let memory = UnsafeMutableRawPointer.allocate(byteCount: weight.bytes.count + 1, alignment: 64)
    (memory + 1).copyMemory(from: weight.bytes, byteCount: weight.bytes.count)
    do {
      let storage = Storage(memory + 1, byteCount: weight.bytes.count) { _ in }
      let device = Device.cpu()
      let tensor = Tensor(shape: [3, 64], dtype: .q8_0, device: device, storage: storage)
      let x = Operand.random([2, 64], seed: 6).tensor(on: device)
      #expect(tensor.cast(to: .float32).floats() == weight.format.dequantise(weight.bytes))
      #expect(LinearProduct()(x, tensor).floats() == LinearProduct()(x, weight.tensor(on: device)).floats())
    }
    memory.deallocate()
  }
}
