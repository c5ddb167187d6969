// `fathom demo`: a reasoning model from nothing, with charts while it learns, figures when it is done, and a chat.
import ArgumentParser
import Checkpoints
import Foundation
import HTTPServing
import LanguageModels
import ProcessGraph
import Recipes
import RunStore

struct DemoCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "demo", abstract: "Trains a small reasoning model from nothing, shows what it learnt, and serves it.",
    discussion: "The charts of the run are on the page /run while it trains; the chat on / answers when it is done. "
      + "The figures stay in the run's directory as result.json and demo.svg. A demo that was stopped is continued "
      + "with --resume.")

  @Flag(help: "Fewer steps and puzzles, to see all of it in minutes; it learns less.")
  var reduced = false
  @Flag(inversion: .prefixedNo, help: "Offer the pages over HTTP, the chat until Ctrl-C.")
  var serve = true
  @OptionGroup var changes: RecipeOptions
  @Option(
    help: ArgumentHelp("The demo to continue: its run's id, the beginning of one, or 'latest'.", valueName: "run"))
  var resume: String?
  @Option(help: "The address to listen on.")
  var host = "127.0.0.1"
  @Option(help: "The port to listen on, 0 for any free one; the first free one from 8080 if left out.")
  var port: Int?
  @OptionGroup var runs: RunsOptions
  @OptionGroup var compute: ComputeOptions

  func validate() throws {
    if resume != nil && (reduced || !changes.changes.isEmpty) {
      throw ValidationError("--resume continues a demo with its own recipe; leave --reduced and --set out.")
    }
  }

  func run() async throws {
    let (parts, progress) = (try compute.parts(), TerminalProgress())
    let outline = try await outline(parts)
    let server =
      serve
      ? try await DemoServer.open(
        host: host, port: port, announcing: outline, runs: runs.directory, progress: progress) : nil
    let session = try await session(outline, parts, progress)
    try Output.write(outline.introduction(of: session, at: server?.address))
    let trained = try await session.conduct { session in
      let artifacts = try await session.perform(outline.graph)
      try await Self.report(artifacts, of: outline.graph, in: session)
      // The run is over here; the questions that follow may take all day.
      let trained = Date().timeIntervalSince1970
      try await session.store.setStatus(.finished, ofRun: session.id, at: trained)
      try await Self.offer(artifacts, on: server, parts)
      return trained
    }
    try await session.store.setStatus(.finished, ofRun: session.id, at: trained)
  }

  /// The recipe with what this command line changes, or that of the run to continue.
  private func outline(_ parts: Parts) async throws -> DemoOutline {
    guard let resume else {
      let settings = (reduced ? DemoRecipe.reductions : []) + changes.changes
      return try DemoOutline(
        ConfigTree(yaml: DemoRecipe.text, source: "the demo's recipe").setting(settings), parts.registry)
    }
    let run = try await runs.directory.openStore().run(resume)
    do {
      return try DemoOutline(ConfigTree(yaml: run.recipe, source: "the recipe of \(run.id)"), parts.registry)
    } catch let error as ConfigError {
      throw CommandError("the run \(run.id) cannot be continued as a demo: \(error)")
    }
  }

  private func session(
    _ outline: DemoOutline, _ parts: Parts, _ progress: TerminalProgress
  ) async throws -> RunSession {
    if let resume {
      return try await RunSession.resume(
        resume, in: runs.directory, parts: parts, command: "demo", progress: progress)
    }
    return try await RunSession.begin(
      "demo", recipe: outline.graph.recipe, in: runs.directory, parts: parts, command: "demo", progress: progress)
  }

  /// Writes the figures into the run's directory and prints them.
  private static func report(_ artifacts: [String: any Artifact], of graph: Graph, in session: RunSession) async throws
  {
    let record = try await DemoRecord(artifacts, of: graph, in: session)
    let files = try DemoFiles(record.result, in: session.directory)
    try Output.write("\n\(DemoTable(result: record.result, stages: record.stages).text)\n\(files.table.text)")
  }

  /// The trained model on the chat page until Ctrl-C, or the command that puts it there.
  private static func offer(
    _ artifacts: [String: any Artifact], on server: DemoServer?, _ parts: Parts
  ) async throws {
    guard let thinker = artifacts[DemoNode.thinker.rawValue] else { return }
    guard let server else {
      return try Output.line("\n`fathom serve \(thinker.directory)` lets you talk to it.")
    }
    try await server.answer(with: ServedModel(ModelDirectory(thinker.directory), parts: parts)) {
      try Output.line("\nTalk to it at \(server.address), see the charts at \(server.address)/run (Ctrl-C stops).")
    }
  }
}

/// What the demo leaves in its run's directory.
struct DemoFiles: Sendable {
  let result: String
  /// Nil when the recipe evaluates only before and after, so that there is no curve to draw.
  let plot: String?

  /// Writes the files.
  init(_ figures: DemoResult, in directory: String) throws {
    result = "\(directory)/result.json"
    try DurableFile.write(figures.json(), to: result)
    guard !figures.curve.isEmpty else {
      plot = nil
      return
    }
    let file = "\(directory)/demo.svg"
    try DurableFile.write(DemoPlot(figures).svg, to: file)
    plot = file
  }

  var table: TextTable {
    var table = TextTable(.left(""), .left(""))
    table.add("result", result)
    if let plot { table.add("plot", plot) }
    return table
  }
}
