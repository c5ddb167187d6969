// What the harness asks of each reader of foreign bytes: seeds to damage, and one attempt to read.

/// One reader under attack.
protocol FuzzParser: Sendable {
  /// Its name on the command line, and part of what every input follows from.
  var name: String { get }
  /// Well-formed inputs and hand-made attacks; each is tried as it is before any is damaged.
  func seeds() throws -> [FuzzInput]
  /// Reads an input, whose files lie in `directory` already, and uses what was read. Says in a few words how far it
  /// came; throws what the reader throws. A `Violation` says that a promise was broken without an error.
  func attempt(_ input: FuzzInput, in directory: String) async throws -> String
}

/// A promise that was broken by something else than a trap or a hang.
struct Violation: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}

/// Every parser, by name.
enum FuzzParsers {
  static func all(goldens: String) throws -> [any FuzzParser] {
    let goldens = Goldens(goldens)
    let parts = try FuzzParts()
    return [
      SafetensorsParser(goldens: goldens, parts: parts), GGUFParser(goldens: goldens),
      GGUFModelParser(goldens: goldens, parts: parts), TokenizerParser(goldens: goldens),
      VocabularyParser(goldens: goldens), TemplateParser(goldens: goldens),
      ConfigurationParser(goldens: goldens, parts: parts), ModelParser(goldens: goldens, parts: parts),
      RecipeParser(parts: parts), RequestParser(goldens: goldens, parts: parts), CorpusParser(),
      DocumentsParser(), TrainerStateParser(parts: parts), ConversionParser(goldens: goldens),
      AnswerParser(goldens: goldens), JSONParser(),
    ]
  }
}
