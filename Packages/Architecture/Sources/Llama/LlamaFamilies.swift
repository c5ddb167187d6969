// The dense families, as one plugin.
import LanguageModels
import Layers
import Plugins
import Tensors

/// `llama` (DeepSeek LLM, R1's Llama distills), `qwen2` (R1's Qwen distills), `qwen3` and `mistral`.
public enum LlamaFamily: ModelFamily {
  public static let modelTypes = ["llama", "mistral", "qwen2", "qwen3"]
  public static func build(_ configuration: [UInt8], from weights: Weights, on device: Device) throws
    -> any LanguageModel
  {
    try LlamaModel(configuration, from: weights, on: device)
  }
  public static func describe(_ configuration: [UInt8]) throws -> ModelDescription {
    try LlamaSettings(configuration).description
  }
}

/// Registers the dense families.
public struct LlamaFamilies: Plugin {
  public let name = "llama-families"
  public init() {}
  public func register(in registry: inout Registry) throws { try registry.families.add(LlamaFamily.self) }
}
