// The ways to cut text that model files name instead of spelling them out, and what else hangs from such a name.
// The names are those of llama.cpp; the patterns are those of the tokenizers that the names stand for.

/// A named way to cut text.
struct StoredCut {
  var steps: [CutStep]
  /// Whether a piece that is a token needs no merging.
  var ignoresMerges = false
  /// Whether the beginning is marked where a file does not say.
  var addsBeginning = false

  /// The way called `name`. Throws `TokenizerError` with the known names.
  static func named(_ name: String?) throws -> StoredCut {
    let name = name ?? "default"
    var cut: StoredCut
    if let way = scanners[name] {
      cut = StoredCut(steps: [.known(way)])
    } else if let patterns = patterns[name] {
      cut = StoredCut(steps: try patterns.map(step))
    } else {
      let names = (Array(scanners.keys) + patterns.keys).sorted().joined(separator: ", ")
      throw TokenizerError("the vocabulary's pre-tokenizer is '\(name.prefix(60))'; known are \(names)")
    }
    (cut.ignoresMerges, cut.addsBeginning) = (wholePieces.contains(name), beginning.contains(name))
    return cut
  }

  private static func step(_ pattern: String) throws -> CutStep {
    if let way = PreTokenizer(patterns: [pattern]) { return .known(way) }
    return .pattern(try PatternMatcher(Array(pattern.utf8)), .isolated, inverted: false)
  }

  // MARK: - Names

  private static func all(_ names: String, _ way: PreTokenizer) -> [String: PreTokenizer] {
    Dictionary(uniqueKeysWithValues: names.split(separator: " ").map { (String($0), way) })
  }

  /// Ways that have a scanner.
  private static let scanners: [String: PreTokenizer] =
    [
      all("gpt-2 gpt2 mpt olmo jais trillion granite-docling phi-2 gigachat a.x-4.0 mellum exaone4", .gpt2),
      all("llama-bpe llama3 llama-v3 falcon3 falcon-h1 pixtral midm-2.0 lfm2 jina-v5-nano", .llama3),
      all("dbrx smaug-bpe smaug chatglm-bpe glm4 glm5", .llama3),
      all("qwen2 deepseek-r1-qwen kormo f2llmv2 stablelm2 hunyuan solar-open megrez grok-2", .qwen2),
      all("gpt-4o llama4 kanana2 talkie minimax-m2", .o200k), all("tekken", .tekken),
      all("deepseek-v3 hunyuan-dense joyai-llm hy_v4", .deepSeekV3),
    ].reduce(into: [:]) { all, some in all.merge(some) { first, _ in first } }

  /// Vocabularies that hold whole words which no merges make.
  private static let wholePieces = Set(
    "llama-bpe llama3 llama-v3 falcon3 falcon-h1 pixtral midm-2.0 lfm2 jina-v5-nano glm4 glm5 tekken youtu minicpm5"
      .split(separator: " ").map(String.init))
  private static let beginning = Set(
    "llama-bpe llama3 llama-v3 falcon3 falcon-h1 pixtral midm-2.0 lfm2 jina-v5-nano tekken".split(separator: " ")
      .map(String.init))

