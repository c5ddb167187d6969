// The families that this module brings, as one plugin.
import LanguageModels
import Layers
import Plugins
import Tensors

/// `deepseek_v3`: V3, R1, R1-Zero and their miniatures.
public enum DeepSeekV3Family: ModelFamily {
  public static let modelTypes = ["deepseek_v3"]
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

extension DeepSeekV3Settings {
  /// Counted from the shapes, the prediction module left out as the papers do.
  public var description: ModelDescription {
    let queries = queryRank.map { hiddenSize * $0 + $0 + $0 * heads * keyWidth } ?? hiddenSize * heads * keyWidth
    let attention =
      queries + hiddenSize * (latentRank + rotaryWidth) + latentRank
      + latentRank * heads * (noPositionWidth + valueWidth) + heads * valueWidth * hiddenSize
    let expert = 3 * hiddenSize * expertIntermediateSize
    let gate = routedExperts * hiddenSize + routedExperts
    let dense = min(leadingDenseLayers, layers)
    let norms = 2 * hiddenSize
    let shared = layers * (attention + norms) + dense * 3 * hiddenSize * intermediateSize + hiddenSize
    let tables = vocabularySize * hiddenSize * (isHeadTied ? 1 : 2)
    func total(experts: Int) -> Int { shared + tables + (layers - dense) * (gate + (experts + sharedExperts) * expert) }
    let active = total(experts: expertsPerToken)
    return ModelDescription(
      modelType: "deepseek_v3", parameters: total(experts: routedExperts), activeParameters: active,
      memoryBytesPerToken: layers * (latentRank + rotaryWidth) * 2,
      flopsPerToken: 2 * (active - vocabularySize * hiddenSize), layers: layers, hiddenSize: hiddenSize,
      vocabularySize: vocabularySize, contextLength: contextLength)
  }
}
