// What every error must be: one sentence that fits a terminal and a log, whatever text it quotes.

enum SentenceRule {
  static let longest = 400

  /// Throws a `BadSentence` when the error's description is not fit to be shown.
  static func check(_ error: any Error) throws {
    if let problem = problem(of: "\(error)") { throw BadSentence(problem: problem, sentence: "\(error)") }
  }

  /// What is wrong with a sentence; nil when nothing is.
  static func problem(of sentence: String) -> String? {
    if sentence.isEmpty { return "is empty" }
    if sentence.unicodeScalars.contains(where: { isControl($0) }) { return "has a line break or a control character" }
    if sentence.count >= longest { return "has \(longest) characters or more" }
    let raw = ["Error Domain=", "DecodingError", "Swift.", "Context(codingPath", "NSCocoaError", "Optional("]
    if let word = raw.first(where: { sentence.contains($0) }) { return "shows the inside of the program: \(word)" }
    return nil
  }

  private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .lineSeparator, .paragraphSeparator: true
    default: false
    }
  }

  /// The kind of a sentence: numbers, quotations and places taken out, so that equal mistakes have equal kinds.
  static func kind(of sentence: String, directory: String) -> String {
    var kind = ""
    var isQuoted = false
    for character in sentence.replacing(directory, with: "") {
      if character == "'" || character == "\"" {
        isQuoted.toggle()
      } else if !isQuoted, !character.isNumber {
        kind.append(character)
      }
    }
    return String(kind.prefix(160))
  }
}

/// An error that is not fit to be shown.
struct BadSentence: Error, CustomStringConvertible {
  let problem: String
  let sentence: String
  /// What tells it from others: the complaint, and how the sentence begins once its place is gone.
  func kind(directory: String) -> String {
    let words = sentence.replacing(directory, with: "").filter { $0.isASCII && ($0.isLetter || $0 == " ") }
    return "\(problem): \(words.prefix(28))"
  }
  var description: String { "the error \(problem): \(sentence.debugDescription.prefix(700))" }
}
