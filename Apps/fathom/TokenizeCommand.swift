// `fathom tokenize` and `fathom detokenize`: text to tokens and back, as filters.
import ArgumentParser
import Foundation
import LanguageModels
import Text

struct TokenizeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tokenize", abstract: "Prints the tokens of the text on standard input as JSON.",
    discussion: "With --batch every line of the input is a JSON string, and every line of the output a list of ids.")

  @OptionGroup var source: TokenizerOptions
  @Flag(name: .customLong("no-special"), help: "Read the written forms of special tokens as ordinary text.")
  var readsSpecialAsText = false
  @Flag(help: "Add the tokens that the tokenizer's file wants around a text.")
  var markers = false
  @Flag(help: "Read one JSON string a line, and print a list of ids for each.")
  var batch = false
  @Option(help: "How many threads encode a batch; all processors without it.")
  var threads: Int?

  func validate() throws {
    if let threads, threads < 1 { throw ValidationError("--threads is \(threads); it must be at least 1") }
  }

  func run() async throws {
    let tokenizer = try source.pipeline()
    let texts = batch ? try Input.lines().map(BatchLine.text) : [try Input.text()]
    let encoded = tokenizer.encode(texts, recognizingSpecialTokens: !readsSpecialAsText, threads: threads).map {
      (markers ? tokenizer.markers.before + $0 + tokenizer.markers.after : $0).map(\.rawValue)
    }
    guard batch else { return try Output.json(TokenListing(tokens: encoded[0])) }
    for chunk in stride(from: 0, to: encoded.count, by: 1000) {
      let lines = encoded[chunk..<min(chunk + 1000, encoded.count)]
      try Output.write(lines.map { "[\($0.map { String($0) }.joined(separator: ","))]\n" }.joined())
    }
  }
}

struct DetokenizeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "detokenize", abstract: "Prints the text of the tokens on standard input.",
    discussion: "Reads {\"tokens\":[1,2,3]}, [1,2,3], or numbers with commas or spaces between them. With --batch "
      + "every line is such a list, and every line of the output a JSON string.")

  @OptionGroup var source: TokenizerOptions
  @Flag(help: "Leave special tokens out.")
  var skipSpecial = false
  @Flag(help: "Read one list of ids a line, and print a JSON string for each.")
  var batch = false

  func run() async throws {
    let tokenizer = try source.pipeline()
    let lists = batch ? try Input.lines().map(BatchLine.tokens) : [try TokenListing(reading: Input.text()).tokens]
    for chunk in stride(from: 0, to: lists.count, by: 1000) {
      let texts = try lists[chunk..<min(chunk + 1000, lists.count)].map { ids in
        let tokens = ids.map { TokenID(rawValue: $0) }
        try tokens.requireTokens(of: tokenizer.vocabularySize)
        return tokenizer.decode(tokens, skippingSpecialTokens: skipSpecial)
      }
      try Output.write(batch ? texts.map { try BatchLine.json($0) + "\n" }.joined() : texts[0])
    }
  }
}

/// One line of a batch.
enum BatchLine {
  /// The text that the line holds as a JSON string.
  static func text(_ line: Data) throws -> String {
    guard let text = try? JSONDecoder().decode(String.self, from: line) else {
      let shown = String(decoding: line.prefix(40), as: UTF8.self)
      throw CommandError("standard input: '\(shown)' is not a JSON string; with --batch every line is one")
    }
    return text
  }
}

extension BatchLine {
  /// The ids that the line holds as a JSON list.
  static func tokens(_ line: Data) throws -> [Int32] {
    var tokens: [Int32] = []
    for word in line.split(whereSeparator: { " ,[]\r\t".utf8.contains($0) }) {
      guard let token = Int32(String(decoding: word, as: UTF8.self)) else {
        throw CommandError(
          "standard input: '\(String(decoding: word.prefix(20), as: UTF8.self))' is not a token id; with --batch every "
            + "line is a list of ids")
      }
      tokens.append(token)
    }
    return tokens
  }

  /// A text as a JSON string.
  static func json(_ text: String) throws -> String {
    String(decoding: try JSONEncoder().encode(text), as: UTF8.self)
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
  /// The lines that are not empty.
  static func lines() throws -> [Data] {
    let bytes = try FileHandle.standardInput.readToEnd() ?? Data()
    return bytes.split(separator: UInt8(ascii: "\n")).map { Data($0) }
  }

  /// Throws when it is not UTF-8.
  static func text() throws -> String {
    let bytes = try FileHandle.standardInput.readToEnd() ?? Data()
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw CommandError("standard input: it is not UTF-8 text")
    }
    return text
  }
}
