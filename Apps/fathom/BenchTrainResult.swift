// What `fathom bench train` has measured, for people and as JSON.
import CPUBackend
import LanguageModels
import Tensors

/// The timed steps of one side or of both.
struct BenchTrainResult {
  let shape: BenchShape
  let precision: Precision
  let recompute: Recompute
  let threads: Int
  let parameters: Int
  /// The machine's load before the first step.
  let load: Double
  /// Nil when ours is measured alone.
  let peer: BenchPeer.Description?
  /// Seconds of each timed step.
  var ours: [Double] = []
  var theirs: [Double] = []
  /// Nil when none was asked for.
  var profile: BenchProfile?
  /// Ours, after the last step.
  var memory: PeakMemory?
  /// What waits for the way back when the loss is known; nil for a backend that does not count its bytes.
  var keptBytes: Int?
  /// The peer's resident bytes at their peak, in a process of its own.
  var peerMemory: Int?

  init(
    _ shape: BenchShape, _ precision: Precision, _ recompute: Recompute, threads: Int, parameters: Int, load: Double,
    peer: BenchPeer.Description?
  ) {
    (self.shape, self.precision, self.recompute, self.threads) = (shape, precision, recompute, threads)
    (self.parameters, self.load, self.peer) = (parameters, load, peer)
  }

  /// Throws when the two sides do not train the same thing.
  func check() throws {
    guard let peer, peer.parameters != parameters || peer.threads != threads else { return }
    throw CommandError(
      "the peer has \(peer.parameters) parameters and \(peer.threads) threads, and ours \(parameters) and \(threads); "
        + "a comparison needs equal ones")
  }

  /// Tokens per second at the median and at the fastest step.
  private func rates(_ seconds: [Double]) -> (median: Double, best: Double)? {
    let sorted = seconds.sorted()
    guard let fastest = sorted.first else { return nil }
    let (low, high) = (sorted[(sorted.count - 1) / 2], sorted[sorted.count / 2])
    return (Double(shape.tokens) * 2 / (low + high), Double(shape.tokens) / fastest)
  }
}

extension BenchTrainResult {
  /// What `--json` prints. Rates are tokens per second; `ratio` and `memoryRatio` are ours over the peer's.
  struct Summary: Encodable {
    let tokensPerSecond: Double
    let best: Double
    let shape: String
    let precision: String
    let recompute: String
    let parameters: Int
    let batch: Int
    let sequenceLength: Int
    let threads: Int
    let isa: String
    let steps: Int
    let load: Double
    var keptBytes: Int?
    var peakBytes: Int?
    var peakResidentBytes: Int?
    var peerPeakResidentBytes: Int?
    var memoryRatio: Double?
    var peerTokensPerSecond: Double?
    var peerBest: Double?
    var ratio: Double?
    var peer: String?
    var peerUsualTokensPerSecond: Double?
    var usualRatio: Double?
    var profile: BenchProfile.Summary?
  }

  var summary: Summary {
    let own = rates(ours) ?? (0, 0)
    var summary = Summary(
      tokensPerSecond: Self.rounded(own.median), best: Self.rounded(own.best), shape: shape.rawValue,
      precision: precision.rawValue, recompute: recompute.rawValue, parameters: parameters, batch: shape.batch,
      sequenceLength: shape.sequenceLength, threads: threads, isa: InstructionSet.best.rawValue, steps: ours.count,
      load: load, keptBytes: keptBytes, peakBytes: memory?.inUse, peakResidentBytes: memory?.resident,
      peerPeakResidentBytes: peerMemory, profile: profile?.summary)
    if let peer, let other = rates(theirs) {
      summary.peerTokensPerSecond = Self.rounded(other.median)
      summary.peerBest = Self.rounded(other.best)
      summary.ratio = (own.median / other.median * 1000).rounded() / 1000
      summary.peer = peer.sentence
      summary.peerUsualTokensPerSecond = peer.usual_tokens_per_second.map(Self.rounded)
      summary.usualRatio = peer.usual_tokens_per_second.map { (own.median / $0 * 1000).rounded() / 1000 }
    }
    if let own = memory?.resident, let other = peerMemory {
      summary.memoryRatio = (Double(own) / Double(other) * 1000).rounded() / 1000
    }
    return summary
  }

  /// The medians so far, for a line of progress; empty before the first round.
  var glance: String {
    guard let own = rates(ours) else { return "" }
    let other = rates(theirs).map { ", torch \(Int($0.median))" } ?? ""
    return "\(Int(own.median)) tokens/s\(other)"
  }

  /// The machine and the model in one line, then a row for each side.
  var text: String {
    let summary = summary
    var table = TextTable(
      .left(""), .right("tokens/s"), .right("best"), .right("ms/step"), .right("memory"), .left(""))
    func add(_ name: String, _ median: Double, _ best: Double, _ memory: Int?, _ note: String) {
      let milliseconds = Figures.short(Double(shape.tokens) / median * 1000)
      table.add(
        name, Figures.grouped(Int(median)), Figures.grouped(Int(best)), milliseconds,
        memory.map { Figures.bytes($0) } ?? "", note)
    }
    let form = recompute == .none ? "" : ", recompute \(recompute.rawValue)"
    let note = "\(precision.rawValue), \(summary.isa)\(form)"
    add("fathom", summary.tokensPerSecond, summary.best, memory?.resident, note)
    if let median = summary.peerTokensPerSecond, let best = summary.peerBest, let ratio = summary.ratio {
      add("torch", median, best, peerMemory, summary.peer ?? "")
      table.add("ratio", Figures.short(ratio), "", "", summary.memoryRatio.map { Figures.short($0) } ?? "")
    }
    if let usual = summary.peerUsualTokensPerSecond, let ratio = summary.usualRatio {
      let milliseconds = Figures.short(Double(shape.tokens) / usual * 1000)
      table.add("torch as it comes", Figures.grouped(Int(usual)), "", milliseconds)
      table.add("ratio", Figures.short(ratio))
    }
    return """
      \(shape.rawValue): \(Figures.count(parameters)) parameters, \(shape.batch) × \(shape.sequenceLength) tokens a step, \
      \(threads) thread\(threads == 1 ? "" : "s"), median of \(ours.count) steps

      \(table.text)
      \(bytes)
      \(profile.map { "\n\($0.text)" } ?? "")
      """
  }

  private var bytes: String {
    guard let keptBytes, let peak = memory?.inUse else { return "" }
    return "\(Figures.bytes(keptBytes)) kept for the way back, \(Figures.bytes(peak)) of tensors at most"
  }

  private static func rounded(_ rate: Double) -> Double { (rate * 10).rounded() / 10 }
}

extension BenchPeer.Description {
  /// "torch 2.9.0, transformers 5.0.0: grouped_mm experts, sdpa attention, fused AdamW".
  var sentence: String {
    "torch \(torch), transformers \(transformers): \(experts) experts, \(attention) attention, \(adamw) AdamW, "
      + (precision == Precision.float32.rawValue ? precision : "autocast \(precision)")
  }
}
