// Families of models, found by the `model_type` of a published config.json.
import Foundation
import Layers
import Plugins
import Recipes
import Sentences
import Tensors

/// Reads a published `config.json` unmodified and builds its model from named weights.
public protocol ModelFamily: Sendable {
  /// The `model_type` values it reads.
  static var modelTypes: [String] { get }
  /// Throws `ModelError` when the configuration cannot be a model of this family.
  static func build(_ configuration: [UInt8], from weights: Weights, on device: Device) throws -> any LanguageModel
  /// Parameters, cache and arithmetic of a configuration, without building it.
  static func describe(_ configuration: [UInt8]) throws -> ModelDescription
}

/// A family with its type hidden behind closures.
public struct AnyModelFamily: Sendable {
  public let build: @Sendable ([UInt8], Weights, Device) throws -> any LanguageModel
  public let describe: @Sendable ([UInt8]) throws -> ModelDescription
  public init<Family: ModelFamily>(_: Family.Type) {
    build = { try Family.build($0, from: $1, on: $2) }
    describe = { try Family.describe($0) }
  }
}

/// What a configuration amounts to.
public struct ModelDescription: Sendable, Codable {
  public var modelType: String
  /// All that are stored, a prediction module left out.
  public var parameters: Int
  /// Parameters that one token uses, embedding and head included.
  public var activeParameters: Int
  /// Bytes that the attention memory keeps per token in bfloat16, over all layers.
  public var memoryBytesPerToken: Int
  /// Floating-point operations of one forward token, attention over the context left out.
  public var flopsPerToken: Int
  public var layers: Int
  public var hiddenSize: Int
  public var vocabularySize: Int
  public var contextLength: Int
  public init(
    modelType: String, parameters: Int, activeParameters: Int, memoryBytesPerToken: Int, flopsPerToken: Int,
    layers: Int, hiddenSize: Int, vocabularySize: Int, contextLength: Int
  ) {
    (self.modelType, self.parameters, self.activeParameters) = (modelType, parameters, activeParameters)
    (self.memoryBytesPerToken, self.flopsPerToken, self.layers) = (memoryBytesPerToken, flopsPerToken, layers)
    (self.hiddenSize, self.vocabularySize, self.contextLength) = (hiddenSize, vocabularySize, contextLength)
  }
}

/// A model that cannot be built or read, in one sentence.
public struct ModelError: Error, CustomStringConvertible {
  public let description: String
  public init(_ description: String) { self.description = sentenceLine(description) }
}

/// The shelf of model families.
public enum FamilyParts: PartKind {
  public typealias Product = AnyModelFamily
  public static let noun = "model family"
}

extension Registry {
  /// Model families by `model_type`.
  public var families: Catalog<AnyModelFamily> {
    get { self[FamilyParts.self] }
    set { self[FamilyParts.self] = newValue }
  }
}

extension Catalog<AnyModelFamily> {
  /// Adds a family under each of its `model_type` values.
  public mutating func add<Family: ModelFamily>(_ family: Family.Type) throws {
    for type in family.modelTypes { try add(type) { _, _ in AnyModelFamily(family) } }
  }
}

/// The one key of a `config.json` that every family has.
public struct ModelType: Decodable, Sendable {
  public let model_type: String
  /// Throws `ModelError` when `configuration` is not JSON with a `model_type`.
  public static func read(_ configuration: [UInt8], from file: String) throws -> String {
    do {
      return try JSONDecoder().decode(ModelType.self, from: Data(configuration)).model_type
    } catch {
      throw ModelError("\(file): not a model's config.json; it needs a JSON object with a text 'model_type'")
    }
  }
}
