// The families that this module brings, as one plugin.
import LanguageModels
import Layers
import Plugins
import Tensors

/// `deepseek_v3` (V3, R1, R1-Zero and their miniatures), and the members before and after it: `deepseek` (DeepSeekMoE),
/// `deepseek_v2` (V2, V2-Lite, V2.5) and `deepseek_v32` (V3.2).
public enum DeepSeekV3Family: ModelFamily {
  public static let modelTypes = FamilyDefaults.modelTypes
  public static func build(_ configuration: [UInt8], from weights: Weights, on device: Device) throws
    -> any LanguageModel
  {
    try DeepSeekV3Model(configuration, from: weights, on: device)
  }
  public static func describe(_ configuration: [UInt8]) throws -> ModelDescription {
    try DeepSeekV3Settings(configuration).description
  }
}

/// Registers the DeepSeek families.
public struct DeepSeekFamilies: Plugin {
  public let name = "deepseek-families"
  public init() {}
  public func register(in registry: inout Registry) throws { try registry.families.add(DeepSeekV3Family.self) }
}
