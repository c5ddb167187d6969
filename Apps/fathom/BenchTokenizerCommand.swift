// `fathom bench tokenizer`: how fast texts become tokens, beside the `tokenizers` package with the same file.
import ArgumentParser
import Foundation
import LanguageModels
import Text

struct BenchTokenizerCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tokenizer", abstract: "Measures encoding in megabytes of text per second.",
    discussion:
      "Encodes all texts of a file as one batch, by one thread and by all. Texts are separated by NUL bytes; a "
      + "file without any is cut behind line ends into pieces of some kilobytes. With --against the `tokenizers` package "
      + "encodes the same texts by the faster of its two batch calls, and both sides take turns. Special tokens are "
      + "recognised, markers are not added, and both must give as many tokens.")

  @OptionGroup var source: TokenizerOptions
  @Option(help: ArgumentHelp("The texts, as UTF-8.", valueName: "file"))
  var text: String
  @Option(
    help: ArgumentHelp("A Python with the tokenizers package to take turns with.", valueName: "python"))
  var against: String?
  @Option(help: ArgumentHelp("Numbers of threads, 1,2; one and all if left out.", valueName: "counts"))
  var threads: CountList?
  @Option(help: "Turns of each side; the medians count.")
  var turns = 3
  @OptionGroup var output: ResultOptions

  func validate() throws {
    try requireOption("turns", turns, in: 1...1000)
    for count in threads?.counts ?? [] { try requireOption("threads", count, in: 1...1024) }
  }

  func run() async throws {
    let (progress, load, command) = (TerminalProgress(), BenchLoad(), self)
    load.warn(progress)
    let result = try await interruptible("bench", progress) { try await command.measure(load, progress) }
    try output.print(result, text: result.text)
  }

  private func measure(_ load: BenchLoad, _ progress: TerminalProgress) async throws -> BenchTokenizerResult {
    let (pipeline, texts) = (try source.pipeline(), try BenchTexts(text))
    let all = max(1, ProcessInfo.processInfo.activeProcessorCount)
    let counts = threads?.counts ?? (all == 1 ? [1] : [1, all])
    // The first run is not timed: it says how many tokens there are.
    let tokens = pipeline.encode(texts.texts, recognizingSpecialTokens: true).reduce(0) { $0 + $1.count }
    var result = BenchTokenizerResult(source.tokenizer, texts, tokens: tokens, turns: turns, load: load.average)
    for count in counts {
      try Task.checkCancellation()
      let peer = try peer(count, texts.path)
      defer { peer?.end() }
      if let peer {
        if count == counts[0] { progress.note("bench: the peer is loading and tries which of its calls is the faster") }
        try result.add(try peer.description(), of: "\(against ?? "")")
      }
      let ours = {
        let began = ContinuousClock.now
        let encoded = pipeline.encode(texts.texts, recognizingSpecialTokens: true, threads: count)
        let seconds = (ContinuousClock.now - began) / .seconds(1)
        return withExtendedLifetime(encoded) { Double(texts.bytes) / 1e6 / seconds }
      }
      let theirs: (() throws -> Double)? = peer.map { peer in { Double(texts.bytes) / 1e6 / (try peer.timed(1)[0]) } }
      let task = BenchTask(name: count == 1 ? "1 thread" : "\(count) threads", ours: ours, theirs: theirs)
      result.results += try await BenchTurns(turns: turns).run([task], progress)
    }
    return result
  }

  private func peer(_ threads: Int, _ texts: String) throws -> BenchPeer? {
    guard let against else { return nil }
    let tokenizer = source.tokenizer
    guard !ModelDirectory(tokenizer).isGGUF else {
      throw CommandError("--against \(against): the tokenizers package reads tokenizer.json, and \(tokenizer) is none")
    }
    let file = tokenizer.hasSuffix(".json") ? tokenizer : "\(tokenizer)/tokenizer.json"
    return try BenchPeer(
      python: against, "tokenizers_encode.py", file, ["--text", texts, "--threads", "\(threads)"],
      needing: "the tokenizers package")
  }
}

/// What `fathom bench tokenizer` found, for people and as JSON.
struct BenchTokenizerResult: Encodable {
  /// What the peer says of itself.
  struct Peer: Codable {
    let tokenizers: String
    let call: String
    let tokens: Int
  }
  let tokenizer: String
  let texts: Int
  let bytes: Int
  let tokens: Int
  let turns: Int
  /// The machine's load before the first turn.
  let load: Double
  let unit = "MB/s"
  private(set) var peer: Peer?
  var results: [BenchRates] = []

  init(_ tokenizer: String, _ texts: BenchTexts, tokens: Int, turns: Int, load: Double) {
    (self.tokenizer, self.texts, bytes) = (tokenizer, texts.texts.count, texts.bytes)
    (self.tokens, self.turns, self.load) = (tokens, turns, load)
  }

  /// Throws `CommandError` when the other side gives another number of tokens: it would be timed at other work.
  mutating func add(_ peer: Peer, of python: String) throws {
    guard peer.tokens == tokens else {
      throw CommandError(
        "--against \(python): the tokenizers package makes \(peer.tokens) tokens of these texts, and this program "
          + "\(tokens); only equal work can be compared")
    }
    self.peer = peer
  }

  var text: String {
    var table = TextTable(
      .left(""), .right(unit), .right(peer == nil ? "" : "tokenizers"), .right(peer == nil ? "" : "ratio"))
    for rates in results {
      table.add(
        rates.name, Figures.short(rates.median), rates.peerMedian.map { Figures.short($0) } ?? "",
        rates.ratio.map { Figures.short($0) } ?? "")
    }
    var lines = [
      "\(tokenizer): \(Figures.grouped(texts)) texts, \(Figures.bytes(bytes)), \(Figures.grouped(tokens)) tokens"
    ]
    if let peer { lines.append("tokenizers \(peer.tokenizers), \(peer.call)") }
    return lines.joined(separator: "\n") + "\n\n" + table.text
  }
}
