// Tokenizers and templates of GGUF files: tokens of llama.cpp, and what a converted model takes along.
import Checkpoints
import Foundation
import GGUF
import Jinja
import LanguageModels
import Testing
import Text

@testable import GGUFModels

/// What llama.cpp recorded; see Goldens/tokenizers/generate_llama.py.
private struct LlamaGoldens: Decodable {
  struct Kind: Decodable {
    let ids: [[Int32]]
    /// The first text with the markers that the file wants around it.
    let marked: [Int32]
  }
  let texts: [String]
  let kinds: [String: Kind]
  /// Ids by the patterns that names stand for, where llama.cpp cuts otherwise; markers are read as text.
  let published: [String: [[Int32]]]

  static let names = [
    "bailingmoe", "deepseek-coder", "deepseek-llm", "deepseek-r1-qwen", "deepseek-v3", "default", "falcon", "gpt-2",
    "llama", "llama-bpe", "llama-no-prefix", "qwen2", "qwen35", "seed-coder", "smaug-bpe", "starcoder",
  ]
  static func path(_ file: String) -> String {
    URL(fileURLWithPath: PublishedGoldens.path("cases")).deletingLastPathComponent()
      .appendingPathComponent("llama/\(file)").path
  }
  /// The vocabulary of a kind. Those that differ in the way to cut only share a file, in which the name is written.
  static func file(of name: String, in scratch: String) throws -> String {
    if FileManager.default.fileExists(atPath: path("\(name).gguf")) { return path("\(name).gguf") }
    let shared = try GGUFFile(path("bytes.gguf"))
    let metadata = try shared.keys.map { key in
      (key: key, value: key == "tokenizer.ggml.pre" ? .string(name) : try #require(shared.metadata[key]))
    }
    try GGUFWriter(metadata: metadata).write([], to: "\(scratch)/\(name).gguf")
    return "\(scratch)/\(name).gguf"
  }
  static func load() throws -> LlamaGoldens {
    try JSONDecoder().decode(Self.self, from: Data(contentsOf: URL(fileURLWithPath: path("cases.json"))))
  }
}

@Suite struct GGUFTokenizerTests {
  @Test(arguments: LlamaGoldens.names)
  func tokensAreThoseOfLlamaCpp(_ name: String) throws {
    let goldens = try LlamaGoldens.load()
    #expect(goldens.kinds.keys.sorted() == LlamaGoldens.names && goldens.texts.count == 60)
    let kind = try #require(goldens.kinds[name])
    let scratch = try ModelScratch()
    let tokenizer = try ModelDirectory(LlamaGoldens.file(of: name, in: scratch.path)).tokenizer()
    for (text, ids) in zip(goldens.texts, kind.ids) {
      let tokens = tokenizer.encode(text, recognizingSpecialTokens: true)
      #expect(tokens.map(\.rawValue) == ids, "\(text.debugDescription)")
    }
    let first = tokenizer.encode(goldens.texts[0], recognizingSpecialTokens: true)
    #expect((tokenizer.markers.before + first + tokenizer.markers.after).map(\.rawValue) == kind.marked)
    #expect(tokenizer.endOfSequence == tokenizer.token(named: "</s>"))
  }

  @Test(arguments: ["gpt-4o", "tekken", "kimi-k2", "youtu"])
  func tokensAreThoseOfThePublishedPattern(_ name: String) throws {
    let (goldens, scratch) = (try LlamaGoldens.load(), try ModelScratch())
    let expected = try #require(goldens.published[name])
    let tokenizer = try ModelDirectory(LlamaGoldens.file(of: name, in: scratch.path)).tokenizer()
    // These texts do not tell gpt-4o from kimi-k2, which cuts before and behind Han.
    #expect(expected.count == goldens.texts.count && Set(goldens.published.values).count == 3)
    for (text, ids) in zip(goldens.texts, expected) {
      let tokens = tokenizer.encode(text, recognizingSpecialTokens: false)
      #expect(tokens.map(\.rawValue) == ids, "\(text.debugDescription)")
    }
  }

  @Test func waysToCutShowInTheTokens() throws {
    let kinds = try LlamaGoldens.load().kinds
    let ways = Set(["gpt-2", "llama-bpe", "qwen2", "deepseek-llm", "deepseek-coder", "deepseek-v3", "default"])
    #expect(Set(ways.compactMap { kinds[$0]?.ids }).count == ways.count)
  }

  /// A file with these keys and no tensor.
  private func file(
    _ scratch: ModelScratch, _ keys: [(String, GGUFValue)], without missing: String? = nil
  ) throws -> GGUFTokenizer {
    let standard: [(String, GGUFValue)] = [
      ("tokenizer.ggml.model", .string("gpt2")), ("tokenizer.ggml.pre", .string("gpt-2")),
      ("tokenizer.ggml.tokens", .array(GGUFArray(["a", "b", "ab", "<end>"]))),
      ("tokenizer.ggml.token_type", .array(GGUFArray([Int32(1), 1, 1, 3]))),
      ("tokenizer.ggml.merges", .array(GGUFArray(["a b"]))), ("tokenizer.ggml.eos_token_id", .uint32(3)),
    ]
    let all = standard.filter { old in !keys.contains { $0.0 == old.0 } && old.0 != missing } + keys
    let path = "\(scratch.path)/\(UUID().uuidString).gguf"
    try GGUFWriter(metadata: all.map { (key: $0.0, value: $0.1) }).write([], to: path)
    return try GGUFTokenizer(contentsOf: path)
  }

