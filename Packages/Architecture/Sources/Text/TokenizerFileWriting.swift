// From a tokenizer to tokenizer.json, such that every program that reads byte-level BPE encodes identically.
// Written by hand rather than by an encoder: the vocabulary stays in order of id, and the file can be compared.
import Foundation

extension BytePairEncoding {
  /// Writes tokenizer.json and tokenizer_config.json into an existing directory. Throws `TokenizerError`.
  public func write(to directory: String, chatTemplate: String? = nil) throws {
    func name(_ token: TokenID?) -> String? { token.map { String(decoding: bytes(of: $0), as: UTF8.self) } }
    let configuration = TokenizerConfiguration(
      beginningOfSequence: name(beginningOfSequence), endOfSequence: name(endOfSequence), chatTemplate: chatTemplate)
    try Text.write(json(), to: "\(directory)/tokenizer.json")
    try Text.write(try configuration.json(), to: "\(directory)/tokenizer_config.json")
  }

  /// The contents of a tokenizer.json that stands for this tokenizer.
  public func json() -> Data {
    let added = entries.filter { $0.kind != .ordinary }
    var text = "{\n  \"version\": \"1.0\",\n  \"truncation\": null,\n  \"padding\": null,\n  \"added_tokens\": "
    text += list(added.map(addedToken), indent: 2) + ",\n  \"normalizer\": null,\n  \"pre_tokenizer\": "
    text += preTokenizerJSON + ",\n  \"post_processor\": null,\n  \"decoder\": " + byteLevel(usesRegex: true)
    text += ",\n  \"model\": {\n    \"type\": \"BPE\",\n    \"dropout\": null,\n    \"unk_token\": null,\n"
    text += "    \"continuing_subword_prefix\": null,\n    \"end_of_word_suffix\": null,\n    \"fuse_unk\": false,\n"
    text += "    \"byte_fallback\": false,\n    \"ignore_merges\": false,\n    \"vocab\": {\n"
    text += entries.map { "      \(jsonString(spelling(of: $0))): \($0.id)" }.joined(separator: ",\n")
    text += "\n    },\n    \"merges\": "
    text += list(
      merges.map { jsonString("\(spelling(of: $0.left)) \(spelling(of: $0.right))") }, indent: 4)
    return Data((text + "\n  }\n}\n").utf8)
  }

  private func spelling(of token: TokenID) -> String { vocabulary[token].map { spelling(of: $0) } ?? "" }

  private func spelling(of entry: VocabularyEntry) -> String {
    switch entry.kind {
    case .ordinary: ByteAlphabet.spelling(of: entry.bytes)
    case .added, .special: String(decoding: entry.bytes, as: UTF8.self)
    }
  }

  private func addedToken(_ entry: VocabularyEntry) -> String {
    "{\"id\": \(entry.id), \"content\": \(jsonString(spelling(of: entry))), \"single_word\": false, \"lstrip\": false, "
      + "\"rstrip\": false, \"normalized\": false, \"special\": \(entry.kind == .special)}"
  }

  private var preTokenizerJSON: String {
    if preTokenizer == .gpt2 { return byteLevel(usesRegex: true) }
    let splits = preTokenizer.patterns.map {
      "{\"type\": \"Split\", \"pattern\": {\"Regex\": \(jsonString($0))}, "
        + "\"behavior\": \"Isolated\", \"invert\": false}"
    }
    let steps = list(splits + [byteLevel(usesRegex: false)], indent: 4)
    return "{\n    \"type\": \"Sequence\",\n    \"pretokenizers\": \(steps)\n  }"
  }

  private func byteLevel(usesRegex: Bool) -> String {
    "{\"type\": \"ByteLevel\", \"add_prefix_space\": false, \"trim_offsets\": true, \"use_regex\": \(usesRegex)}"
  }

  /// One item per line.
  private func list(_ items: [String], indent: Int) -> String {
    guard !items.isEmpty else { return "[]" }
    let margin = String(repeating: " ", count: indent)
    return "[\n" + items.map { "\(margin)  \($0)" }.joined(separator: ",\n") + "\n\(margin)]"
  }
}

/// `text` as a JSON string.
private func jsonString(_ text: String) -> String {
  var result = "\""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "\"", "\\": result += "\\\(scalar)"
    case "\n": result += "\\n"
    case "\r": result += "\\r"
    case "\t": result += "\\t"
    case "\u{0}"..."\u{1F}":
      let digits = String(scalar.value, radix: 16)
      result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
    default: result.unicodeScalars.append(scalar)
    }
  }
  return result + "\""
}
