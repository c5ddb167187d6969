// One matrix product timed four ways or five: ours as layers run it, in bfloat16, ours with its packing, OpenBLAS, and
// torch where there is one.
import COpenBLAS
import CPUBackend
import Tensors

/// The product of x [m, k] and the transpose of a weight [n, k].
struct BenchProduct {
  let m: Int
  let k: Int
  let n: Int

  /// Squares, a training batch through a layer, and the few rows of decoding.
  static let all = [
    BenchProduct(m: 512, k: 512, n: 512), BenchProduct(m: 2048, k: 2048, n: 2048),
    BenchProduct(m: 4096, k: 256, n: 1024), BenchProduct(m: 1, k: 4096, n: 4096),
    BenchProduct(m: 2, k: 4096, n: 4096), BenchProduct(m: 4, k: 4096, n: 4096),
    BenchProduct(m: 8, k: 2048, n: 2048), BenchProduct(m: 64, k: 2048, n: 2048),
  ]

  /// GFLOP/s at the median of some rounds.
  struct Rates {
    /// The weight was packed before, as in every use of a layer but the first after an update.
    let packed: Double
    /// The same with both factors rounded to bfloat16.
    let bfloat16: Double
    /// Packing is part of the product.
    let whole: Double
    let openBLAS: Double
    /// Nil when no peer was asked for.
    let torch: Double?
  }

  private static let rounds = 5

  /// All take turns. Throws when results of this process differ by more than rounding, and what a peer has to say.
  func rates(on backend: CPUBackend, against python: String?) throws -> Rates {
    let peer = try python.map {
      try BenchPeer(
        python: $0, "torch_products.py", "{\"m\": \(m), \"k\": \(k), \"n\": \(n)}", ["--threads", "\(backend.threads)"])
    }
    defer { peer?.end() }
    if let peer { let _: PeerDescription = try peer.description() }
    let device = Device(backend)
    var random = RandomStream(seed: 1)
    let x = (0..<m * k).map { _ in random.uniform() - 0.5 }
    let weight = (0..<n * k).map { _ in random.uniform() - 0.5 }
    var result = [Float](repeating: 0, count: m * n)
    let (x_MK, weight_NK) = (Tensor(x, shape: [m, k], on: device), Tensor(weight, shape: [n, k], on: device))
    let weight_KN = weight_NK.transposed
    let packed = { _ = LinearProduct()(x_MK, weight_NK) }
    let bfloat16 = { _ = backend.bfloat16Product(x_MK, transposed: weight_NK) }
    let whole = { _ = x_MK.matmul(weight_KN) }
    let openBLAS = {
      cblas_sgemm(
        CblasRowMajor, CblasNoTrans, CblasTrans, blasint(m), blasint(n), blasint(k), 1, x, blasint(k), weight,
        blasint(k), 0, &result, blasint(n))
    }
    var seconds: [[Double]] = [[], [], [], []]
    var theirs: [Double] = []
    for _ in 0..<Self.rounds {
      for (index, product) in [packed, bfloat16, whole, openBLAS].enumerated() {
        seconds[index].append(Self.seconds(product))
      }
      if let peer {
        let round = try peer.timed(max(3, Int(0.12 / (seconds[0].last ?? 0.12))))
        theirs.append(round.reduce(0, +) / Double(round.count))
      }
    }
    // Numbers of mean square 1/12: a sum of k products is about √k/12, and its rounding a small part of that.
    try compare(LinearProduct()(x_MK, weight_NK).floats(), result, within: 1e-4 * Float(k).squareRoot())
    let rounded = backend.bfloat16Product(x_MK, transposed: weight_NK).floats()
    try compare(rounded, result, within: 2e-3 * Float(k).squareRoot())
    let rates = (seconds + (theirs.isEmpty ? [] : [theirs])).map {
      2e-9 * Double(m * k * n) / $0.sorted()[Self.rounds / 2]
    }
    return Rates(
      packed: rates[0], bfloat16: rates[1], whole: rates[2], openBLAS: rates[3],
      torch: rates.count > 4 ? rates[4] : nil)
  }
  private struct PeerDescription: Decodable {
    let torch: String
    let threads: Int
  }

  /// Seconds of one product. It runs for a while before the clock starts: threads of whoever ran before still spin.
  private static func seconds(_ product: () -> Void) -> Double {
    let (warmup, measured) = (Duration.milliseconds(80), Duration.milliseconds(120))
    _ = repeated(for: warmup, product)
    return repeated(for: measured, product)
  }

  private static func repeated(for least: Duration, _ product: () -> Void) -> Double {
    let began = ContinuousClock.now
    var (count, passed) = (0, Duration.zero)
    while passed < least {
      product()
      count += 1
      passed = ContinuousClock.now - began
    }
    return passed / .seconds(count)
  }

  private func compare(_ ours: [Float], _ theirs: [Float], within bound: Float) throws {
    let distance = zip(ours, theirs).reduce(Float(0)) { max($0, abs($1.0 - $1.1)) }
    guard distance <= bound else {
      throw CommandError(
        "product \(m)×\(k)×\(n): ours and OpenBLAS differ by \(distance); at most \(bound) was expected")
    }
  }
}