  @Test func theArraysAndTheTemplateOfAFileAreRead() throws {
    let scratch = try ModelScratch()
    let plain = try file(scratch, [])
    #expect(try plain.tokenizer().encode("aab<end>", recognizingSpecialTokens: true) == [0, 2, 3].map { TokenID($0) })
    #expect(try plain.template() == nil && plain.hasVocabulary)
    #expect(try ModelDirectory(plain.file.path).template() is DeepSeekTemplate)
    let templated = try file(
      scratch,
      [
        ("tokenizer.chat_template", .string("{{ messages[0].content }}{{ eos_token }}")),
        ("tokenizer.chat_template.tool_use", .string("{{ tools | length }}")),
      ])
    let template = try #require(try templated.template())
    let tokenizer = try templated.tokenizer()
    let tokens = try template.render([ChatMessage(.user, "ab<end>")], with: tokenizer)
    // The message's own `<end>` is spelled with tokens that this vocabulary does not have.
    #expect(tokens == [TokenID(2), TokenID(3)])
    let jinja = try #require(try templated.jinjaTemplate())
    #expect(try jinja.text([["role": "user", "content": "x"]], tools: ["a", "b"]).text == "2")
  }

  @Test func anEmbeddedFileComesFirst() throws {
    let scratch = try ModelScratch()
    let json = try String(contentsOfFile: PublishedGoldens.path("llama3"), encoding: .utf8)
    let both = try file(
      scratch, [("tokenizer.huggingface.json", .string(json))], without: "tokenizer.ggml.eos_token_id")
    let published = try PublishedGoldens.tokenizer("llama3")
    #expect(try both.tokenizer().vocabularySize == published.vocabularySize)
    #expect(
      try both.tokenizer().encode("The knight", recognizingSpecialTokens: true)
        == published.encode("The knight", recognizingSpecialTokens: true))
  }

  @Test func whatCannotBeUsedIsOneSentence() throws {
    let scratch = try ModelScratch()
    func sentence(_ keys: [(String, GGUFValue)], without missing: String? = nil) throws -> String {
      let file = try file(scratch, keys, without: missing)
      let error = #expect(throws: (any Error).self) {
        _ = try file.tokenizer()
        _ = try file.template()
      }
      return error.map { "\($0)" } ?? ""
    }
    let unknown = try sentence([("tokenizer.ggml.pre", .string("klingon"))])
    #expect(unknown.contains("'klingon'; known are") && unknown.contains("deepseek-v3, default, exaone"))
    #expect(try sentence([], without: "tokenizer.ggml.tokens").contains("no key 'tokenizer.ggml.tokens'"))
    #expect(try sentence([], without: "tokenizer.ggml.model").contains("no key 'tokenizer.ggml.model'"))
    #expect(try sentence([("tokenizer.ggml.tokens", .uint32(3))]).contains("a list of texts was expected"))
    #expect(try sentence([("tokenizer.ggml.token_type", .array(GGUFArray([Int32(9), 1, 1, 1])))]).contains("type 9"))
    #expect(try sentence([("tokenizer.ggml.eos_token_id", .uint32(4))]).contains("end-of-sequence token is 4"))
    #expect(try sentence([("tokenizer.ggml.merges", .array(GGUFArray(["a c"])))]).contains("'c'"))
    #expect(try sentence([("tokenizer.ggml.model", .string("rwkv"))]).contains("known are gpt2 and llama"))
    #expect(try sentence([("tokenizer.huggingface.json", .string("{"))]).contains("tokenizer.huggingface.json"))
    let broken = try sentence([("tokenizer.chat_template", .string("{% if %}"))])
    #expect(broken.contains("tokenizer.chat_template") && broken.contains("line 1"))
    #expect(throws: (any Error).self) { try ModelDirectory("\(scratch.path)/none.gguf").tokenizer() }
  }

  @Test func aModelTrainedHereTakesItsTemplateAlong() throws {
    let scratch = try ModelScratch()
    let tiny = try #require(TinyCheckpoint.named("llama"))
    let (source, target) = (scratch.path + "/a", scratch.path + "/a.gguf")
    try tiny.write(to: source)
    try TemplateFile.plain(PlainTemplate(text: "Q: {question} A:", opensThinking: true)).write(to: source)
    _ = try ModelConversion.writeGGUF(target, from: source, as: nil) { _ in }
    // Without a tokenizer there is nothing to write a template for.
    #expect(
      try ModelDirectory(target).template() is DeepSeekTemplate && ModelDirectory(target).tokenizerIfPresent() == nil)
    // The tiny model's vocabulary is smaller than this tokenizer's, so that the keys are made by themselves.
    try FileManager.default.copyItem(atPath: PublishedGoldens.path("deepseek-v3"), toPath: "\(source)/tokenizer.json")
    let keys = try #require(try TokenizerKeys(source, vocabularySize: nil))
    try GGUFWriter(metadata: keys.metadata).write([], to: scratch.path + "/keys.gguf")
    let taken = ModelDirectory(scratch.path + "/keys.gguf")
    let template = try #require(try taken.template() as? PlainTemplate)
    #expect(template.text == "Q: {question} A:" && template.opensThinking)
    #expect(try taken.jinjaTemplate() == nil)
    let (own, file) = (try ModelDirectory(source).tokenizer(), try taken.tokenizer())
    for text in try PublishedGoldens.load().texts {
      #expect(
        own.encode(text, recognizingSpecialTokens: true) == file.encode(text, recognizingSpecialTokens: true))
    }
  }
}
