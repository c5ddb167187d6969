// `fathom perplexity MODEL --file TEXT`: how well a model predicts a text, to compare formats of one model.
import ArgumentParser
import Foundation
import LanguageModels
import Layers
import Text

struct PerplexityCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "perplexity", abstract: "Measures how well a model predicts a text.",
    discussion: "The text is read in windows that do not overlap; every token but the first of a window is predicted "
      + "from those before it. Special tokens written out are read as such. Prints the mean negative log-likelihood in "
      + "nats, and its exponential.")

  @Argument(help: ArgumentHelp("A .gguf file, or a model's directory.", valueName: "model"))
  var model: String
  @Option(help: ArgumentHelp("The text, as UTF-8.", valueName: "text"))
  var file: String
  @Option(help: "Tokens to read at most.")
  var tokens: Int?
  @Option(help: "Tokens of a window; 512, or the model's context where that is shorter, if left out.")
  var window: Int?
  @Flag(help: "Every line is a text of its own, which is read from its beginning.")
  var lines = false
  @OptionGroup var output: ResultOptions
  @OptionGroup var arithmetic: ModelOptions
  @OptionGroup var compute: ComputeOptions

  func validate() throws {
    if let tokens, tokens < 2 { throw ValidationError("--tokens is \(tokens); it must be at least 2.") }
    if let window, window < 2 { throw ValidationError("--window is \(window); it must be at least 2.") }
  }

  /// What `--json` prints.
  private struct Summary: Encodable {
    let model, weights: String
    let tokens, windows, window: Int
    let meanNegativeLogLikelihood, perplexity: Double

    var text: String {
      "\(tokens) tokens in \(windows) windows of \(window): \(String(format: "%.5f", meanNegativeLogLikelihood)) "
        + "nats a token, perplexity \(String(format: "%.4f", perplexity))\n"
    }
  }

  func run() async throws {
    guard let data = FileManager.default.contents(atPath: file), let text = String(validating: data, as: UTF8.self)
    else { throw CommandError("\(file): cannot be read as UTF-8; --file takes a text") }
    let (parts, directory, progress) = (try compute.parts(), ModelDirectory(model), TerminalProgress())
    let command = self
    let summary = try await interruptible("perplexity", progress) {
      let model = try command.arithmetic.model(in: directory, parts)
      let tokenizer = try directory.tokenizer()
      var left = command.tokens ?? .max
      let texts = (command.lines ? text.split(separator: "\n") : [text[...]]).map { text in
        let ids = left > 0 ? tokenizer.encode(String(text), recognizingSpecialTokens: true).prefix(left) : []
        left -= ids.count
        return Array(ids)
      }
      let window = command.window ?? min(512, model.contextLength)
      let total = texts.reduce(0) { $0 + $1.count }
      let result = try Perplexity(of: model, over: texts, window: window) { done in
        try Task.checkCancellation()
        progress.report(stage: "perplexity", done: done, of: total, unit: "token", detail: "")
      }
      return Summary(
        model: command.model, weights: command.arithmetic.form(of: directory).rawValue, tokens: result.tokens,
        windows: result.windows, window: window, meanNegativeLogLikelihood: result.meanNegativeLogLikelihood,
        perplexity: result.value)
    }
    try output.print(summary, text: summary.text)
  }
}
