// The vocabularies of GGUF files: plain arrays, and the tokenizer that they stand for.
import GGUF
import GGUFModels
import Text

struct VocabularyParser: FuzzParser {
  let name = "vocabulary"
  let goldens: Goldens

  func seeds() throws -> [FuzzInput] {
    [try file(Self.bytePair), try file(Self.sentencePieces)]
  }

  private func file(_ metadata: [(key: String, value: GGUFValue)]) throws -> FuzzInput {
    let directory = try TemporaryDirectory("vocabulary-seed")
    try GGUFWriter(metadata: metadata).write([], to: "\(directory.path)/x.gguf")
    return try FuzzInput(directory: directory.path)
  }

  private static let bytePair: [(key: String, value: GGUFValue)] = {
    let letters = (0x21...0x7E).map { String(UnicodeScalar(UInt8($0))) } + ["Ġ", "Ċ", "ab", "abc", "Ġa", "<s>", "</s>"]
    let types = letters.map { $0.hasSuffix("s>") ? Int32(3) : 1 }
    return [
      ("tokenizer.ggml.model", .string("gpt2")), ("tokenizer.ggml.pre", .string("gpt-2")),
      ("tokenizer.ggml.tokens", .array(GGUFArray(letters))), ("tokenizer.ggml.token_type", .array(GGUFArray(types))),
      ("tokenizer.ggml.merges", .array(GGUFArray(["a b", "ab c", "Ġ a"]))),
      ("tokenizer.ggml.bos_token_id", .uint32(UInt32(letters.count - 2))),
      ("tokenizer.ggml.add_bos_token", .bool(true)),
      ("tokenizer.ggml.eos_token_id", .uint32(UInt32(letters.count - 1))),
      ("tokenizer.ggml.add_eos_token", .bool(false)),
    ]
  }()

  private static let sentencePieces: [(key: String, value: GGUFValue)] = {
    let bytes = (0..<256).map {
      "<0x" + (String($0, radix: 16).count < 2 ? "0" : "") + String($0, radix: 16).uppercased() + ">"
    }
    let words = ["<unk>", "<s>", "</s>"] + bytes + ["▁", "a", "b", "ab", "▁ab", "c", "abc"]
    let types: [Int32] = [2, 3, 3] + bytes.map { _ in 6 } + [1, 1, 1, 1, 1, 1, 1]
    return [
      ("tokenizer.ggml.model", .string("llama")), ("tokenizer.ggml.tokens", .array(GGUFArray(words))),
      ("tokenizer.ggml.token_type", .array(GGUFArray(types))),
      ("tokenizer.ggml.scores", .array(GGUFArray(words.indices.map { -Float($0) }))),
      ("tokenizer.ggml.unknown_token_id", .uint32(0)), ("tokenizer.ggml.add_space_prefix", .bool(true)),
    ]
  }()

  func attempt(_ input: FuzzInput, in directory: String) async throws -> String {
    let file = try GGUFFile("\(directory)/x.gguf")
    func key(_ name: String) -> GGUFValue? { file.metadata["tokenizer.ggml.\(name)"] }
    var stored = StoredVocabulary(
      model: key("model")?.text ?? "", preTokenizer: key("pre")?.text, tokens: try key("tokens")?.list?.texts() ?? [])
    stored.scores = try key("scores")?.list?.numbers()?.map { Float($0) } ?? []
    stored.types = try key("token_type")?.list?.integers()?.map { Int32(truncatingIfNeeded: $0) } ?? []
    stored.merges = try key("merges")?.list?.texts() ?? []
    (stored.beginning, stored.end) = (key("bos_token_id")?.integer, key("eos_token_id")?.integer)
    stored.unknown = key("unknown_token_id")?.integer
    (stored.addsBeginning, stored.addsEnd) = (key("add_bos_token")?.flag ?? false, key("add_eos_token")?.flag ?? false)
    stored.addsSpacePrefix = key("add_space_prefix")?.flag ?? true
    TokenizerUse.exercise(try TokenizerPipeline(stored))
    return "read"
  }
}
