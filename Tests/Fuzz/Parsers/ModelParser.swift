// Whole directories of models: settings, weights and tokenizer that need not fit each other.
import LanguageModels

struct ModelParser: FuzzParser {
  let name = "model"
  let goldens: Goldens
  let parts: FuzzParts

  func seeds() throws -> [FuzzInput] {
    let models = try goldens.checkpoints().map { try goldens.model($0) }
    let foreign = try goldens.bytes("tokenizer/deepSeekV3.json")
    return models + [try changed("v3", "tokenizer.json", foreign)]
      + [
        try replaced("v3", "\"tie_word_embeddings\": false", "\"tie_word_embeddings\": true"),
        try replaced("v3-tied", "\"tie_word_embeddings\": true", "\"tie_word_embeddings\": false"),
        try replaced("llama", "\"vocab_size\": 64", "\"vocab_size\": 32"),
      ]
  }

  private func changed(_ name: String, _ file: String, _ bytes: [UInt8]) throws -> FuzzInput {
    var input = try goldens.model(name)
    for index in input.files.indices where input.files[index].name == file { input.files[index].bytes = bytes }
    return input
  }

  private func replaced(_ name: String, _ before: String, _ after: String) throws -> FuzzInput {
    let text = String(decoding: try goldens.bytes("parity/\(name)/config.json"), as: UTF8.self)
    return try changed(name, "config.json", Array(text.replacing(before, with: after).utf8))
  }

  func attempt(_ input: FuzzInput, in directory: String) async throws -> String {
    let model = ModelDirectory(directory)
    try ModelUse.checkSize(model, parts)
    let weights = try model.model(parts.registry, on: parts.device)
    let tokenizer = try model.tokenizer()
    _ = try model.template()
    return try await ModelUse.writeTokens(weights, tokenizer: tokenizer)
  }
}
