// `fathom serve MODEL`: one model behind an OpenAI-compatible API, with a chat page and the charts of the runs.
import ArgumentParser
import Foundation
import HTTPServing
import LanguageModels

struct ServeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve", abstract: "Serves a model over HTTP until Ctrl-C.",
    discussion: "The API speaks OpenAI's and DeepSeek's dialect; / is a chat page and /run shows the runs.")

  @Argument(
    help: ArgumentHelp(
      "A model's directory (config.json, *.safetensors, tokenizer.json), or a .gguf file.", valueName: "model"))
  var model: String
  @Option(help: "The address to listen on.")
  var host = "127.0.0.1"
  @Option(help: "The port to listen on; 0 takes any free one.")
  var port = 8080
  @Option(help: ArgumentHelp("A file with one API key per line; without it everybody is let in.", valueName: "file"))
  var apiKeys: String?
  @Option(help: "The name that clients write in 'model'; the directory's name if left out.")
  var name: String?
  @OptionGroup var runs: RunsOptions
  @OptionGroup var arithmetic: ModelOptions
  @OptionGroup var compute: ComputeOptions

  func run() async throws {
    let settings = ServerSettings(host: host, port: port, apiKeys: try apiKeys.map(Self.keys) ?? [])
    try settings.validate()
    let directory = ModelDirectory(model)
    let parts = try compute.parts()
    let languageModel = try arithmetic.model(in: directory, parts)
    languageModel.prepare()  // so that the first request does not wait for it
    let served = try ServedModel(directory, named: name, languageModel)
    let server = LocalServer(
      models: [served], settings: settings, puzzles: try ChatPuzzles(for: directory),
      runs: runs.directory.hasStore ? StoredRuns(try runs.directory.openStore()) : nil)
    try await server.run { address in
      try? Output.line("\(served.id) is served at \(address) (Ctrl-C stops)")
    }
  }

  /// The lines of the file, without those that are empty or begin with #.
  private static func keys(in file: String) throws -> [String] {
    guard let bytes = FileManager.default.contents(atPath: file), let text = String(bytes: bytes, encoding: .utf8)
    else {
      throw CommandError("\(file): cannot be read; --api-keys takes a text file with one key per line")
    }
    let keys = text.split(whereSeparator: \.isNewline).map { $0.trimmingCharacters(in: .whitespaces) }
      .filter { !$0.isEmpty && !$0.hasPrefix("#") }
    if keys.isEmpty {
      throw CommandError("\(file): holds no key; write one per line, or leave --api-keys out to let everybody in")
    }
    return keys
  }
}
