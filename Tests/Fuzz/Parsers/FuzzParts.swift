// What several parsers need: the recorded files of the tests, every part that recipes can name, and a device.
import CPUBackend
import DeepSeek
import Foundation
import Inference
import LanguageModels
import Llama
import LogicPuzzles
import Plugins
import Tensors
import TrainingStages
import Verifiers

/// The parts that an app lists, and a device of one thread.
struct FuzzParts: Sendable {
  let registry: Registry
  let device = Device(CPUBackend(threads: 1))

  init() throws {
    registry = try Registry([
      LanguageModelParts(), DeepSeekFamilies(), LlamaFamilies(), InferencePlugin(), StandardRewards(), LogicPuzzles(),
      TrainingStagesPlugin(),
    ])
  }
}

/// The directory Tests/Goldens.
struct Goldens: Sendable {
  let directory: String
  init(_ directory: String) { self.directory = directory }

  func bytes(_ path: String) throws -> [UInt8] {
    guard let data = FileManager.default.contents(atPath: "\(directory)/\(path)") else {
      throw FuzzError(
        "\(directory)/\(path): cannot be read; run from the root of the checkout, or name it by --goldens")
    }
    return [UInt8](data)
  }

  /// The files of a folder with this ending, in alphabetical order.
  func names(in folder: String, ending: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: "\(directory)/\(folder)").filter { $0.hasSuffix(ending) }
      .sorted()
  }

  /// The checkpoints of all families, small enough for thousands of attempts.
  func checkpoints() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: "\(directory)/parity").sorted()
  }

  /// config.json and weights of a checkpoint, with a tokenizer that fits its vocabulary of 64.
  func model(_ name: String) throws -> FuzzInput {
    var input = try FuzzInput(directory: "\(directory)/parity/\(name)") { $0 == "reference.json" ? nil : $0 }
    input.files.append(.init("tokenizer.json", SmallTokenizer.json))
    input.files.append(.init("tokenizer_config.json", SmallTokenizer.configuration))
    return input
  }
}

/// A byte-level tokenizer of 64 tokens.
enum SmallTokenizer {
  static let json: String = {
    let letters =
      (0..<26).map { String(UnicodeScalar(UInt8(97 + $0))) } + (0..<26).map { String(UnicodeScalar(UInt8(65 + $0))) }
    let tokens = letters + ["Ġ", "Ċ", "<", ">", ".", "ab", "abc", "Ġa", "/"]
    let vocabulary = tokens.enumerated().map { "\"\($1)\": \($0 + 2)" }.joined(separator: ", ")
    return """
      {"version": "1.0", "added_tokens": [{"id": 0, "content": "<s>", "special": true}, {"id": 1, "content": "</s>", \
      "special": true}], "normalizer": null, "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, \
      "trim_offsets": true, "use_regex": true}, "post_processor": null, "decoder": {"type": "ByteLevel", \
      "add_prefix_space": true, "trim_offsets": true, "use_regex": true}, "model": {"type": "BPE", "dropout": null, \
      "unk_token": null, "continuing_subword_prefix": null, "end_of_word_suffix": null, "fuse_unk": false, \
      "byte_fallback": false, "ignore_merges": false, "vocab": {"<s>": 0, "</s>": 1, \(vocabulary)}, \
      "merges": ["a b", "ab c", "Ġ a"]}}
      """
  }()

  static let configuration = """
    {"bos_token": "<s>", "eos_token": {"content": "</s>"}, "chat_template": "{{ bos_token }}{% for m in messages %}\
    {{ m.role }} {{ m.content }}{% endfor %}"}
    """
}
