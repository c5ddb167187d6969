// Drawing the next token.
// The draw is keyed by (seed, request, position): the same key gives the same token in any batch.
import Tensors
import Text

/// Draws tokens from logits.
public struct TokenSampler: Sendable {
  public let options: GenerationOptions
  public init(_ options: GenerationOptions) { self.options = options }

  /// The token for one row of logits.
  public func draw(_ logits: UnsafeBufferPointer<Float>, request: UInt64, position: Int) -> Int {
    let best = Self.argmax(logits)
    return options.temperature == 0 ? best : sample(logits, best, request, position)
  }

  /// The log-probability of each row's token at temperature 1 and untruncated: the very kernel that training runs, so
  /// that both agree bit for bit.
  public static func logProbabilities(of tokens: [Int32], in logits: Tensor) -> [Float] {
    CrossEntropy()(logits.detached(), Tensor(tokens, shape: [tokens.count], on: logits.device)).floats()
  }

  private func sample(_ logits: UnsafeBufferPointer<Float>, _ best: Int, _ request: UInt64, _ position: Int) -> Int {
    var random = RandomStream(seed: options.seed, path: request, UInt64(position))
    let u = random.uniform()
    let inverse = 1 / Float(options.temperature)
    let largest = logits[best]
    if options.topK == 0 && options.topP >= 1 {
      return Self.pick(u, among: logits.count) { weights in
        for i in weights.indices { weights[i] = ExactMath.exp((logits[i] - largest) * inverse) }
      }
    }
    var kept = logits.indices.sorted { logits[$0] != logits[$1] ? logits[$0] > logits[$1] : $0 < $1 }
    if options.topK > 0 { kept = Array(kept.prefix(options.topK)) }
    let weights = kept.map { ExactMath.exp((logits[$0] - largest) * inverse) }
    let total = weights.reduce(0, +)
    var (covered, count) = (Float(0), 0)
    while count < kept.count && (count == 0 || covered < Float(options.topP) * total) {
      covered += weights[count]
      count += 1
    }
    return kept[Self.pick(u, among: count) { _ = $0.update(fromContentsOf: weights[..<count]) }]
  }

  /// The first of `count` indices at which the running sum of weights passes u · total. `fill` writes the weights.
  private static func pick(
    _ u: Float, among count: Int, _ fill: (UnsafeMutableBufferPointer<Float>) -> Void
  ) -> Int {
    withUnsafeTemporaryAllocation(of: Float.self, capacity: count) { weights in
      weights.initialize(repeating: 0)
      fill(weights)
      var total = 0.0
      for w in weights { total += Double(w) }
      let threshold = Double(u) * total
      var (running, last) = (0.0, 0)
      for i in weights.indices where weights[i] > 0 {
        running += Double(weights[i])
        last = i
        if running > threshold { break }
      }
      return last
    }
  }

  /// The largest logit; the lowest index among equals. What is not a number is never the largest, unless it is first.
  public static func argmax(_ logits: UnsafeBufferPointer<Float>) -> Int {
    guard let start = UnsafeRawPointer(logits.baseAddress), let first = logits.first, !first.isNaN else { return 0 }
    typealias Lanes = SIMD16<Float>
    let (count, step) = (logits.count, Lanes.scalarCount)
    func lanes(_ i: Int) -> Lanes { (start + i * 4).loadUnaligned(as: Lanes.self) }
    let whole = count / step * step
    var tops = Lanes(repeating: first)
    for i in stride(from: 0, to: whole, by: step) { tops.replace(with: lanes(i), where: lanes(i) .> tops) }
    var top = tops.max()
    for i in whole..<count where logits[i] > top { top = logits[i] }
    // A vocabulary is large: skip what does not hold it.
    var i = 0
    while i < whole, !any(lanes(i) .== top) { i += step }
    while logits[i] != top { i += 1 }
    return i
  }
}
