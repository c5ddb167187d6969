// `fathom tokenize` and `fathom detokenize`: text to tokens and back, as filters.
import ArgumentParser
import Foundation
import Text

struct TokenizeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tokenize", abstract: "Prints the tokens of the text on standard input as JSON.")

  @Argument(help: ArgumentHelp("A model's directory, or a tokenizer.json.", valueName: "model-or-tokenizer"))
  var tokenizer: String
  @Flag(name: .customLong("no-special"), help: "Read the written forms of special tokens as ordinary text.")
  var readsSpecialAsText = false

  func run() async throws {
    let tokenizer = try BytePairEncoding(contentsOf: tokenizer)
    let tokens = tokenizer.encode(try Input.text(), recognizingSpecialTokens: !readsSpecialAsText)
    try Output.json(TokenListing(tokens: tokens.map(\.rawValue)))
  }
}

struct DetokenizeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "detokenize", abstract: "Prints the text of the tokens on standard input.",
    discussion: "Reads {\"tokens\":[1,2,3]}, [1,2,3], or numbers with commas or spaces between them.")

  @Argument(help: ArgumentHelp("A model's directory, or a tokenizer.json.", valueName: "model-or-tokenizer"))
  var tokenizer: String
  @Flag(help: "Leave special tokens out.")
  var skipSpecial = false

  func run() async throws {
    let tokenizer = try BytePairEncoding(contentsOf: tokenizer)
    let tokens = try TokenListing(reading: Input.text()).tokens
    if let bad = tokens.first(where: { $0 < 0 || Int($0) >= tokenizer.vocabularySize }) {
      throw CommandError("token \(bad) is outside the vocabulary; ids are 0 to \(tokenizer.vocabularySize - 1)")
    }
    let text = tokenizer.decode(tokens.map { TokenID(rawValue: $0) }, skippingSpecialTokens: skipSpecial)
    try Output.write(text)
  }
}

/// `{"tokens":[…]}`: what one command writes and the other reads.
struct TokenListing: Codable {
  var tokens: [Int32]

  init(tokens: [Int32]) { self.tokens = tokens }

  /// Reads the object, a JSON list, or a plain list.
  init(reading text: String) throws {
    let data = Data(text.utf8)
    if let listing = try? JSONDecoder().decode(Self.self, from: data) {
      self = listing
    } else if let tokens = try? JSONDecoder().decode([Int32].self, from: data) {
      self.init(tokens: tokens)
    } else {
      let words = text.split { $0 == "," || $0.isWhitespace }
      self.init(
        tokens: try words.map { word in
          guard let token = Int32(word) else {
            throw CommandError(
              "standard input: '\(word.prefix(20))' is not a token id; expected {\"tokens\":[1,2,3]} or a list of ids")
          }
          return token
        })
    }
  }
}

/// Standard input as a whole.
enum Input {
  /// Throws when it is not UTF-8.
  static func text() throws -> String {
    let bytes = try FileHandle.standardInput.readToEnd() ?? Data()
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw CommandError("standard input: it is not UTF-8 text")
    }
    return text
  }
}
