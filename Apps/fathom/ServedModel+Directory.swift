// A model on disk as the server offers it: engine, tokenizer, template and a name for exactly these weights.
import Checkpoints
import Foundation
import HTTPServing
import Inference
import LanguageModels
import Layers
import Tensors
import Text

extension ServedModel {
  /// Loads `directory` as its files suggest.
  init(_ directory: ModelDirectory, parts: Parts) throws {
    try self.init(directory, directory.model(parts.registry, on: parts.device, weights: .stored))
  }

  /// Offers the model of `directory`. The name is the directory's unless one is given.
  init(_ directory: ModelDirectory, named name: String? = nil, _ model: any LanguageModel) throws {
    let tokenizer = try directory.tokenizer()
    try self.init(
      InferenceEngine(model, tokenizer: tokenizer, settings: ServedModel.engineSettings(for: model)),
      tokenizer: tokenizer, contextLength: model.contextLength, from: directory, named: name)
  }

  /// Offers a generator that runs already; tokenizer, template and identity are those of `directory`.
  init(
    _ generator: any Generator, tokenizer: any Tokenizer, contextLength: Int, from directory: ModelDirectory,
    named name: String? = nil
  ) throws {
    let template = try directory.template()
    let (fingerprint, created) = try ServedModel.identity(of: directory)
    self.init(
      id: name ?? ServedModel.name(of: directory), tokenizer: tokenizer, template: template, generator: generator,
      contextLength: contextLength, systemFingerprint: "fp_\(fingerprint.prefix(12))",
      unwrapsAnswer: template is PlainTemplate, created: created)
  }

  /// The file's name without its ending, the directory's name, or that of the stage for the `final` that every stage of training makes.
  private static func name(of directory: ModelDirectory) -> String {
    let place = URL(fileURLWithPath: directory.path).standardizedFileURL
    if directory.isGGUF { return place.deletingPathExtension().lastPathComponent }
    let name = place.lastPathComponent
    return name == "final" ? place.deletingLastPathComponent().lastPathComponent : name
  }

  /// As many slots as fit a modest memory: all slots together hold at most 256 thousand positions.
  private static func engineSettings(for model: any LanguageModel) -> EngineSettings {
    var settings = EngineSettings()
    settings.capacity = min(model.contextLength, 32_768)
    settings.slots = min(32, max(1, 262_144 / (settings.capacity ?? model.contextLength)))
    return settings
  }

  /// The configuration with the names, sizes and times of the weight files, and when the newest of them was written.
  /// Reading all weights again only to name them would double the time to start.
  private static func identity(of directory: ModelDirectory) throws -> (fingerprint: String, created: Int) {
    var text = String(decoding: try directory.configuration(), as: UTF8.self)
    var newest = 0
    for path in try directory.weightFiles() {
      let name = URL(fileURLWithPath: path).lastPathComponent
      let facts = try FileManager.default.attributesOfItem(atPath: path)
      let written = (facts[.modificationDate] as? Date)?.timeIntervalSince1970 ?? 0
      text += "\n\(name) \(facts[.size] as? Int ?? 0) \(written)"
      newest = max(newest, Int(written))
    }
    return (Fingerprint.sha256(text), newest)
  }
}
