// The shape of tokenizer.json, the file in which byte-level BPE tokenizers travel.
// Only what changes the encoding of plain text is read; the rest is other programs' business.

/// tokenizer.json as it is written.
struct TokenizerFile: Decodable {
  var added: [AddedToken]?
  var normalizer: Step?
  var preTokenizer: Step?
  var postProcessor: Step?
  var decoder: Step?
  var model: Model

  enum CodingKeys: String, CodingKey {
    case added = "added_tokens"
    case preTokenizer = "pre_tokenizer"
    case postProcessor = "post_processor"
    case normalizer, decoder, model
  }

  /// A token that is recognised before pre-tokenisation.
  struct AddedToken: Decodable {
    var id: Int
    var content: String
    var special: Bool?
    var lstrip: Bool?
    var rstrip: Bool?
    var singleWord: Bool?
    enum CodingKeys: String, CodingKey {
      case id, content, special, lstrip, rstrip
      case singleWord = "single_word"
    }
  }

  /// A normalizer, pre-tokenizer, post-processor or decoder: a type and its settings.
  struct Step: Decodable {
    var type: String
    var normalizers: [Step]?
    var preTokenizers: [Step]?
    var processors: [Step]?
    var decoders: [Step]?
    var pattern: Pattern?
    var behavior: String?
    var inverts: Bool?
    var addsPrefixSpace: Bool?
    var usesRegex: Bool?
    enum CodingKeys: String, CodingKey {
      case type, normalizers, processors, decoders, pattern, behavior
      case preTokenizers = "pretokenizers"
      case inverts = "invert"
      case addsPrefixSpace = "add_prefix_space"
      case usesRegex = "use_regex"
    }
  }

  /// What a Split looks for.
  struct Pattern: Decodable {
    var regex: String?
    var literal: String?
    enum CodingKeys: String, CodingKey {
      case regex = "Regex"
      case literal = "String"
    }
  }

  /// The BPE model.
  struct Model: Decodable {
    var type: String?
    var vocabulary: [String: Int]
    var merges: Merges
    var dropout: Double?
    var subwordPrefix: String?
    var wordSuffix: String?
    var ignoresMerges: Bool?
    enum CodingKeys: String, CodingKey {
      case type, merges, dropout
      case vocabulary = "vocab"
      case subwordPrefix = "continuing_subword_prefix"
      case wordSuffix = "end_of_word_suffix"
      case ignoresMerges = "ignore_merges"
    }
  }

  /// Merges as "left right" strings, or as lists of two.
  struct Merges: Decodable {
    var pairs: [(left: String, right: String)] = []

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let lines = try? container.decode([String].self) {
        pairs = try lines.enumerated().map { try Self.pair($1.split(separator: " ").map(String.init), $0, decoder) }
      } else {
        let lists = try container.decode([[String]].self)
        pairs = try lists.enumerated().map { try Self.pair($1, $0, decoder) }
      }
    }

    private static func pair(_ parts: [String], _ index: Int, _ decoder: any Decoder) throws -> (String, String) {
      guard parts.count == 2 else {
        throw TokenizerError("'model.merges[\(index)]' has \(parts.count) parts; a merge joins exactly two tokens")
      }
      return (parts[0], parts[1])
    }
  }
}
