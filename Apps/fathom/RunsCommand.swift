// `fathom runs`: what the run store knows.
import ArgumentParser
import Foundation
import RunStore

struct RunsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "runs", abstract: "Lists runs and shows what is in them.",
    subcommands: [RunsListCommand.self, RunsShowCommand.self], defaultSubcommand: RunsListCommand.self)
}

struct RunsListCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "list", abstract: "Lists all runs, the newest first.")

  @OptionGroup var runs: RunsOptions
  @OptionGroup var output: ListingOptions

  func run() async throws {
    let directory = runs.directory
    let records = directory.hasStore ? try await directory.openStore().runs() : []
    try output.print(records.map(Listing.init), text: Self.table(records, of: directory))
  }

  private static func table(_ records: [RunRecord], of directory: RunsDirectory) -> String {
    if records.isEmpty {
      return "There are no runs in \(directory.path) yet; `fathom demo` or `fathom run` makes one.\n"
    }
    var table = TextTable(.left("run"), .left("name"), .left("status"), .left("started"), .right("took"))
    for run in records {
      let took = run.ended.map { Figures.duration($0 - run.started) } ?? ""
      table.add(run.id, run.name, run.standing, Figures.date(run.started), took)
    }
    return table.text
  }

  /// A run without its recipe, which `runs show` gives.
  private struct Listing: Encodable {
    let id: String
    let name: String
    let command: String
    let status: String
    let directory: String
    let started: Double
    let ended: Double?

    init(_ run: RunRecord) {
      (id, name, command, status) = (run.id, run.name, run.command, run.standing)
      (directory, started, ended) = (run.directory, run.started, run.ended)
    }
  }
}

extension RunRecord {
  /// The status in a word. A run that no process works on any more was killed before it could say so.
  var standing: String { status == .running && !RunLock.isHeld(in: directory) ? "killed" : status.rawValue }
}
