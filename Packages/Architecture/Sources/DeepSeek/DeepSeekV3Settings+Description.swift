// What a configuration amounts to, counted from the shapes.
import LanguageModels
import Llama

extension DeepSeekV3Settings {
  /// The prediction module is left out, as the papers do.
  public var description: ModelDescription {
    let expert = 3 * hiddenSize * expertIntermediateSize
    let gate = routedExperts * hiddenSize + (hasChoiceBias ? routedExperts : 0)
    let dense = min(leadingDenseLayers, layers)
    let norms = 2 * hiddenSize
    let shared =
      layers * (attentionParameters + norms) + dense * 3 * hiddenSize * intermediateSize + hiddenSize
    let table = vocabularySize * hiddenSize
    func total(experts: Int) -> Int {
      shared + table * (isHeadTied ? 1 : 2) + (layers - dense) * (gate + (experts + sharedExperts) * expert)
    }
    let active = total(experts: expertsPerToken)
    return ModelDescription(
      modelType: modelType, parameters: total(experts: routedExperts), activeParameters: active,
      memoryBytesPerToken: layers * memoryWidth * 2,
      // A tied table is the head's, and what is looked up in it costs nothing.
      flopsPerToken: 2 * (active - (isHeadTied ? 0 : table)), layers: layers, hiddenSize: hiddenSize,
      vocabularySize: vocabularySize, contextLength: contextLength)
  }

  /// Numbers that one layer remembers of a token: the latent with the rotated key, and the indexer's key beside them.
  private var memoryWidth: Int {
    groupedQuery?.memoryWidth ?? latentRank + rotaryWidth + (indexer?.width ?? 0)
  }

  private var attentionParameters: Int {
    if let groupedQuery { return groupedQuery.parameterCount }
    let queries = queryRank.map { hiddenSize * $0 + $0 + $0 * heads * keyWidth } ?? hiddenSize * heads * keyWidth
    let biases = hasAttentionBias ? (queryRank ?? 0) + latentRank + rotaryWidth + hiddenSize : 0
    return queries + hiddenSize * (latentRank + rotaryWidth) + latentRank
      + latentRank * heads * (noPositionWidth + valueWidth) + heads * valueWidth * hiddenSize + biases
      + indexerParameters
  }

  private var indexerParameters: Int {
    guard let indexer, let queryRank else { return 0 }
    return queryRank * indexer.heads * indexer.width + hiddenSize * (indexer.width + indexer.heads) + 2 * indexer.width
  }
}
