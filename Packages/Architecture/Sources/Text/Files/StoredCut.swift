// The ways to cut text that model files name instead of spelling them out.

/// A named way: its steps, and whether a piece that is a token needs no merging.
struct StoredCut {
  var steps: [CutStep]
  var ignoresMerges = false

  /// The names, by the way that they stand for.
  private static let known: [String: PreTokenizer] = [
    "gpt-2": .gpt2, "gpt2": .gpt2, "mpt": .gpt2, "olmo": .gpt2, "phi-2": .gpt2, "jais": .gpt2, "llama-bpe": .llama3,
    "llama3": .llama3, "llama-v3": .llama3, "dbrx": .llama3, "smaug-bpe": .llama3, "chatglm-bpe": .llama3,
    "qwen2": .qwen2, "deepseek-r1-qwen": .qwen2, "stablelm2": .qwen2, "gpt-4o": .o200k, "llama4": .o200k,
    "tekken": .tekken, "deepseek-v3": .deepSeekV3, "hunyuan-dense": .deepSeekV3,
  ]
  /// Names whose vocabularies hold whole words that no merges make.
  private static let wholePieces: Set = ["llama-bpe", "llama3", "llama-v3", "tekken"]
  /// Names that stand for patterns without a scanner: each isolates its matches.
  private static let patterns: [String: [String]] = [
    "deepseek-llm": [
      "[\r\n]", "\\s?[\(lettersWithCase)]+",
      "\\s?[!-/:-~\u{FF01}-\u{FF0F}\u{FF1A}-\u{FF5E}\u{2018}-\u{201F}\u{3000}-\u{3002}]+",
      "\\s+$", "[\u{4E00}-\u{9FA5}\u{0800}-\u{4E00}\u{AC00}-\u{D7FF}]+", "\\p{N}+",
    ],
    "deepseek-coder": [
      "[\r\n]", "\\s?\\p{L}+", "\\s?\\p{P}+", "[\u{4E00}-\u{9FA5}\u{0800}-\u{4E00}\u{AC00}-\u{D7FF}]+", "\\p{N}",
    ],
    "starcoder": ["\\p{N}", PreTokenizer.gpt2.patterns[0]], "refact": ["\\p{N}", PreTokenizer.gpt2.patterns[0]],
    "command-r": ["\\p{N}", PreTokenizer.gpt2.patterns[0]], "smollm": ["\\p{N}", PreTokenizer.gpt2.patterns[0]],
  ]

  /// The way called `name`; without one the vocabulary was made before ways had names, and GPT-2's is meant.
  static func named(_ name: String?) throws -> StoredCut {
    guard let name, name != "default" else { return StoredCut(steps: [.known(.gpt2)]) }
    if let way = known[name] { return StoredCut(steps: [.known(way)], ignoresMerges: wholePieces.contains(name)) }
    guard let patterns = patterns[name] else {
      let names = (Array(known.keys) + self.patterns.keys).sorted().joined(separator: ", ")
      throw TokenizerError("the vocabulary's pre-tokenizer is '\(name.prefix(60))'; known are \(names)")
    }
    return StoredCut(
      steps: try patterns.map { pattern in
        if let way = PreTokenizer(patterns: [pattern]) { return .known(way) }
        return .pattern(try PatternMatcher(Array(pattern.utf8)), .isolated, inverted: false)
      })
  }

  /// Letters of scripts with two cases, as the first DeepSeek vocabularies list them.
  private static let lettersWithCase =
    "A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-ՖႠ-ჅᎠ-Ᏽᏸ-ᏽᲐ-ᲺᲽ-Ჿᴀ-ᴫᵫ-ᵷᵹ-ᶚḀ-ἕἘ-Ἕἠ-ὅὈ-Ὅὐ-ὗὙὛὝὟ-\u{1F7D}ᾀ-ᾴᾶ-ᾼ"
    + "\u{1FBE}ῂ-ῄῆ-ῌῐ-\u{1FD3}ῖ-\u{1FDB}ῠ-Ῥῲ-ῴῶ-ῼℂℇℊ-ℓℕℙ-ℝℤ\u{2126}ℨ\u{212A}-ℭℯ-ℴℹℼ-ℿⅅ-ⅉⅎↃↄⰀ-ⱻ"
    + "Ȿ-ⳤⳫ-ⳮⳲⳳꙀ-ꙭꚀ-ꚛꜢ-ꝯꝱ-ꞇꞋ-ꞎꭰ-ꮿ"
    + "ﬀ-ﬆﬓ-ﬗＡ-Ｚａ-ｚ𐐀-𐑏𐒰-𐓓𐓘-𐓻𐲀-𐲲𐳀-𐳲𑢠-𑣟𞤀-𞥃"
}
