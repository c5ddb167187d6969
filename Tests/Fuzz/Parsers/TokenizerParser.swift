// tokenizer.json of every kind, with its tokenizer_config.json: loading, encoding, decoding, streaming.
import Text

struct TokenizerParser: FuzzParser {
  let name = "tokenizer"
  let goldens: Goldens

  func seeds() throws -> [FuzzInput] {
    let skipped: Set<String> = ["cases.json", "behaviours.json", "sets.json"]
    let published = try goldens.names(in: "tokenizers", ending: ".json").filter { !skipped.contains($0) }.map {
      try goldens.bytes("tokenizers/\($0)")
    }
    let own = try ["deepSeekV3", "gpt2", "whitespace"].map { try goldens.bytes("tokenizer/\($0).json") }
    return (published + own).map { FuzzInput([.init("tokenizer.json", $0), .init("tokenizer_config.json", "{}")]) }
      + [
        FuzzInput([
          .init("tokenizer.json", SmallTokenizer.json), .init("tokenizer_config.json", SmallTokenizer.configuration),
          .init("special_tokens_map.json", #"{"eos_token": "</s>", "pad_token": {"content": "<s>"}}"#),
        ])
      ]
      + Self.templates.map {
        FuzzInput([.init("tokenizer.json", SmallTokenizer.json), .init($0.0, $0.1)])
      } + TokenizerAttacks.all.map { FuzzInput("tokenizer.json", $0) }
  }

  private static let templates = [
    ("chat_template.json", #"{"chat_template": "{{ messages[0].content }}"}"#),
    (
      "chat_template.json",
      #"{"chat_template": [{"name": "default", "template": "x"}, {"name": "tool_use", "template": "y"}]}"#
    ),
    (
      "tokenizer_config.json",
      #"{"chat_template": [{"name": "default", "template": "{{ eos_token }}"}], "eos_token": "</s>"}"#
    ),
    ("fathom_template.json", #"{"kind": "plain", "text": "Q: {question} A: <think>", "opens_thinking": true}"#),
    ("fathom_template.json", #"{"kind": "deepseek", "opens_thinking": false}"#),
    ("fathom_template.json", #"{"kind": "a\nb\u0000"}"#), ("fathom_template.json", #"{"kind": "plain", "text": ""}"#),
  ]

  func attempt(_ input: FuzzInput, in directory: String) async throws -> String {
    // The two readers differ in what they take; both must refuse with a sentence.
    do {
      TokenizerUse.exercise(try BytePairEncoding(contentsOf: directory))
    } catch let error as TokenizerError {
      try SentenceRule.check(error)
    }
    let pipeline = try TokenizerPipeline(contentsOf: directory)
    TokenizerUse.exercise(pipeline)
    if !input["fathom_template.json"].isEmpty {
      let template = try TemplateFile(contentsOf: directory).template
      _ = try template.render([ChatMessage(.user, "Hello")], with: pipeline)
      return "with a template of our own"
    }
    guard let template = try JinjaTemplate(directory: directory) else { return "no template" }
    do {
      _ = try template.render([ChatMessage(.user, "Hello"), ChatMessage(.assistant, "a")], with: pipeline)
    } catch let error as ChatTemplateError {
      try SentenceRule.check(error)
    }
    return "with template"
  }
}

/// What is done with a tokenizer that loads.
enum TokenizerUse {
  static let texts = [
    "", " ", "Hello, world! 123456 don't", "  two  spaces\n\n\ttab\r\n", "ÉÀ e\u{301}ﬁ ß İ 你好，世界 👩‍👩‍👧 \u{0}\u{1}\u{7F}",
    "<s></s><pad><|bos|><think>x</think> <0x41> ▁▁ ## Ġ", String(repeating: "a", count: 3000),
    String(repeating: "ab", count: 800) + "!", String(repeating: " ", count: 900), "x\u{FFFD}\u{10FFFF}\u{202E}y",
  ]

  static func exercise(_ tokenizer: some Tokenizer) {
    for (index, text) in texts.enumerated() {
      let tokens = tokenizer.encode(text, recognizingSpecialTokens: index % 2 == 0)
      _ = tokenizer.decode(tokens, skippingSpecialTokens: index % 3 == 0)
    }
    let edges = [
      0, 1, 2, 255, 256, tokenizer.vocabularySize - 1, tokenizer.vocabularySize, Int(Int32.max), -1, Int(Int32.min),
    ]
    var stream = IncrementalDetokenizer(tokenizer)
    for id in edges where Int32(exactly: id) != nil {
      _ = (tokenizer.bytes(of: TokenID(id)), tokenizer.isSpecial(TokenID(id)), stream.push(TokenID(id)))
    }
    _ = (stream.finish(), tokenizer.token(named: "<s>"), tokenizer.token(named: ""))
  }
}
