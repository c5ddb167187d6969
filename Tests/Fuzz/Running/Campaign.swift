// The parent: gives every parser its share of the time, a worker at a time, and writes down what breaks.
import Foundation

/// What came of one parser.
struct ParserResult {
  var iterations = 0
  var seconds = 0.0
  var kinds = 0
  var longest = 0.0
  var longestIteration = 0
  /// Findings by kind, with how often each was met.
  var findings: [String: (finding: Finding, count: Int)] = [:]
}

struct Campaign {
  let options: FuzzOptions
  let parsers: [any FuzzParser]
  let state: StateDirectory
  /// A parser's turn at most.
  private static let longestTurn = 15.0

  /// Fuzzes until the time is over; the results in the parsers' order.
  func run() throws -> [ParserResult] {
    var results = parsers.map { _ in ParserResult() }
    var next = parsers.map { _ in 0 }
    let began = ContinuousClock.now
    var spent: Double { (ContinuousClock.now - began) / .seconds(1) }
    while spent < options.seconds {
      for index in parsers.indices {
        let left = options.seconds - spent
        // The least turn lets a parser try its seeds even when time is short.
        let share = max(0.5, left / Double(parsers.count - index))
        if left < -5 { break }
        try take(min(Self.longestTurn, share), parsers[index], &results[index], &next[index])
      }
    }
    return results
  }

  /// One turn of a parser: as many workers as die in it.
  private func take(_ turn: Double, _ parser: any FuzzParser, _ result: inout ParserResult, _ next: inout Int) throws {
    let began = ContinuousClock.now
    var spent: Double { (ContinuousClock.now - began) / .seconds(1) }
    while spent < turn {
      let page = try SharedPage(state.page(parser.name))
      page.clear()
      let worker = WorkerProcess(
        program: options.program,
        arguments: [
          "--worker", parser.name, "--seed", "\(options.seed)", "--first", "\(next)", "--seconds", "\(turn - spent)",
          "--state", state.path, "--goldens", options.goldens,
        ], page: page, output: state.output(parser.name))
      let end = try worker.run()
      next += page.done
      result.iterations += page.done
      if page.longestSeconds > result.longest {
        (result.longest, result.longestIteration) = (page.longestSeconds, page.longestIteration)
      }
      if case .died(let cause, let trace) = end {
        guard let lineage = page.lineage, page.begun > page.done else {
          let place = "outside of any input: \(trace.suffix(400).filter { !$0.isNewline })"
          return note(parser, Lineage([0]), "\(cause) \(place)", "outside", trace: trace, &result)
        }
        next += 1
        result.iterations += 1
        note(parser, lineage, cause, CrashKind.of(trace, cause: cause), trace: trace, &result)
      }
      readViolations(parser, &result)
    }
    result.seconds += spent
    result.kinds = Ledger(state.ledger(parser.name)).kinds.count
  }

  /// Takes over what the workers wrote down.
  private func readViolations(_ parser: any FuzzParser, _ result: inout ParserResult) {
    let path = state.violations(parser.name)
    guard let data = FileManager.default.contents(atPath: path) else { return }
    try? FileManager.default.removeItem(atPath: path)
    for line in String(decoding: data, as: UTF8.self).split(separator: "\n") {
      let parts = line.split(separator: "\t", maxSplits: 2)
      guard parts.count == 3, let lineage = Lineage(parts[0]) else { continue }
      note(parser, lineage, String(parts[2]), String(parts[1]), trace: "", &result)
    }
  }

  private func note(
    _ parser: any FuzzParser, _ lineage: Lineage, _ problem: String, _ kind: String, trace: String,
    _ result: inout ParserResult
  ) {
    if result.findings[kind] != nil {
      result.findings[kind]?.count += 1
      return
    }
    let finding = Finding(parser: parser.name, seed: options.seed, lineage: lineage, problem: problem, kind: kind)
    result.findings[kind] = (finding, 1)
    say("\(parser.name) \(lineage): \(problem)")
    if !trace.isEmpty { say(trace.split(separator: "\n").prefix(40).map { "    \($0)" }.joined(separator: "\n")) }
    do {
      let maker = InputMaker(parser: parser.name, seed: options.seed, seeds: try parser.seeds())
      say("    input: \(try finding.save(maker.input(lineage), under: options.findings))")
    } catch {
      say("    the input could not be saved: \(error)")
    }
    say("    again: \(finding.command)")
  }
}

/// Prints a line at once, so that a run of hours can be followed in a file.
private func say(_ line: String) { FileHandle.standardOutput.write(Data("\(line)\n".utf8)) }
