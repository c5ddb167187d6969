// Tokenizer files that mutation would not find: claims of ten million entries, merges in circles, patterns that
// backtrack for ever, normalisations that grow.

enum TokenizerAttacks {
  static var all: [String] {
    patterns.map {
      model(cut: #"{"type": "Split", "pattern": {"Regex": "\#($0)"}, "behavior": "Isolated", "invert": false}"#)
    }
      + normalizers.map { model(normalizer: $0) } + models + [
        model(added: #"[{"id": 1073741824, "content": "x"}]"#), model(added: #"[{"id": 9999999, "content": "x"}]"#),
        model(added: #"[{"id": -1, "content": "x"}]"#), model(added: #"[{"id": 2147483647, "content": "x"}]"#),
        model(added: #"[{"id": 9223372036854775807, "content": "x"}]"#), "", "null", "[]", "{}", "\u{FEFF}{}",
      ]
  }

  /// Nested quantifiers, overlapping alternatives, lookbehind, recursion, references, classes without end.
  private static let patterns = [
    "(a+)+$", "(a|a)*b", "(a|aa)+$", "(.*)*x", "(.*a){30}", "(?:a?){3000}a{3000}", #"(\\w+\\s?)*$"#, "(?R)", "(a(?1))",
    "(?<=a+)b", "((((((((((a*)*)*)*)*)*)*)*)*)*)*", #"\\1(a)"#, "(?(1)a|b)", "[", "(", "*", "a{99999}", "a{2,1}", "",
    "^", "$", "|", #"\\b"#, "(?=a)", "(?<!a)", #"\\p{Nonsense}"#, #"\\p{L}{65535}"#, "(?i)ß", #"\\x{110000}"#, #"\\Q"#,
    "(*ACCEPT)", "(*LIMIT_MATCH=4294967295)(a+)+$", "(*UTF)", "(?C1)", #"[\\s\\S]*?[\\s\\S]*?[\\s\\S]*?[\\s\\S]*?X"#,
    #"\\K"#, "a\\u0000b", "(?<n>a)(?<n>b)", #"[^\\r\\n\\p{L}\\p{N}]?+\\p{L}+|(x+x+)+y"#, "(?>a*)*", #"\\X*$"#,
    #"(\\X+)+!"#,
  ]

  private static let normalizers = [
    #"{"type": "Replace", "pattern": {"String": ""}, "content": "x"}"#,
    #"{"type": "Replace", "pattern": {"Regex": "(a+)+$"}, "content": "x"}"#,
    #"{"type": "Replace", "pattern": {"String": "a"}, "content": "\#(String(repeating: "a", count: 10_000))"}"#,
    #"{"type": "Sequence", "normalizers": [\#(growth(40))]}"#, #"{"type": "Prepend", "prepend": ""}"#,
    #"{"type": "Sequence", "normalizers": [\#(Array(repeating: #"{"type": "Prepend", "prepend": "xx"}"#, count: 5000).joined(separator: ","))]}"#,
    #"{"type": "Precompiled", "precompiled_charsmap": "////"}"#,
    #"{"type": "Precompiled", "precompiled_charsmap": "AAAAgA=="}"#,
    #"{"type": "Precompiled", "precompiled_charsmap": "\#(String(repeating: "A", count: 4000))"}"#,
    #"{"type": "Strip", "strip_left": true, "strip_right": true}"#, #"{"type": "NFKD"}"#, #"{"type": "Nothing\n"}"#,
  ]

  /// Each doubles the text: 2⁴⁰ letters of one.
  private static func growth(_ count: Int) -> String {
    Array(repeating: #"{"type": "Replace", "pattern": {"String": "a"}, "content": "aa"}"#, count: count).joined(
      separator: ",")
  }

  private static var models: [String] {
    let wide = (0..<60_000).map { "\"t\($0)\": \($0)" }.joined(separator: ", ")
    return [
      file(#"{"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2, "ba": 3}, "merges": ["a b", "b a", "ab a", "a ba"]}"#),
      file(
        #"{"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": ["ab b", "a ab", "a a", "b b", "a b", "a b"]}"#),
      file(#"{"type": "BPE", "vocab": {"a": 0, "": 1}, "merges": [" a", "a "]}"#),
      file(#"{"type": "BPE", "vocab": {"a": 10000000}, "merges": []}"#),
      file(#"{"type": "BPE", "vocab": {"a": 9223372036854775807}, "merges": []}"#),
      file(#"{"type": "BPE", "vocab": {"a": -1}, "merges": []}"#),
      file(#"{"type": "BPE", "vocab": {"a": 0, "b": 0}, "merges": []}"#),
      file(#"{"type": "BPE", "vocab": {}, "merges": []}"#),
      file(#"{"type": "BPE", "vocab": {\#(wide)}, "merges": []}"#),
      file(#"{"type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0], ["a", 1e308], ["b", -1e308], ["ab", 0.5]]}"#),
      file(#"{"type": "Unigram", "unk_id": 99, "vocab": [["a", 0]]}"#), file(#"{"type": "Unigram", "vocab": []}"#),
      file(#"{"type": "Unigram", "unk_id": 0, "byte_fallback": true, "vocab": [["a", 0], ["<0x41>", 0]]}"#),
      file(
        #"{"type": "WordPiece", "unk_token": "x", "continuing_subword_prefix": "", "max_input_chars_per_word": 9223372036854775807, "vocab": {"a": 0, "x": 1}}"#
      ),
      file(
        ###"{"type": "WordPiece", "unk_token": "", "continuing_subword_prefix": "##", "max_input_chars_per_word": -1, "vocab": {"a": 0}}"###
      ),
      file(#"{"type": "WordLevel", "unk_token": "no", "vocab": {"a": 0}}"#),
    ]
  }

  private static func file(_ model: String, added: String = "[]", normalizer: String = "null", cut: String = "null")
    -> String
  {
    #"{"version": "1.0", "added_tokens": \#(added), "normalizer": \#(normalizer), "pre_tokenizer": \#(cut), "#
      + #""post_processor": null, "decoder": null, "model": \#(model)}"#
  }

  private static func model(added: String = "[]", normalizer: String = "null", cut: String = "null") -> String {
    file(
      #"{"type": "WordLevel", "unk_token": "a", "vocab": {"a": 0, "b": 1, "aaaa": 2}}"#, added: added,
      normalizer: normalizer, cut: cut)
  }
}
