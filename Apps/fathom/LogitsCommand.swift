// `fathom logits MODEL --tokens 1,2,3`: what the model says after every token, for comparisons with other programs.
import ArgumentParser
import LanguageModels
import Tensors
import Text

struct LogitsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "logits", abstract: "Prints the logits after every token as JSON.",
    discussion: "Prints {\"logits\":[[…],…]}: one row per token, one float32 per entry of the vocabulary, each with "
      + "the digits that give the same float32 when read. What is not a number is null.")

  @Argument(
    help: ArgumentHelp("A model's directory (config.json and *.safetensors), or a .gguf file.", valueName: "model"))
  var model: String
  @Option(help: ArgumentHelp("Token ids, 1,2,3.", valueName: "ids"))
  var tokens: TokenList
  @OptionGroup var arithmetic: ModelOptions
  @OptionGroup var compute: ComputeOptions

  func run() async throws {
    let parts = try compute.parts()
    let model = try arithmetic.model(in: ModelDirectory(model), parts)
    try check(model)
    let values = model(TokenBatch([tokens.tokens])).floats()
    let width = model.vocabularySize
    for row in tokens.tokens.indices {
      var text = row == 0 ? "{\"logits\":[[" : ",["
      for column in 0..<width {
        let value = values[row * width + column]
        if column > 0 { text += "," }
        text += value.isFinite ? value.description : "null"
      }
      try Output.write("\(text)]")
    }
    try Output.write("]}\n")
  }

  private func check(_ model: any LanguageModel) throws {
    let ids = tokens.tokens
    guard (1...model.contextLength).contains(ids.count) else {
      throw CommandError("there are \(ids.count) tokens; this model reads 1 to \(model.contextLength)")
    }
    try ids.requireTokens(of: model.vocabularySize)
  }
}
