// The parts of a tokenizer.json that a GGUF file repeats under keys of its own.
import Recipes

/// tokenizer.json as far as it is read here.
struct TokenizerJSON: Decodable {
  let added: [AddedToken]?
  let preTokenizer: ConfigTree?
  let model: Model
  enum CodingKeys: String, CodingKey {
    case added = "added_tokens"
    case preTokenizer = "pre_tokenizer"
    case model
  }

  struct AddedToken: Decodable {
    let id: Int
    let content: String
    let special: Bool?
  }
  struct Model: Decodable {
    let type: String?
    let vocabulary: [String: Int]
    let merges: Merges
    enum CodingKeys: String, CodingKey {
      case type, merges
      case vocabulary = "vocab"
    }
  }
  /// Merges as "left right", whichever of the two ways the file has them.
  struct Merges: Decodable {
    let lines: [String]
    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let lines = try? container.decode([String].self) {
        self.lines = lines
      } else {
        lines = try container.decode([[String]].self).map { $0.joined(separator: " ") }
      }
    }
  }

  /// The steps before merging, nested sequences taken apart.
  private var steps: [ConfigTree] { preTokenizer.map(Self.flattened) ?? [] }
  private static func flattened(_ step: ConfigTree) -> [ConfigTree] {
    guard case .list(let members)? = step["pretokenizers"] else { return [step] }
    return members.flatMap(flattened)
  }

  /// Whether text is cut and spelled byte by byte.
  var isByteLevel: Bool { steps.contains { $0["type"] == .string("ByteLevel") } }

  /// The name that readers of GGUF have for the way text is cut. `default` where it has none here; readers warn then.
  var preTokenizerName: String {
    let patterns = steps.compactMap { step -> String? in
      guard case .string(let pattern)? = step["pattern"]?["Regex"] else { return nil }
      return pattern
    }
    let words = #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|"#
    switch patterns.count {
    case 0: return "gpt-2"
    case 1 where patterns[0].hasPrefix(words + #"\p{N}{1,3}|"#): return "llama-bpe"
    case 1 where patterns[0].hasPrefix(words + #"\p{N}|"#): return "qwen2"
    case 3 where patterns[0] == #"\p{N}{1,3}"#: return "deepseek-v3"
    case 4... where patterns[0] == #"[\r\n]"#: return "deepseek-llm"
    default: return "default"
    }
  }
}
