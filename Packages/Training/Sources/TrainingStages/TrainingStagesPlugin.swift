// The stages of this module, as parts that recipes can name.
import Datasets
import Plugins
import ProcessGraph

/// Registers `corpus`, `pretrain`, `grpo` and `evaluate`, and documents from text files.
public struct TrainingStagesPlugin: Plugin {
  public let name = "training-stages"
  public init() {}
  public func register(in registry: inout Registry) throws {
    try registry.stages.add("corpus", configuredBy: CorpusSettings.self) { try PrepareCorpus($0) }
    try registry.stages.add("pretrain", configuredBy: PretrainSettings.self) { try Pretrain($0) }
    try registry.stages.add("grpo", configuredBy: GRPOSettings.self) { try GRPO($0) }
    try registry.stages.add("evaluate", configuredBy: EvaluateSettings.self) { try Evaluate($0) }
    try registry.documents.add("text-files", configuredBy: TextFileSettings.self) { try TextFileDocuments($0) }
  }
}
