// How long the phases of a command took, one after another.

/// A stopwatch with names.
struct PhaseTimings {
  private struct Phase {
    let name: String
    let seconds: Double
    let count: Int?
  }
  private let clock = ContinuousClock()
  private let began: ContinuousClock.Instant
  private var last: ContinuousClock.Instant
  private var phases: [Phase] = []

  init() {
    began = clock.now
    last = began
  }

  /// Ends a phase, which began when the one before it ended. `count` things were done in it.
  mutating func end(_ name: String, count: Int? = nil) {
    let now = clock.now
    phases.append(Phase(name: name, seconds: (now - last) / .seconds(1), count: count))
    last = now
  }

  /// The same, for a phase that has not ended yet.
  mutating func endOnce(_ name: String) {
    if !phases.contains(where: { $0.name == name }) { end(name) }
  }

  /// A line for each phase, and one for all.
  var text: String {
    var table = TextTable(.left(""), .right(""), .left(""), .left(""))
    for phase in phases {
      let rate = phase.count.map { "\($0), \(Figures.short(Double($0) / max(phase.seconds, 1e-9)))/s" }
      table.add(phase.name, Figures.short(phase.seconds), "s", rate ?? "")
    }
    table.add("in all", Figures.short((last - began) / .seconds(1)), "s")
    return table.text
  }
}
