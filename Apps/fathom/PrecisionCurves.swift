// The losses of one recipe in two precisions, and how far they are apart.
import Foundation

/// The losses of both runs by step.
struct PrecisionCurves: Sendable {
  /// What `--json` prints. Losses are means over the last tenth of the steps, and the difference is the mean of the
  /// steps' relative differences, signed and by size.
  struct Summary: Encodable {
    let precision: String
    let against: String
    let steps: Int
    let loss: Double
    let lossAgainst: Double
    let relativeDifference: Double
    let meanAbsoluteDifference: Double
  }
  let judged: [Int: Double]
  let other: [Int: Double]

  private var steps: [Int] { judged.keys.filter { other[$0] != nil }.sorted() }

  /// Nil when there is no step that both have.
  func summary(_ judgedName: String, _ otherName: String) -> Summary? {
    let steps = steps
    guard !steps.isEmpty else { return nil }
    let last = steps.suffix(max(1, steps.count / 10))
    func mean(_ value: (Int) -> Double) -> Double { last.reduce(0) { $0 + value($1) } / Double(last.count) }
    func relative(_ step: Int) -> Double { (judged[step] ?? .nan) / (other[step] ?? .nan) - 1 }
    return Summary(
      precision: judgedName, against: otherName, steps: steps.count, loss: mean { judged[$0] ?? .nan },
      lossAgainst: mean { other[$0] ?? .nan }, relativeDifference: mean(relative),
      meanAbsoluteDifference: mean { abs(relative($0)) })
  }

  /// A dozen steps of both curves, and the figure.
  func text(_ summary: Summary) -> String {
    let steps = steps
    var table = TextTable(.right("step"), .right(summary.against), .right(summary.precision), .right("difference"))
    let stride = max(1, (steps.count + 11) / 12)
    for (index, step) in steps.enumerated() where index % stride == 0 || index == steps.count - 1 {
      guard let own = judged[step], let base = other[step] else { continue }
      table.add(
        "\(step)", String(format: "%.4f", base), String(format: "%.4f", own), Self.percent(own / base - 1))
    }
    return """
      \(table.text)
      last tenth of \(summary.steps) steps: loss \(String(format: "%.4f", summary.loss)) in \(summary.precision), \
      \(String(format: "%.4f", summary.lossAgainst)) in \(summary.against): \
      \(Self.percent(summary.relativeDifference)) apart, step by step \(Self.percent(summary.meanAbsoluteDifference))

      """
  }

  private static func percent(_ share: Double) -> String { String(format: "%+.3f %%", share * 100) }
}
