// The demo's picture: accuracy and length of answers over the steps of GRPO, as an SVG that this program writes itself.
// It stands on a light card of its own, so that it reads the same on light and dark pages.
import Foundation

/// Draws a curve with two axes: shares on the left, tokens on the right.
struct DemoPlot {
  let result: DemoResult
  var title = "Accuracy and length of answers during GRPO"
  var subtitle = "Knights and knaves with three people, on puzzles that the model never learns from"
  private let x: Scale
  private let length: Scale

  /// Room for the title above, the axes' words around, and markers that stand on the border.
  private static let width = 720.0
  private static let (left, right, top, bottom) = (74.0, 646.0, 113.0, 302.0)
  private static let inset = 14.0
  /// Both axes have this many intervals, so that they share one grid.
  private static let intervals = 5
  private static let accuracy = Scale(largest: 1, start: bottom, end: top)

  private enum Ink {
    static let (accuracy, length) = ("#1f6feb", "#d9480f")
    static let (text, soft, grid, border) = ("#1f2328", "#59636e", "#e6eaef", "#d0d7de")
  }

  init(_ result: DemoResult) {
    self.result = result
    x = Scale(
      largest: Double(max(1, result.curve.last?.step ?? 1)), start: Self.left + Self.inset,
      end: Self.right - Self.inset)
    let longest = ([result.base, result.final].map(\.meanLength) + result.curve.map(\.meanLength)).max() ?? 1
    let interval = Self.roundStep(atLeast: max(5, longest * 1.02) / Double(Self.intervals), [1, 2, 3, 4, 5, 6, 8, 10])
    length = Scale(largest: interval * Double(Self.intervals), start: Self.bottom, end: Self.top)
  }

  /// The whole picture.
  var svg: String {
    let parts = [card, heading, grid, steps, axisNames, guides, curves, scores]
    return """
      <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 360" width="720" height="360" role="img" \
      aria-label="\(Self.escaped(title))" font-family="system-ui, -apple-system, 'Segoe UI', sans-serif">
      \(parts.joined(separator: "\n"))
      </svg>

      """
  }

  private var card: String {
    #"<rect x="0.5" y="0.5" width="719" height="359" rx="12" fill="white" stroke="\#(Ink.border)"/>"#
  }
}

// What stands around the curves.
extension DemoPlot {
  private var heading: String {
    let (base, final) = (result.base, result.final)
    let (before, after) = (Self.percent(base.accuracy), Self.percent(final.accuracy))
    let lengths = "\(Self.number(base.meanLength, 0)) → \(Self.number(final.meanLength, 0)) tokens"
    return [
      Self.text(title, 24, 33, size: 17, fill: Ink.text, weight: 600),
      Self.text(subtitle, 24, 53, size: 12.5, fill: Ink.soft),
      Self.circle(32, 76, Ink.accuracy, isSolid: true),
      Self.text("accuracy  \(before) → \(after)", 44, 80.5, size: 13, fill: Ink.text),
      Self.square(268, 76, Ink.length, isSolid: true),
      Self.text("mean length  \(lengths)", 280, 80.5, size: 13, fill: Ink.text),
    ].joined(separator: "\n")
  }

  /// Lines across, with what they mean on either side.
  private var grid: String {
    (0...Self.intervals).map { index in
      let share = Double(index) / Double(Self.intervals)
      let y = Self.accuracy(share)
      return [
        Self.line(Self.left, y, Self.right, y, index == 0 ? Ink.soft : Ink.grid),
        Self.text("\(index * 20) %", Self.left - 10, y + 4, fill: Ink.accuracy, anchor: "end"),
        Self.text(Self.number(share * length.largest, 0), Self.right + 10, y + 4, fill: Ink.length),
      ].joined(separator: "\n")
    }.joined(separator: "\n")
  }

  /// Round steps below the curves.
  private var steps: String {
    let last = x.largest
    let interval = Self.roundStep(atLeast: max(1, last / 7), [1, 2, 5, 10])
    return stride(from: 0, through: last, by: interval).map { step in
      Self.line(x(step), Self.bottom, x(step), Self.bottom + 5, Ink.soft)
        + Self.text(Self.number(step, 0), x(step), Self.bottom + 19, fill: Ink.soft, anchor: "middle")
    }.joined(separator: "\n")
  }

  private var axisNames: String {
    let middle = (Self.top + Self.bottom) / 2
    func upright(_ name: String, _ x: Double, _ fill: String) -> String {
      let place = "translate(\(Self.number(x, 1)) \(Self.number(middle, 1))) rotate(-90)"
      return #"<g transform="\#(place)">\#(Self.text(name, 0, 0, fill: fill, anchor: "middle"))</g>"#
    }
    return [
      Self.text("GRPO step", (Self.left + Self.right) / 2, Self.bottom + 41, fill: Ink.soft, anchor: "middle"),
      upright("right answers", 26, Ink.accuracy), upright("tokens of an answer", Self.width - 18, Ink.length),
    ].joined(separator: "\n")
  }
}

