// What is done with a model that could be read: its size is looked at, it is built, and it writes a few tokens.
import LanguageModels
import Layers
import Text

enum ModelUse {
  /// A model that is larger than this is somebody's model, not an attack; it is not built.
  private static let mostParameters = 3_000_000

  /// Throws `TooLarge` for models that would only take long, and whatever the configuration throws.
  static func checkSize(_ directory: ModelDirectory, _ parts: FuzzParts) throws {
    let description = try directory.family(parts.registry).describe(directory.configuration())
    guard description.parameters <= mostParameters, description.parameters >= 0, description.layers <= 200,
      description.contextLength <= 1 << 20
    else {
      throw TooLarge()
    }
  }

  /// Two prompts, three tokens each, with every token that the vocabulary has at its edges.
  static func writeTokens(_ model: any LanguageModel, tokenizer: (any Tokenizer)?) async throws -> String {
    var options = GenerationOptions()
    (options.maxTokens, options.temperature) = (3, 0.7)
    let tokenizer = tokenizer ?? NoTokens()
    let naive = NaiveGenerator(model, tokenizer: tokenizer)
    let last = model.vocabularySize - 1
    var prompts = [Prompt([TokenID(0), TokenID(min(1, last)), TokenID(last)])]
    let written = tokenizer.encode("abc <s> Hello", recognizingSpecialTokens: true)
    if !written.isEmpty { prompts.append(Prompt(written)) }
    let completions = try await naive.complete(prompts, options)
    return "wrote \(completions.count) answers"
  }
}

/// An input that is fine and not worth the time.
struct TooLarge: Error, CustomStringConvertible { let description = "too large to be tried" }

/// A tokenizer that knows no text.
struct NoTokens: Tokenizer {
  let vocabularySize = 0
  let beginningOfSequence: TokenID? = nil
  let endOfSequence: TokenID? = nil
  func encode(_ text: String, recognizingSpecialTokens: Bool) -> [TokenID] { [] }
  func bytes(of token: TokenID) -> [UInt8] { [] }
  func isSpecial(_ token: TokenID) -> Bool { false }
  func token(named text: String) -> TokenID? { nil }
}
