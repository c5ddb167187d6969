// A model on disk in Hugging Face layout: config.json, weights, tokenizer, template. Or one GGUF file, read as if it
// were such a directory.
import Checkpoints
import Foundation
import GGUFModels
import Layers
import Plugins
import Tensors
import Text

/// A directory that holds a model, or a `.gguf` file.
public struct ModelDirectory: Sendable {
  public let path: String
  public init(_ path: String) { self.path = path }

  /// Whether this is one GGUF file.
  public var isGGUF: Bool { path.hasSuffix(".gguf") }

  /// The bytes of config.json. Throws `ModelError` when there is none.
  public func configuration() throws -> [UInt8] {
    if isGGUF { return try GGUFModel(path).configurationJSON }
    guard FileManager.default.fileExists(atPath: path) else {
      throw ModelError("\(path): no such directory; a model is a directory with config.json and *.safetensors")
    }
    guard let data = FileManager.default.contents(atPath: "\(path)/config.json") else {
      throw ModelError("\(path): no config.json; a model's directory has config.json and *.safetensors")
    }
    return [UInt8](data)
  }

  /// The family that reads this model, by its `model_type`.
  public func family(_ registry: Registry) throws -> AnyModelFamily {
    try registry.families.make(ModelType.read(configuration(), from: "\(path)/config.json"))
  }

  /// The model with its weights on `device`. Training needs them in float32.
  public func model(
    _ registry: Registry, on device: Device, weights form: WeightForm = .float32
  ) throws -> any LanguageModel {
    if isGGUF {
      let model = try GGUFModel(path)
      let configuration = model.configurationJSON
      let family = try registry.families.make(ModelType.read(configuration, from: path))
      return try family.build(configuration, Weights(GGUFWeights(model, on: device, form: form)), device)
    }
    let (configuration, family) = (try configuration(), try family(registry))
    let weights = CheckpointWeights(try CheckpointFiles(path), on: device, form: form)
    return try family.build(configuration, Weights(weights), device)
  }

  /// The paths of the files that hold the weights: the parts of a GGUF file, or all *.safetensors.
  public func weightFiles() throws -> [String] {
    if isGGUF { return try GGUFModel(path).partPaths }
    return try FileManager.default.contentsOfDirectory(atPath: path).filter { $0.hasSuffix(".safetensors") }
      .sorted().map { "\(path)/\($0)" }
  }

  /// The tokenizer beside the weights, or in the file; nil where there is none.
  public func tokenizerIfPresent() throws -> TokenizerPipeline? {
    if isGGUF {
      let text = try GGUFTokenizer(contentsOf: path)
      return text.hasVocabulary ? try text.tokenizer() : nil
    }
    return FileManager.default.fileExists(atPath: "\(path)/tokenizer.json") ? try tokenizer() : nil
  }

  /// Bytes of the weights as they are stored, and of those among them that are routed experts.
  public func weightBytes() throws -> (all: Int, experts: Int) {
    let tensors: [(name: String, bytes: Int)]
    if isGGUF {
      tensors = try GGUFModel(path).storedBytes
    } else {
      let files = try CheckpointFiles(path)
      tensors = try files.names.map { ($0, try files.entry(named: $0).byteRange.count) }
    }
    let isExpert = { (name: String) in name.contains("_exps.") || name.contains(".experts.") }
    return tensors.reduce((0, 0)) { ($0.0 + $1.bytes, $0.1 + (isExpert($1.name) ? $1.bytes : 0)) }
  }

  /// The tokenizer beside the weights, or in the file.
  public func tokenizer() throws -> TokenizerPipeline {
    isGGUF ? try GGUFTokenizer(contentsOf: path).tokenizer() : try TokenizerPipeline(contentsOf: path)
  }

  /// The chat template as Jinja text; nil where the model has none, or one of our own.
  public func jinjaTemplate() throws -> JinjaTemplate? {
    isGGUF ? try GGUFTokenizer(contentsOf: path).jinjaTemplate() : try JinjaTemplate(directory: path)
  }

  /// The chat template beside the weights, or in the file: fathom_template.json, or the Jinja text that released models
  /// have; DeepSeek's own where there is none.
  public func template() throws -> any ChatTemplate {
    if isGGUF { return try GGUFTokenizer(contentsOf: path).template() ?? DeepSeekTemplate(opensThinking: true) }
    if FileManager.default.fileExists(atPath: "\(path)/\(TemplateFile.name)") {
      return try TemplateFile(contentsOf: path).template
    }
    return try JinjaTemplate(directory: path) ?? DeepSeekTemplate(opensThinking: true)
  }

  /// Writes a model with its tokenizer's files into a fresh directory that somebody else publishes.
  public static func write(_ model: some LanguageModel, textFiles: TextFiles, into directory: String) throws {
    try DurableFile.write(model.configuration, to: "\(directory)/config.json")
    try SafetensorsWriter().write(model.tensorsToStore, in: directory)
    try textFiles.write(into: directory)
  }
}

/// The tokenizer's files as they are, so that a checkpoint carries exactly those that it was trained with.
public struct TextFiles: Sendable {
  static let names =
    ["tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", TemplateFile.name] + JinjaTemplate.fileNames
  private let files: [(name: String, bytes: [UInt8])]

  /// Reads those that `directory` has.
  public init(from directory: String) {
    files = Self.names.compactMap { name in
      FileManager.default.contents(atPath: "\(directory)/\(name)").map { (name, [UInt8]($0)) }
    }
  }
  /// Writes them into an existing directory.
  public func write(into directory: String) throws {
    for file in files { try DurableFile.write(file.bytes, to: "\(directory)/\(file.name)") }
  }
}
