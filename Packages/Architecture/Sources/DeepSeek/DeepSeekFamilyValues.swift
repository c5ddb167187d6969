// How the members of the family differ, where their configurations leave it unsaid or name it by a word.
import LanguageModels

/// What turns the product of a token and the gate into a score: the names of `scoring_func`.
public enum ExpertScoring: String, Sendable, CaseIterable {
  /// Over all experts, so that scores sum to 1 (DeepSeekMoE, V2).
  case softmax
  /// Each expert on its own (V3).
  case sigmoid
}

/// Which experts a token goes to, by their scores: the names of `topk_method`.
public enum ExpertChoice: String, Sendable, CaseIterable {
  /// The largest scores.
  case greedy
  /// The largest of the best groups; a group is as good as its best expert (V2).
  case groupLimited = "group_limited_greedy"
  /// The largest with a bias that balances the load, of the best groups; a group is as good as its two best together
  /// (V3).
  case biased = "noaux_tc"
}

/// The lightning indexer of V3.2, which chooses the keys that each query sees.
public struct IndexerSettings: Sendable, Equatable, Decodable {
  /// `index_n_heads`.
  public var heads: Int
  /// `index_head_dim`: the width of each head's query and of the one key; its first part is rotated.
  public var width: Int
  /// `index_topk`: keys that a query sees at most.
  public var mostKeys: Int
  enum CodingKeys: String, CodingKey {
    case heads = "index_n_heads"
    case width = "index_head_dim"
    case mostKeys = "index_topk"
  }
}

/// What a `model_type` stands for where no key says it.
struct FamilyDefaults {
  let hasLatentAttention: Bool
  let hasIndexer: Bool
  let scoring: ExpertScoring
  let choice: ExpertChoice
  let normalizesChosenWeights: Bool
  let scalesNormalizedWeights: Bool
  let leadingDenseLayers: Int

  static let modelTypes = ["deepseek", "deepseek_v2", "deepseek_v3", "deepseek_v32"]

  init(_ modelType: String) throws {
    guard Self.modelTypes.contains(modelType) else {
      throw ModelError(
        "config.json: 'model_type' is \(modelType); this family reads \(Self.modelTypes.joined(separator: ", "))")
    }
    hasLatentAttention = modelType != "deepseek"
    hasIndexer = modelType == "deepseek_v32"
    let isRecent = modelType == "deepseek_v3" || modelType == "deepseek_v32"
    (scoring, choice) = isRecent ? (.sigmoid, .biased) : (.softmax, .greedy)
    (normalizesChosenWeights, scalesNormalizedWeights) = (isRecent, isRecent)
    leadingDenseLayers = hasIndexer ? 3 : 0
  }
}

extension ConfigurationRules {
  /// A word of a closed list.
  func choice<Word: RawRepresentable & CaseIterable>(_ key: String, _ found: String?, _ otherwise: Word) throws -> Word
  where Word.RawValue == String {
    guard let found else { return otherwise }
    guard let word = Word(rawValue: found) else {
      let known = Word.allCases.map(\.rawValue).joined(separator: " or ")
      throw ModelError("config.json: '\(key)' is \(found); it must be \(known)")
    }
    return word
  }
}