  /// Ways without a scanner: each pattern isolates its matches in what the one before it left.
  private static let patterns: [String: [String]] = {
    var patterns: [String: [String]] = [
      // What files without a name mean, and what those of Falcon do.
      "default": [#"[\p{P}$+<=>^~|]+"#, gpt2, #"\p{N}+"#, "[0-9][0-9][0-9]"],
      "falcon": [#"[\p{P}$+<=>^~|`]+"#, gpt2, "[0-9][0-9][0-9]"],
      "deepseek-llm": [
        "[\r\n]", "\\s?[\(lettersWithCase)]+",
        "\\s?[!-/:-~\u{FF01}-\u{FF0F}\u{FF1A}-\u{FF5E}\u{2018}-\u{201F}\u{3000}-\u{3002}]+", "\\s+$", eastAsian,
        "\\p{N}+",
      ],
      "deepseek-coder": ["[\r\n]", "\\s?\\p{L}+", "\\s?\\p{P}+", eastAsian, "\\p{N}"],
      "qwen35": [
        contractions + #"|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|"# + whitespace
      ],
      "seed-coder": [contractions + #"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}\r\n]+|"# + whitespace],
      "kimi-k2": [#"\p{Han}+|"# + cased("&&[^\\p{Han}]") + #"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|"# + whitespace],
      "youtu": [
        "[\u{AC00}-\u{D7A3}\u{3131}-\u{318E}]+|[！…“”‘’—：；，、\u{3001}-\u{303F}\u{FE30}-\u{FE4F}]+|"
          + "[\u{3105}-\u{312F}]+|[\u{4E00}-\u{9FA5}\u{3040}-\u{309F}\u{30A0}-\u{30FF}]+",
        cased("") + #"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|"# + whitespace,
      ],
    ]
    patterns["minicpm5"] = [#"\p{N}{1,3}"#, words + #"|\p{N}+"# + symbols + "|" + whitespace]
    patterns["jais-2"] = [words + #"|\p{N}{1,3}"# + symbols + #"|\s*[\r\n]+|"# + evenWhitespace]
    patterns["ufakzeka"] = [#"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"# + symbols + "|" + whitespace]
    patterns["spark2_5"] =
      Array(PreTokenizer.deepSeekV3.patterns.dropLast()) + [
        ##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+|"##
          + #" ?[\p{P}\p{S}]+|[\r\n]|\s+(?!\S)|\s+"#, #"\p{N}"#,
      ]
    for name in ["starcoder", "refact", "command-r", "smollm", "codeshell", "exaone", "minerva-7b", "mellum2"] {
      patterns[name] = [#"\p{N}"#, gpt2]
    }
    for name in ["bailingmoe", "bailingmoe2", "llada-moe"] {
      patterns[name] = [
        #"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+"#
      ]
    }
    return patterns
  }()

  // MARK: - Parts of patterns

  private static let gpt2 = PreTokenizer.gpt2.patterns[0]
  private static let contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
  private static let whitespace = #"\s*[\r\n]+|\s+(?!\S)|\s+"#
  private static let words = contractions + #"|[^\r\n\p{L}\p{N}]?\p{L}+"#
  private static let symbols = #"| ?[^\s\p{L}\p{N}]+[\r\n]*"#
  /// Whitespace in runs whose lengths are powers of two.
  private static let evenWhitespace =
    [512, 256, 128, 64, 32, 16, 8, 4].map { #"\s{\#($0)}(?!\S)|"# }.joined() + #"\s{1,2}(?!\S)|\s{1}"#
  private static let eastAsian = "[\u{4E00}-\u{9FA5}\u{0800}-\u{4E00}\u{AC00}-\u{D7FF}]+"

  /// Words that end where their case rises; `but` takes letters out of both sets.
  private static func cased(_ but: String) -> String {
    let (upper, lower) = ("[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}\(but)]", "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}\(but)]")
    let before = #"[^\r\n\p{L}\p{N}]?"#
    return before + upper + "*" + lower + "+" + contractions + "?|" + before + upper + "+" + lower + "*" + contractions
      + "?"
  }

  /// Letters of scripts with two cases, as the first DeepSeek vocabularies list them.
  private static let lettersWithCase =
    "A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-ՖႠ-ჅᎠ-Ᏽᏸ-ᏽᲐ-ᲺᲽ-Ჿᴀ-ᴫᵫ-ᵷᵹ-ᶚḀ-ἕἘ-Ἕἠ-ὅὈ-Ὅὐ-ὗὙὛὝὟ-\u{1F7D}ᾀ-ᾴᾶ-ᾼ"
    + "\u{1FBE}ῂ-ῄῆ-ῌῐ-\u{1FD3}ῖ-\u{1FDB}ῠ-Ῥῲ-ῴῶ-ῼℂℇℊ-ℓℕℙ-ℝℤ\u{2126}ℨ\u{212A}-ℭℯ-ℴℹℼ-ℿⅅ-ⅉⅎↃↄⰀ-ⱻ"
    + "Ȿ-ⳤⳫ-ⳮⳲⳳꙀ-ꙭꚀ-ꚛꜢ-ꝯꝱ-ꞇꞋ-ꞎꭰ-ꮿ"
    + "ﬀ-ﬆﬓ-ﬗＡ-Ｚａ-ｚ𐐀-𐑏𐒰-𐓓𐓘-𐓻𐲀-𐲲𐳀-𐳲𑢠-𑣟𞤀-𞥃"
}
