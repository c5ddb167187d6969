// GGUF files as models: settings, arrangement of tensors, weights, a few tokens written.
import GGUFModels
import LanguageModels

struct GGUFModelParser: FuzzParser {
  let name = "gguf-model"
  let goldens: Goldens
  let parts: FuzzParts

  func seeds() throws -> [FuzzInput] {
    try [
      ("llama", nil), ("llama3rope", nil), ("qwen2", nil), ("qwen3", nil), ("v2", nil), ("v3", nil), ("v3-tied", nil),
      ("v3-yarn", ConversionType.q8_0), ("llama", .q4_K_M),
    ].map { try GGUFSeeds.converted($0, as: $1, goldens) }
  }

  func attempt(_ input: FuzzInput, in directory: String) async throws -> String {
    let model = ModelDirectory("\(directory)/x.gguf")
    try ModelUse.checkSize(model, parts)
    return try await ModelUse.writeTokens(try model.model(parts.registry, on: parts.device), tokenizer: nil)
  }
}

/// Files that the converter makes of the recorded checkpoints.
enum GGUFSeeds {
  static func converted(_ name: String, as type: ConversionType?, _ goldens: Goldens) throws -> FuzzInput {
    let directory = try TemporaryDirectory("gguf-seed")
    try goldens.model(name).write(to: "\(directory.path)/model")
    _ = try ModelConversion.writeGGUF("\(directory.path)/x.gguf", from: "\(directory.path)/model", as: type) { _ in }
    return try FuzzInput(directory: directory.path) { $0 == "x.gguf" ? $0 : nil }
  }
}
