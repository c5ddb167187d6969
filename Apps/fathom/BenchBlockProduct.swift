// Products with weights in quantised blocks, timed as a decoder meets them: every product reads another weight, so that
// with few rows the memory's speed is measured and not a cache's.
import BlockFormats
import CPUBackend
import Tensors

/// The product of x [m, k] and the transpose of a weight [n, k] in blocks.
struct BenchBlockProduct {
  let format: BlockFormat
  let k: Int
  let n: Int

  /// Both directions of a feed-forward layer of 896 to 4864.
  static let all = [BlockFormat.q8_0, .q4_0].flatMap { format in
    [(896, 4864), (4864, 896)].map { BenchBlockProduct(format: format, k: $0.0, n: $0.1) }
  }
  static let rows = [1, 2, 4, 8, 16, 256]
  private static let rounds = 5
  /// More than caches hold.
  private static let leastBytes = 192 << 20

  struct Rate {
    let rows: Int
    /// Multiplications and additions in 10^9 a second.
    let operations: Double
    /// The weight's bytes in its file, in 10^9 a second.
    let bytes: Double
  }

  /// Rates at the median of some rounds. Activations become codes inside the clock, weights are packed before it.
  func rates(on backend: CPUBackend) throws -> [Rate] {
    let device = Device(backend)
    var random = RandomStream(seed: 1)
    let numbers = (0..<n * k).map { _ in random.uniform() - 0.5 }
    let bytes = try format.quantise(numbers)
    let weights = (0...Self.leastBytes / bytes.count).map { _ in
      bytes.withUnsafeBytes { Tensor(bytes: $0, shape: [n, k], dtype: format.dtype, on: device) }
    }
    for weight in weights { backend.prepare(weight) }
    return Self.rows.map { m in
      let x = (0..<m * k).map { _ in random.uniform() - 0.5 }
      let calls = m > 16 ? 8 : weights.count
      let seconds = (0...Self.rounds).map { _ in
        // Codes are kept beside the activations that they were made from, so each call has activations of its own.
        let inputs = (0..<calls).map { _ in Tensor(x, shape: [m, k], on: device) }
        let began = ContinuousClock.now
        for (input, weight) in zip(inputs, weights) { _ = LinearProduct()(input, weight) }
        return (ContinuousClock.now - began) / .seconds(calls)
      }
      let median = seconds.dropFirst().sorted()[Self.rounds / 2]
      return Rate(rows: m, operations: 2e-9 * Double(m * k * n) / median, bytes: 1e-9 * Double(bytes.count) / median)
    }
  }
}