// The figures themselves.
extension DemoPlot {
  private var curves: String {
    let accuracies = result.curve.map { (x(Double($0.step)), Self.accuracy($0.accuracy)) }
    let lengths = result.curve.map { (x(Double($0.step)), length($0.meanLength)) }
    func path(_ points: [(Double, Double)], _ color: String) -> String {
      let places = points.map { "\(Self.number($0, 1)),\(Self.number($1, 1))" }.joined(separator: " ")
      return #"<polyline points="\#(places)" fill="none" stroke="\#(color)" stroke-width="2.5" "#
        + #"stroke-linejoin="round" stroke-linecap="round"/>"#
    }
    // Beyond this many points the markers would hide the line.
    let hasMarkers = result.curve.count <= 40
    return
      ([path(lengths, Ink.length), path(accuracies, Ink.accuracy)]
      + (hasMarkers ? lengths.map { Self.square($0, $1, Ink.length, isSolid: true) } : [])
      + (hasMarkers ? accuracies.map { Self.circle($0, $1, Ink.accuracy, isSolid: true) } : []))
      .joined(separator: "\n")
  }

  /// Where the base and the final model stand.
  private var guides: String {
    zip(["base", "final"], [0, x.largest]).map { name, step in
      Self.line(x(step), Self.top, x(step), Self.bottom, "#afb8c1", dashes: "3 4")
        + Self.text(name, x(step), Self.top - 10, size: 11.5, fill: Ink.soft, anchor: "middle", weight: 600)
    }.joined(separator: "\n")
  }

  /// The evaluations before and after, of more puzzles than a point of the curve: large and hollow.
  private var scores: String {
    zip([result.base, result.final], [0, x.largest]).map { score, step in
      Self.square(x(step), length(score.meanLength), Ink.length, isSolid: false) + "\n"
        + Self.circle(x(step), Self.accuracy(score.accuracy), Ink.accuracy, isSolid: false)
    }.joined(separator: "\n")
  }
}

// Pieces of SVG.
extension DemoPlot {
  /// Values from 0 to `largest` onto places between `start` and `end`, which are never left.
  private struct Scale {
    let largest: Double
    let (start, end): (Double, Double)

    func callAsFunction(_ value: Double) -> Double {
      start + (end - start) * min(1, max(0, value.isFinite ? value / largest : 0))
    }
  }

  /// The smallest of the steps, times a power of ten, that is not below `size`.
  private static func roundStep(atLeast size: Double, _ steps: [Double]) -> Double {
    let power = pow(10, floor(log10(size)))
    return power * (steps.first { $0 * power >= size * (1 - 1e-9) } ?? 10)
  }

  private static func text(
    _ words: String, _ x: Double, _ y: Double, size: Double = 12, fill: String, anchor: String = "start",
    weight: Int = 400
  ) -> String {
    #"<text x="\#(number(x, 1))" y="\#(number(y, 1))" font-size="\#(number(size, 1))" fill="\#(fill)" "#
      + #"text-anchor="\#(anchor)" font-weight="\#(weight)" xml:space="preserve">\#(escaped(words))</text>"#
  }

  private static func line(
    _ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ color: String, dashes: String = "none"
  ) -> String {
    #"<line x1="\#(number(x1, 1))" y1="\#(number(y1, 1))" x2="\#(number(x2, 1))" y2="\#(number(y2, 1))" "#
      + #"stroke="\#(color)" stroke-dasharray="\#(dashes)"/>"#
  }

  private static func circle(_ x: Double, _ y: Double, _ color: String, isSolid: Bool) -> String {
    #"<circle cx="\#(number(x, 1))" cy="\#(number(y, 1))" r="\#(isSolid ? "3.5" : "6")" \#(paint(color, isSolid))/>"#
  }

  private static func square(_ x: Double, _ y: Double, _ color: String, isSolid: Bool) -> String {
    let half = isSolid ? 3.2 : 5.5
    return #"<rect x="\#(number(x - half, 1))" y="\#(number(y - half, 1))" width="\#(number(2 * half, 1))" "#
      + #"height="\#(number(2 * half, 1))" \#(paint(color, isSolid))/>"#
  }

  private static func paint(_ color: String, _ isSolid: Bool) -> String {
    isSolid ? #"fill="\#(color)""# : #"fill="white" stroke="\#(color)" stroke-width="2.5""#
  }

  private static func percent(_ share: Double) -> String { number(share * 100, 1) + " %" }

  private static func number(_ value: Double, _ digits: Int) -> String { String(format: "%.\(digits)f", value) }

  private static func escaped(_ text: String) -> String {
    text.replacingOccurrences(of: "&", with: "&amp;").replacingOccurrences(of: "<", with: "&lt;")
      .replacingOccurrences(of: ">", with: "&gt;").replacingOccurrences(of: "\"", with: "&quot;")
  }
}
