// The tokenizer of a model, and what stands in for it in a directory that holds weights alone.
import Foundation
import LanguageModels
import Recipes
import Text

/// A tokenizer to generate with.
struct TokenSource {
  let tokenizer: any Tokenizer

  /// Reads the tokenizer beside the weights. A model without one has its tokens written as numbers, where the caller
  /// can do without text.
  init(_ directory: ModelDirectory, canDoWithout: Bool) throws {
    if let present = try directory.tokenizerIfPresent() {
      tokenizer = present
    } else if canDoWithout {
      let configuration = Data(try directory.configuration())
      tokenizer = TokenNumbers(try? JSONDecoder().decode(ConfigTree.self, from: configuration))
    } else {
      throw CommandError("\(directory.path): has no tokenizer; give the prompt as token ids with --tokens 1,2,3")
    }
  }
}

/// Writes token 7 as " 7". Reads no text.
struct TokenNumbers: Tokenizer {
  let vocabularySize: Int
  let beginningOfSequence: TokenID? = nil
  let endOfSequence: TokenID?

  /// The sizes and the ending token that a config.json names.
  init(_ configuration: ConfigTree?) {
    func number(_ key: String) -> Int? {
      guard case .int(let value)? = configuration?[key], Int32(exactly: value) != nil else { return nil }
      return value
    }
    vocabularySize = number("vocab_size") ?? 0
    endOfSequence = number("eos_token_id").map { TokenID($0) }
  }

  func encode(_ text: String, recognizingSpecialTokens: Bool) -> [TokenID] { [] }
  func bytes(of token: TokenID) -> [UInt8] { Array(" \(token)".utf8) }
  func isSpecial(_ token: TokenID) -> Bool { token == endOfSequence }
  func token(named text: String) -> TokenID? { nil }
}
