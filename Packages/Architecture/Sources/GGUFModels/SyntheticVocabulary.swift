// A vocabulary of any size for models without sense: bytes, then words of two, three and four letters, each merged from
// a shorter one and a letter. Any reader of byte-level BPE takes it.
import GGUF

/// Tokens, merges and markers of a byte-level BPE vocabulary of `count` tokens.
struct SyntheticVocabulary {
  private(set) var tokens: [String]
  private(set) var merges: [String] = []
  private let markers = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]

  init(count: Int) {
    tokens = (0..<256).map { Self.spelling(of: UInt8($0)) }
    let letters = "abcdefghijklmnopqrstuvwxyz".map(String.init)
    let words = max(tokens.count, count - markers.count)
    var shorter = letters
    while tokens.count < words {
      var longer: [String] = []
      for word in shorter {
        for letter in letters where tokens.count < words {
          longer.append(word + letter)
          merges.append("\(word) \(letter)")
          tokens.append(word + letter)
        }
      }
      shorter = longer
    }
    tokens = Array((tokens + markers).prefix(max(count, 0)))
  }

  /// The keys of the file that describe it.
  func metadata(preTokenizer: String) -> [(key: String, value: GGUFValue)] {
    let types = tokens.map { markers.contains($0) ? Int32(3) : 1 }
    let end = UInt32(tokens.firstIndex(of: markers[0]) ?? 0)
    return [
      ("tokenizer.ggml.model", .string("gpt2")), ("tokenizer.ggml.pre", .string(preTokenizer)),
      ("tokenizer.ggml.tokens", .array(GGUFArray(tokens))), ("tokenizer.ggml.token_type", .array(GGUFArray(types))),
      ("tokenizer.ggml.merges", .array(GGUFArray(merges))), ("tokenizer.ggml.bos_token_id", .uint32(end)),
      ("tokenizer.ggml.eos_token_id", .uint32(end)), ("tokenizer.ggml.add_bos_token", .bool(false)),
    ]
  }

  /// How byte-level BPE spells a byte: printable ones as themselves, the others as the characters from 256 on.
  private static func spelling(of byte: UInt8) -> String {
    func isItself(_ byte: UInt8) -> Bool { (33...126).contains(byte) || (161...172).contains(byte) || byte >= 174 }
    let code = isItself(byte) ? UInt32(byte) : 256 + UInt32((0..<byte).count { !isItself($0) })
    return Unicode.Scalar(code).map { String(Character($0)) } ?? "?"
  }
}
