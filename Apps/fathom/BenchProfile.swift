// Where the time of a training step goes: `fathom bench train --profile`, for people and as JSON.
import ArgumentParser
import Instruments

/// The timed steps of our side, taken apart into operations.
struct BenchProfile {
  private let steps: Int
  /// Of all timed steps together.
  private let seconds: Double
  private let measurements: [OperationMeasurement]

  init(_ measurements: [OperationMeasurement], stepSeconds: [Double]) {
    self.measurements = measurements
    (steps, seconds) = (max(stepSeconds.count, 1), stepSeconds.reduce(0, +))
  }

  /// Throws `ValidationError` for a comparison that is to be profiled.
  static func check(isWanted: Bool, against peer: String?) throws {
    guard !isWanted || peer == nil else {
      throw ValidationError("--profile slows our side a little, so it does not go with --against; run them apart.")
    }
  }

  /// What no operation accounts for: the gradient walk, routing, norms on the host, the profile itself.
  private var outside: Double { max(0, seconds - measurements.reduce(0) { $0 + $1.seconds }) }
  private func share(_ part: Double) -> Double { seconds > 0 ? part / seconds : 0 }

  /// What `--json` prints under `profile`. Shares are of the steps' time; GFLOP/s are given for products alone.
  struct Summary: Encodable {
    struct Operation: Encodable {
      let operation, phase: String
      let share, callsPerStep, secondsPerStep: Double
      let gflops: Double?
    }
    struct Outside: Encodable { let share, secondsPerStep: Double }
    let operations: [Operation]
    let outside: Outside
  }

  var summary: Summary {
    func rounded(_ value: Double, to digits: Double) -> Double { (value * digits).rounded() / digits }
    return Summary(
      operations: measurements.map {
        Summary.Operation(
          operation: $0.operation, phase: $0.phase.rawValue, share: rounded(share($0.seconds), to: 1e4),
          callsPerStep: rounded(Double($0.calls) / Double(steps), to: 1e2),
          secondsPerStep: rounded($0.seconds / Double(steps), to: 1e7),
          gflops: $0.gigaflops.map { rounded($0, to: 10) })
      },
      outside: Summary.Outside(
        share: rounded(share(outside), to: 1e4), secondsPerStep: rounded(outside / Double(steps), to: 1e7)))
  }

  /// A row for each operation in each phase, the longest first, then what lies outside of them, then the whole step.
  var text: String {
    var table = TextTable(
      .left("operation"), .left("phase"), .right("share"), .right("ms/step"), .right("calls/step"), .right("GFLOP/s"))
    func row(_ name: String, _ phase: String, _ part: Double, _ calls: String = "", _ rate: String = "") {
      table.add(
        name, phase, Figures.percent(share(part)), Figures.short(part / Double(steps) * 1000), calls, rate)
    }
    for measurement in measurements {
      row(
        measurement.operation, measurement.phase.rawValue, measurement.seconds,
        Figures.short(Double(measurement.calls) / Double(steps)), measurement.gigaflops.map(Figures.short) ?? "")
    }
    row("outside operations", "", outside)
    row("step", "", seconds)
    return table.text
  }
}
