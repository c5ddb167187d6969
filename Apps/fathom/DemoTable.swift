// The demo's result for people at a terminal: before and after, the way between them, and the time it took.
import Foundation

/// Writes the demo's figures as text.
struct DemoTable {
  let result: DemoResult
  /// Seconds by stage, in the order in which the stages ran.
  let stages: [DemoRecord.StageTime]
  /// The curve is thinned to about so many rows.
  private static let rows = 15
  private static let barWidth = 25

  var text: String {
    let parts = [comparison, curve, times].filter { !$0.isEmpty }
    return parts.joined(separator: "\n")
  }

  private var comparison: String {
    var table = TextTable(
      .left("puzzles about"), .right("base accuracy"), .right("final accuracy"), .right("base length"),
      .right("final length"))
    for (people, before, after) in [
      ("3 people", result.base, result.final), ("2 people", result.base2, result.final2),
    ] {
      table.add(
        people, Self.percent(before.accuracy), Self.percent(after.accuracy), Self.tokens(before.meanLength),
        Self.tokens(after.meanLength))
    }
    return table.text + "Unseen puzzles, one answer to each. Lengths are mean tokens of an answer.\n"
  }

  /// Empty when the recipe evaluates only before and after.
  private var curve: String {
    var table = TextTable(.right("GRPO step"), .right("accuracy"), .left(""), .right("length"), .right("reward"))
    for point in Self.thinned(result.curve) {
      table.add(
        "\(point.step)", Self.percent(point.accuracy), Self.bar(point.accuracy), Self.tokens(point.meanLength),
        Self.twoDigits(point.reward))
    }
    return table.isEmpty ? "" : table.text
  }

  private var times: String {
    var table = TextTable(.left("stage"), .left("kind"), .right("took"))
    for stage in stages { table.add(stage.name, stage.kind, Figures.duration(stage.seconds)) }
    table.add("all", "", Figures.duration(result.seconds.total))
    return table.text
  }

  /// Every n-th point, the last one always.
  private static func thinned(_ points: [DemoResult.Point]) -> [DemoResult.Point] {
    let stride = max(1, (points.count + rows - 1) / rows)
    return points.enumerated().filter { $0.offset % stride == 0 || $0.offset == points.count - 1 }.map(\.element)
  }

  /// A bar in eighths of a column; `share` 1 fills it.
  private static func bar(_ share: Double) -> String {
    let eighths = Int((min(1, max(0, share)) * Double(barWidth) * 8).rounded())
    let part = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8]
    let bar = String(repeating: "█", count: eighths / 8) + part
    return bar + String(repeating: "·", count: barWidth - bar.count)
  }

  private static func percent(_ share: Double) -> String { String(format: "%.1f %%", share * 100) }
  private static func tokens(_ length: Double) -> String { String(format: "%.0f", length) }
  private static func twoDigits(_ value: Double) -> String { String(format: "%.2f", value) }
}
