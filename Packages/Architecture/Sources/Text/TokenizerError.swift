// Why a vocabulary, a tokenizer file or a template file cannot be used.
// One sentence each, so that a person who downloaded the file can act on it.
import Jinja
import Sentences

/// A tokenizer that cannot be built, read or written: where, what was found, what would have worked.
public struct TokenizerError: Error, CustomStringConvertible, Equatable {
  public let description: String
  public init(_ description: String) { self.description = sentenceLine(description) }
}
