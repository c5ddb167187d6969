// Throws hostile input at every reader of foreign bytes in the project, and says what breaks.
// A parent watches worker processes, so that a trap or a hang costs one input and not the run.
import Foundation

@main
struct FathomFuzz {
  static func main() async {
    do {
      let options = try FuzzOptions(CommandLine.arguments)
      let all = try FuzzParsers.all(goldens: options.goldens)
      if let name = options.worker {
        try await work(parser(name, all), options)
      } else if options.iteration != nil || options.input != nil {
        try await tryOne(options, all)
      } else {
        let chosen = try options.parsers.isEmpty ? all : options.parsers.map { try parser($0, all) }
        exit(try fuzz(chosen, options) ? 0 : 1)
      }
    } catch {
      FileHandle.standardError.write(Data("fathom-fuzz: \(error)\n".utf8))
      exit(2)
    }
  }

  private static func parser(_ name: String, _ all: [any FuzzParser]) throws -> any FuzzParser {
    guard let parser = all.first(where: { $0.name == name }) else {
      throw FuzzError("there is no parser '\(name)'; there are \(all.map(\.name).joined(separator: ", "))")
    }
    return parser
  }

  private static func work(_ parser: any FuzzParser, _ options: FuzzOptions) async throws {
    guard let state = options.state else { throw FuzzError("a worker needs --state") }
    let maker = InputMaker(parser: parser.name, seed: options.seed, seeds: try parser.seeds())
    try await Worker(
      parser: parser, maker: maker, state: StateDirectory(path: state), first: options.first, seconds: options.seconds
    ).run()
  }

  /// Makes or reads one input and tries it here, where a debugger can see it.
  private static func tryOne(_ options: FuzzOptions, _ all: [any FuzzParser]) async throws {
    guard options.parsers.count == 1 else { throw FuzzError("name the one --parser that the input is for") }
    let parser = try parser(options.parsers[0], all)
    var input = FuzzInput([])
    if let directory = options.input {
      input = try FuzzInput(directory: directory)
    } else if let lineage = options.iteration {
      input = InputMaker(parser: parser.name, seed: options.seed, seeds: try parser.seeds()).input(lineage)
      let finding = Finding(parser: parser.name, seed: options.seed, lineage: lineage, problem: "", kind: "")
      print("saved in \(try finding.save(input, under: options.findings))")
    }
    let scratch = try TemporaryDirectory("once")
    try input.write(to: scratch.path)
    let (began, before) = (ContinuousClock.now, ProcessorTime.now)
    do {
      print("came to: \(try await parser.attempt(input, in: scratch.path))")
    } catch {
      print("\(type(of: error)): \(error)")
      print(SentenceRule.problem(of: "\(error)").map { "the error \($0)" } ?? "the error is a sentence")
    }
    print("in \(ContinuousClock.now - began), \(Double(ProcessorTime.now - before) / 1e9) s of processor time")
  }

  /// Runs a campaign and prints its table. Whether nothing was found.
  private static func fuzz(_ parsers: [any FuzzParser], _ options: FuzzOptions) throws -> Bool {
    let directory = try TemporaryDirectory("state")
    let campaign = Campaign(options: options, parsers: parsers, state: StateDirectory(path: directory.path))
    let results = try campaign.run()
    func column(_ text: String, _ width: Int) -> String {
      String(repeating: " ", count: max(1, width - text.count)) + text
    }
    print("parser         iterations   per s  outcomes  longest s  findings")
    for (parser, result) in zip(parsers, results) {
      let rate = String(format: "%.0f", Double(result.iterations) / max(result.seconds, 0.001))
      print(
        parser.name + String(repeating: " ", count: max(0, 14 - parser.name.count)) + column("\(result.iterations)", 11)
          + column(rate, 8) + column("\(result.kinds)", 10) + column(String(format: "%.3f", result.longest), 11)
          + column("\(result.findings.count)", 10))
    }
    for (finding, count) in results.flatMap({ $0.findings.values.map { ($0.finding, $0.count) } }) {
      print("found \(count) times: \(finding.parser): \(finding.problem)\n  again: \(finding.command)")
    }
    return results.allSatisfy(\.findings.isEmpty)
  }
}
