// `fathom generate MODEL --prompt TEXT`: one completion, streamed as it is written.
import ArgumentParser
import Foundation
import Inference
import LanguageModels
import Text

struct GenerateCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "generate", abstract: "Continues a prompt.",
    discussion: "The prompt is continued as it stands; --chat puts it into the model's chat template first.")

  enum PromptForm: String, EnumerableFlag { case raw, chat }

  @Argument(
    help: ArgumentHelp(
      "A model's directory (config.json, *.safetensors, tokenizer.json), or a .gguf file.", valueName: "model"))
  var model: String
  @Option(help: "The text to continue.")
  var prompt: String?
  @Option(help: ArgumentHelp("Token ids to continue, 1,2,3; works without a tokenizer.", valueName: "ids"))
  var tokens: TokenList?
  @Flag(help: "Continue the prompt as it stands, or answer it as a message.")
  var form = PromptForm.raw
  @Option(name: [.long, .customShort("n")], help: "Tokens to generate at most.")
  var maxTokens = 256
  @Option(help: "0 takes the likeliest token; 1 samples the model's own distribution.")
  var temperature = 1.0
  @Option(help: "Keep the likeliest tokens whose probabilities sum to this.")
  var topP = 1.0
  @Option(help: "Keep this many of the likeliest tokens; 0 keeps all.")
  var topK = 0
  @Option(help: "The same seed gives the same answer.")
  var seed: UInt64 = 0
  @Flag(help: "Print one JSON object with text, tokens and finish_reason.")
  var json = false
  @Flag(help: "Say on standard error how long opening, loading, the first token and the others took.")
  var timings = false
  @OptionGroup var arithmetic: ModelOptions
  @OptionGroup var compute: ComputeOptions

  func validate() throws {
    if (prompt == nil) == (tokens == nil) { throw ValidationError("Give either --prompt or --tokens.") }
    if tokens != nil && form == .chat {
      throw ValidationError("--chat takes a --prompt; token ids are continued as they are.")
    }
    do {
      try options.validate()
    } catch {
      throw ValidationError("\(error).")
    }
  }

  func run() async throws {
    var timings = PhaseTimings()
    let parts = try compute.parts()
    let directory = ModelDirectory(model)
    // A large vocabulary takes about as long to read as the weights to be packed, so both happen at once.
    let canDoWithout = prompt == nil
    async let reading = TokenSource(directory, canDoWithout: canDoWithout)
    let model = try arithmetic.model(in: directory, parts)
    timings.end("model")
    model.prepare()
    timings.end("weights")
    let source = try await reading
    let request = Prompt(try promptTokens(source.tokenizer, directory))
    timings.end("tokenizer")
    try request.validate(contextLength: model.contextLength, vocabularySize: model.vocabularySize)
    var settings = EngineSettings()
    settings.slots = 1
    settings.capacity = min(model.contextLength, request.tokens.count + min(maxTokens, model.contextLength) + 1)
    let engine = InferenceEngine(model, tokenizer: source.tokenizer, settings: settings)
    for try await event in try await engine.stream(request, options) {
      switch event {
      case .token(_, let text):
        timings.endOnce("first token")
        if !json { try Output.write(text) }
      case .finished(let completion):
        if json { try Output.json(Answer(completion)) } else { try Output.write("\n") }
        timings.end("further tokens", count: completion.tokens.count - 1)
      }
    }
    if self.timings { _ = Output.write(timings.text, to: STDERR_FILENO) }
  }

  private var options: GenerationOptions {
    var options = GenerationOptions()
    (options.maxTokens, options.temperature, options.seed) = (maxTokens, temperature, seed)
    (options.topP, options.topK) = (topP, topK)
    return options
  }

  private func promptTokens(_ tokenizer: any Tokenizer, _ directory: ModelDirectory) throws -> [TokenID] {
    if let tokens { return tokens.tokens }
    let text = prompt ?? ""
    switch form {
    case .raw: return tokenizer.encode(text, recognizingSpecialTokens: true)
    case .chat: return try directory.template().render([ChatMessage(.user, text)], with: tokenizer)
    }
  }

  /// What `--json` prints.
  private struct Answer: Encodable {
    let text: String
    let tokens: [Int32]
    let finishReason: String

    init(_ completion: Completion) {
      (text, tokens) = (completion.text, completion.tokens.map(\.rawValue))
      finishReason = completion.finishReason.rawValue
    }
  }
}
