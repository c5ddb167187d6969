// One line of progress as text: as a bar that fits a terminal, or as a plain sentence.

/// How far one stage has come.
struct ProgressLine {
  var stage: String
  var done: Int
  var total: Int
  var unit: String
  var detail: String
  /// Seconds since the stage was first seen.
  var elapsed: Double
  /// Units a second; nil until it is known.
  var rate: Double?

  private var fraction: Double { total > 0 ? min(1, max(0, Double(done) / Double(total))) : 0 }
  private var percentage: String { "\(Int(fraction * 100))%" }
  private var units: String { total == 1 ? unit : "\(unit)s" }
  private var left: Double? { rate.map { Double(max(0, total - done)) / $0 } }

  /// "pretrain: 420 of 1000 steps (42%), 3.1 steps/s, 2:15 elapsed, 3:06 left, loss 1.31".
  var sentence: String {
    var parts = ["\(stage): \(done) of \(total) \(units) (\(percentage))"]
    if let rate { parts.append("\(Figures.short(rate)) \(unit)s/s") }
    parts.append("\(Figures.duration(elapsed)) elapsed")
    if let left, done < total { parts.append("\(Figures.duration(left)) left") }
    if !detail.isEmpty { parts.append(detail) }
    return parts.joined(separator: ", ")
  }

  /// The line in at most `width` − 1 columns, so that the cursor stays on it. What says least is left out first.
  func fitted(to width: Int) -> String {
    let room = max(1, width - 1)
    let candidates = [
      line(bar: 24, hasElapsed: true), line(bar: 12, hasElapsed: true), line(bar: 12, hasElapsed: false),
      line(bar: 0, hasElapsed: false),
    ]
    let line = candidates.first { $0.count <= room } ?? candidates[candidates.count - 1]
    return line.count <= room ? line : "\(line.prefix(room - 1))…"
  }

  private func line(bar width: Int, hasElapsed: Bool) -> String {
    var parts = [stage]
    if width > 0 {
      let filled = Int(fraction * Double(width))
      parts.append("[\(String(repeating: "=", count: filled))\(String(repeating: " ", count: width - filled))]")
    }
    parts += [percentage, "\(done)/\(total) \(units)"]
    if let rate { parts.append("\(Figures.short(rate))/s") }
    if hasElapsed || done >= total { parts.append(Figures.duration(elapsed)) }
    if let left, done < total { parts.append("\(Figures.duration(left)) left") }
    if !detail.isEmpty { parts.append(detail) }
    return parts.joined(separator: "  ")
  }
}
