// Drawing a token from a row of logits, against the same thing written slowly.
import LanguageModels
import Tensors
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

@Suite struct SamplerTests {
  /// The first index at which the running sum of e^((x − max) / t) passes u times the sum of all.
  private func slowDraw(_ logits: [Float], _ u: Float, _ temperature: Float) -> Int {
    let largest = logits.max() ?? 0
    let weights = logits.map { Double(expf(($0 - largest) * (1 / temperature))) }
    let threshold = Double(u) * weights.reduce(0, +)
    var running = 0.0
    for (index, weight) in weights.enumerated() {
      running += weight
      if weight > 0, running > threshold { return index }
    }
    return weights.lastIndex { $0 > 0 } ?? 0
  }

  @Test(arguments: [0.5, 1.0, 1.7]) func aDrawIsTheSlowDrawOfTheSameKey(temperature: Double) {
    var options = GenerationOptions()
    (options.temperature, options.seed) = (temperature, 12)
    let sampler = TokenSampler(options)
    var random = RandomStream(seed: 3)
    var seen: Set<Int> = []
    for position in 0..<600 {
      // Some rows are flat, some have one favourite, and some have tokens that cannot be drawn.
      let spread = Float(position % 7) * 3
      var logits = (0..<65).map { _ in random.normal() * spread }
      if position % 5 == 0 { for i in stride(from: 0, to: 65, by: 3) { logits[i] = -.infinity } }
      var stream = RandomStream(seed: 12, path: 8, UInt64(position))
      let wanted = slowDraw(logits, stream.uniform(), Float(temperature))
      let found = logits.withUnsafeBufferPointer { sampler.draw($0, request: 8, position: position) }
      #expect(found == wanted, "position \(position)")
      seen.insert(found)
    }
    #expect(seen.count > 40)
  }
}
