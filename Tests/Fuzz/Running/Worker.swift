// The process that is expected to die: it tries one input after the other and says before each which one it is.
import Foundation

struct Worker {
  let parser: any FuzzParser
  let maker: InputMaker
  let state: StateDirectory
  let first: Int
  let seconds: Double
  static let mostProcessorSeconds = 5

  /// Tries inputs until the time is over.
  func run() async throws {
    let page = try SharedPage(state.page(parser.name))
    var ledger = Ledger(state.ledger(parser.name))
    // Inside the parent's directory, which outlives a worker that dies.
    let scratch = "\(state.path)/i"
    let end = ContinuousClock.now + .seconds(seconds)
    var iteration = first
    while ContinuousClock.now < end {
      let lineage = maker.lineage(of: iteration, parents: ledger.parents)
      page.begin(lineage)
      let directory = "\(scratch)/\(iteration % 2)"
      let before = ProcessorTime.now
      ProcessorTime.limit(seconds: Self.mostProcessorSeconds)
      // What a worker that died has left.
      try? FileManager.default.removeItem(atPath: directory)
      let kind = await outcome(of: maker.input(lineage), lineage, in: directory)
      page.end(iteration, nanoseconds: ProcessorTime.now - before)
      ProcessorTime.limit(seconds: 0)
      ledger.note(kind, lineage)
      try? FileManager.default.removeItem(atPath: directory)
      iteration += 1
    }
    page.finish()
  }

  /// The kind of what came of an input. Findings that leave the worker alive are written down here.
  private func outcome(of input: FuzzInput, _ lineage: Lineage, in directory: String) async -> String {
    do {
      try input.write(to: directory)
    } catch {
      // A name that no file can have: the damage is the harness's own.
      return "not written"
    }
    let (failure, kind): (String, String)
    do {
      return "came to: \(try await parser.attempt(input, in: directory))"
    } catch let error as Violation {
      (failure, kind) = (error.description, SentenceRule.kind(of: error.description, directory: directory))
    } catch {
      let sentence = "\(type(of: error)) \(error)"
      let problem = SentenceRule.problem(of: "\(error)")
      guard let bad = error as? BadSentence ?? problem.map({ BadSentence(problem: $0, sentence: sentence) }) else {
        return SentenceRule.kind(of: "\(error)", directory: directory)
      }
      (failure, kind) = (bad.description, bad.kind(directory: directory))
    }
    let line = failure.replacing(directory, with: "DIRECTORY").replacing("\n", with: " ")
    append("\(lineage)\t\(kind)\t\(line)\n", to: state.violations(parser.name))
    return kind
  }
}

/// Processor time of this process, and a limit on it that ends the process.
enum ProcessorTime {
  /// Nanoseconds; POSIX counts in millionths of a second.
  static var now: UInt64 { UInt64(max(0, clock())) * 1000 }

  /// The process ends by SIGPROF when it has used so much more; 0 takes the limit away.
  static func limit(seconds: Int) {
    var timer = itimerval(it_interval: timeval(), it_value: timeval(tv_sec: seconds, tv_usec: 0))
    #if os(Linux)
      setitimer(__itimer_which_t(ITIMER_PROF.rawValue), &timer, nil)
    #else
      setitimer(ITIMER_PROF, &timer, nil)
    #endif
  }
}

/// Where parent and workers keep what they tell each other.
struct StateDirectory: Sendable {
  let path: String
  func page(_ parser: String) -> String { "\(path)/\(parser).page" }
  func ledger(_ parser: String) -> String { "\(path)/\(parser).ledger" }
  func violations(_ parser: String) -> String { "\(path)/\(parser).violations" }
  func output(_ parser: String) -> String { "\(path)/\(parser).output" }
}
