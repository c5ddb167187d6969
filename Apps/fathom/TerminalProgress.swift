// How far long work has come, for people: one updating line on a terminal, a plain line every few seconds elsewhere.
// It goes to standard error, so that what a command prints can be piped on.
import Foundation
import ProcessGraph
import Synchronization

/// Shows progress on standard error. Calls may come from any thread.
final class TerminalProgress: ProgressReporter {
  private struct Work {
    let began: ContinuousClock.Instant
    /// What had been done when it was first seen, so that a resumed stage does not look fast.
    let first: Int
    var shown: ContinuousClock.Instant?
  }
  private struct State {
    var works: [String: Work] = [:]
    /// Whether an unfinished line stands where the cursor is.
    var hasLine = false
  }
  private let state = Mutex(State())
  private let screen: Screen
  private let clock = ContinuousClock()

  /// Plain lines are this far apart; a terminal's line is drawn ten times a second at most.
  private static let plainInterval = Duration.seconds(5)
  private static let terminalInterval = Duration.milliseconds(100)

  init(on screen: Screen = Screen()) { self.screen = screen }

  func report(stage: String, done: Int, of total: Int, unit: String, detail: String) {
    let now = clock.now
    state.withLock { state in
      var work = state.works[stage] ?? Work(began: now, first: done)
      let isLast = done >= total
      let interval = screen.isTerminal ? Self.terminalInterval : Self.plainInterval
      let isDue = work.shown.map { now - $0 >= interval } ?? true
      if isDue || isLast {
        let elapsed = (now - work.began) / .seconds(1)
        let line = ProgressLine(
          stage: stage, done: done, total: total, unit: unit, detail: detail, elapsed: elapsed,
          rate: elapsed > 0 && done > work.first ? Double(done - work.first) / elapsed : nil)
        show(line, isLast: isLast, &state)
        work.shown = now
      }
      state.works[stage] = work
    }
  }

  func finish(stage: String, summary: String) {
    let now = clock.now
    state.withLock { state in
      let took = state.works.removeValue(forKey: stage).map { Figures.duration((now - $0.began) / .seconds(1)) }
      print("\(stage): done\(took.map { " in \($0)" } ?? "")\(summary.isEmpty ? "" : ", \(summary)")", &state)
    }
  }

  func note(_ sentence: String) { state.withLock { print(sentence, &$0) } }

  /// Takes the updating line away, before something else is written to the terminal.
  func clear() {
    state.withLock { state in
      if state.hasLine { screen.write(Screen.eraseLine) }
      state.hasLine = false
    }
  }

  private func show(_ line: ProgressLine, isLast: Bool, _ state: inout State) {
    guard screen.isTerminal else { return screen.write("\(line.sentence)\n") }
    screen.write("\(Screen.eraseLine)\(line.fitted(to: screen.width))\(isLast ? "\n" : "")")
    state.hasLine = !isLast
  }

  private func print(_ sentence: String, _ state: inout State) {
    screen.write("\(state.hasLine ? Screen.eraseLine : "")\(sentence)\n")
    state.hasLine = false
  }
}

/// Standard error as a place to draw on.
struct Screen: Sendable {
  /// Whether lines can be drawn over.
  let isTerminal: Bool
  /// Back to the first column, and everything after it cleared.
  static let eraseLine = "\r\u{1B}[K"

  init() {
    let terminal = ProcessInfo.processInfo.environment["TERM"] ?? ""
    isTerminal = isatty(STDERR_FILENO) == 1 && terminal != "dumb" && !terminal.isEmpty
  }

  /// Columns at this moment: a window may be resized while a line is being updated.
  var width: Int {
    var size = winsize()
    guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
    return Int(size.ws_col)
  }

  /// Writes all of `text`; there is nobody to tell when that fails.
  func write(_ text: String) { _ = Output.write(text, to: STDERR_FILENO) }
}
