// The losses of one recipe in several precisions from several seeds, and how far they are apart.
import Foundation

/// The losses of every run by step.
struct PrecisionComparison: Sendable {
  /// One run of the comparison.
  struct Member: Hashable, Sendable {
    let precision: String
    let seed: Int
  }

  /// What `--json` prints of one precision. Losses are means over the last tenth of the steps; a difference is the mean
  /// of the steps' relative differences of one seed's two runs.
  struct Summary: Encodable {
    struct Pair: Encodable {
      let seed: Int
      let loss: Double
      let lossAgainst: Double
      let relativeDifference: Double
    }
    /// A part of the steps: mean losses over its steps and all seeds.
    struct Window: Encodable {
      let firstStep: Int
      let lastStep: Int
      let loss: Double
      let lossAgainst: Double
      let relativeDifference: Double
      /// Nil of fewer than two seeds.
      let standardError: Double?
    }
    let precision: String
    let against: String
    let steps: Int
    let pairs: [Pair]
    let relativeDifference: Double
    /// Of the mean over the seeds; nil of fewer than two.
    let standardError: Double?
    let curve: [Window]
  }

  let against: String
  private var losses: [Member: [Int: Double]] = [:]
  private static let windows = 16

  init(against: String) { self.against = against }

  mutating func add(_ member: Member, _ losses: [Int: Double]) { self.losses[member] = losses }

  /// Over the seeds whose two runs are here. Nil when there is none, or a pair has no step in common.
  func summary(of precision: String) -> Summary? {
    let seeds = losses.keys.filter { $0.precision == precision }.map(\.seed).sorted()
    let pairs = seeds.compactMap { seed -> (seed: Int, judged: [Int: Double], other: [Int: Double])? in
      guard let judged = losses[Member(precision: precision, seed: seed)],
        let other = losses[Member(precision: against, seed: seed)]
      else { return nil }
      return (seed, judged, other)
    }
    guard let first = pairs.first else { return nil }
    let steps = first.judged.keys.filter { step in pairs.allSatisfy { $0.judged[step] != nil && $0.other[step] != nil }
    }
    .sorted()
    if steps.isEmpty { return nil }
    func mean(_ part: ArraySlice<Int>, _ losses: [Int: Double]) -> Double {
      Spread(part.compactMap { losses[$0] }).mean
    }
    func difference(_ part: ArraySlice<Int>, _ pair: (seed: Int, judged: [Int: Double], other: [Int: Double])) -> Double
    {
      Spread(part.map { (pair.judged[$0] ?? .nan) / (pair.other[$0] ?? .nan) - 1 }).mean
    }
    let last = steps.suffix(max(1, steps.count / 10))
    let spread = Spread(pairs.map { difference(last, $0) })
    let count = min(Self.windows, steps.count)
    let curve = (0..<count).map { i -> Summary.Window in
      let part = steps[steps.count * i / count..<steps.count * (i + 1) / count]
      let differences = Spread(pairs.map { difference(part, $0) })
      return Summary.Window(
        firstStep: part.first ?? 0, lastStep: part.last ?? 0, loss: Spread(pairs.map { mean(part, $0.judged) }).mean,
        lossAgainst: Spread(pairs.map { mean(part, $0.other) }).mean, relativeDifference: differences.mean,
        standardError: differences.standardError)
    }
    return Summary(
      precision: precision, against: against, steps: steps.count,
      pairs: pairs.map {
        Summary.Pair(
          seed: $0.seed, loss: mean(last, $0.judged), lossAgainst: mean(last, $0.other),
          relativeDifference: difference(last, $0))
      }, relativeDifference: spread.mean, standardError: spread.standardError, curve: curve)
  }
}

/// A mean and how sure it is.
struct Spread {
  let mean: Double
  /// Of the mean; nil of fewer than two numbers.
  let standardError: Double?

  init(_ numbers: [Double]) {
    let count = Double(numbers.count)
    let mean = numbers.reduce(0, +) / count
    let squares = numbers.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    self.mean = mean
    standardError = numbers.count > 1 ? (squares / (count - 1) / count).squareRoot() : nil
  }
}

extension PrecisionComparison.Summary {
  /// Both curves, every seed's pair, and the figure.
  var text: String {
    var table = TextTable(.right("steps"), .right(against), .right(precision), .right("difference"))
    for window in curve {
      table.add(
        "\(window.firstStep)–\(window.lastStep)", Self.loss(window.lossAgainst), Self.loss(window.loss),
        Self.share(window.relativeDifference, window.standardError))
    }
    var each = TextTable(.right("seed"), .right(against), .right(precision), .right("difference"))
    for pair in pairs {
      each.add("\(pair.seed)", Self.loss(pair.lossAgainst), Self.loss(pair.loss), Self.share(pair.relativeDifference))
    }
    return """
      \(table.text)
      last tenth of \(steps) steps:
      \(each.text)
      \(line)

      """
  }

  /// The figure in one line.
  var line: String {
    let seeds = pairs.count == 1 ? "one seed" : "\(pairs.count) seeds"
    return "\(precision) against \(against), last tenth of \(steps) steps, \(seeds): "
      + Self.share(relativeDifference, standardError)
  }

  private static func loss(_ value: Double) -> String { String(format: "%.4f", value) }
  private static func share(_ share: Double, _ error: Double? = nil) -> String {
    String(format: "%+.3f %%", share * 100) + (error.map { String(format: " ± %.3f", $0 * 100) } ?? "")
  }
}
