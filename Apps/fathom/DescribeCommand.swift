// `fathom describe`: what a configuration amounts to, without its weights.
import ArgumentParser
import Foundation
import GGUFModels
import LanguageModels
import Plugins

struct DescribeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "describe", abstract: "Counts the parameters, memory and arithmetic of a model.")

  @Argument(help: ArgumentHelp("A config.json, a model's directory, or a .gguf file.", valueName: "config-or-model"))
  var model: String
  @OptionGroup var output: ListingOptions

  func run() async throws {
    let (configuration, file) = try Self.configuration(of: model)
    let family = try Parts.makeRegistry().families.make(ModelType.read(configuration, from: file))
    var listing = Listing(try family.describe(configuration))
    if ModelDirectory(model).isGGUF { listing.stored = try StoredForms(GGUFModel(model).file) }
    try output.print(listing, text: listing.table.text)
  }

  /// The bytes of the configuration, and the file they are in.
  private static func configuration(of path: String) throws -> ([UInt8], String) {
    var isDirectory: ObjCBool = false
    let exists = FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory)
    let model = ModelDirectory(path)
    if model.isGGUF { return (try model.configuration(), path) }
    if !exists || isDirectory.boolValue { return (try model.configuration(), "\(path)/config.json") }
    guard let bytes = FileManager.default.contents(atPath: path) else {
      throw CommandError("\(path): cannot be read; a readable config.json was expected")
    }
    return ([UInt8](bytes), path)
  }

  /// The description and what follows from it.
  private struct Listing: Encodable {
    let modelType: String
    let parameters: Int
    let activeParameters: Int
    let weightBytesBfloat16: Int
    let weightBytesFloat32: Int
    let memoryBytesPerToken: Int
    let memoryBytesOfContext: Int
    let flopsPerToken: Int
    let layers: Int
    let hiddenSize: Int
    let vocabularySize: Int
    let contextLength: Int
    /// What a GGUF file holds; nil for others.
    var stored: StoredForms?

    init(_ description: ModelDescription) {
      modelType = description.modelType
      (parameters, activeParameters) = (description.parameters, description.activeParameters)
      (weightBytesBfloat16, weightBytesFloat32) = (2 * description.parameters, 4 * description.parameters)
      memoryBytesPerToken = description.memoryBytesPerToken
      memoryBytesOfContext = description.memoryBytesPerToken * description.contextLength
      flopsPerToken = description.flopsPerToken
      (layers, hiddenSize) = (description.layers, description.hiddenSize)
      (vocabularySize, contextLength) = (description.vocabularySize, description.contextLength)
    }

    var table: TextTable {
      var table = TextTable(.left(""), .right(""), .left(""))
      table.add("family", modelType)
      table.add("parameters", Figures.grouped(parameters), Figures.count(parameters))
      table.add("active per token", Figures.grouped(activeParameters), Figures.count(activeParameters))
      table.add("weights in bfloat16", Figures.grouped(weightBytesBfloat16), Figures.bytes(weightBytesBfloat16))
      table.add("weights in float32", Figures.grouped(weightBytesFloat32), Figures.bytes(weightBytesFloat32))
      table.add(
        "attention memory per token", Figures.grouped(memoryBytesPerToken),
        "\(Figures.bytes(memoryBytesPerToken)) in bfloat16")
      table.add("… of a whole context", Figures.grouped(memoryBytesOfContext), Figures.bytes(memoryBytesOfContext))
      table.add("arithmetic per token", Figures.grouped(flopsPerToken), "\(Figures.count(flopsPerToken)) FLOPs forward")
      table.add("layers", Figures.grouped(layers))
      table.add("hidden size", Figures.grouped(hiddenSize))
      table.add("vocabulary", Figures.grouped(vocabularySize))
      table.add("context", Figures.grouped(contextLength), "tokens")
      stored?.add(to: &table)
      return table
    }
  }
}
