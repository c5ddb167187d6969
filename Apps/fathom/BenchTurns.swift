// Two programs that take turns at the same work: each side's rates, their medians and the ratio.
import Foundation

/// One thing to measure, on both sides.
struct BenchTask {
  /// "decode", "prompt of 256".
  let name: String
  /// Tokens a second of one turn, or seconds where less is better.
  let ours: () async throws -> Double
  /// nil without a peer.
  let theirs: (() throws -> Double)?
}

/// What the turns of one task gave.
struct BenchRates: Encodable {
  let name: String
  let ours: [Double]
  let theirs: [Double]
  /// Whether the numbers are durations, of which the smaller is the better.
  let isDuration: Bool

  var median: Double { Self.median(ours) }
  var peerMedian: Double? { theirs.isEmpty ? nil : Self.median(theirs) }
  /// How many times better our median is.
  var ratio: Double? { peerMedian.map { isDuration ? $0 / median : median / $0 } }

  private static func median(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    let middle = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
  }

  enum CodingKeys: String, CodingKey { case name, median, peerMedian, ratio, ours, theirs }
  func encode(to encoder: any Encoder) throws {
    func rounded(_ value: Double) -> Double { (value * 1e4).rounded() / 1e4 }
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(name, forKey: .name)
    try container.encode(rounded(median), forKey: .median)
    try container.encodeIfPresent(peerMedian.map(rounded), forKey: .peerMedian)
    try container.encodeIfPresent(ratio.map(rounded), forKey: .ratio)
    try container.encode(ours.map(rounded), forKey: .ours)
    try container.encode(theirs.map(rounded), forKey: .theirs)
  }
}

/// Runs tasks in alternating turns.
struct BenchTurns {
  let turns: Int
  var isDuration = false

  func run(_ tasks: [BenchTask], _ progress: TerminalProgress) async throws -> [BenchRates] {
    var results: [BenchRates] = []
    let sides = tasks.reduce(0) { $0 + ($1.theirs == nil ? 1 : 2) }
    var done = 0
    func report(_ detail: String) {
      done += 1
      progress.report(stage: "bench", done: done, of: sides * turns, unit: "turn", detail: detail)
    }
    for task in tasks {
      var (ours, theirs) = ([Double](), [Double]())
      for _ in 0..<turns {
        try Task.checkCancellation()
        ours.append(try await task.ours())
        report("\(task.name): \(Figures.short(ours[ours.count - 1]))")
        guard let peer = task.theirs else { continue }
        theirs.append(try peer())
        report("\(task.name): peer \(Figures.short(theirs[theirs.count - 1]))")
      }
      results.append(BenchRates(name: task.name, ours: ours, theirs: theirs, isDuration: isDuration))
    }
    return results
  }
}
