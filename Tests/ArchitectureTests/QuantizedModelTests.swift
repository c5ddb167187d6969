// A whole model stored in eight bits runs as the same model widened, and is written without a mention of them.
import CPUBackend
import Checkpoints
import DeepSeek
import Foundation
import LanguageModels
import Layers
import Llama
import LowPrecision
import Plugins
import Tensors
import Testing
import Text

@Suite struct QuantizedModelTests {
  private static let families: @Sendable () throws -> Registry = {
    try Registry([DeepSeekFamilies(), LlamaFamilies()])
  }

  @Test(arguments: ["v3", "qwen2"]) func eightBitWeightsAreWidenedAndWrittenWide(name: String) throws {
    let scratch = FileManager.default.temporaryDirectory.path + "/quantized-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: scratch) }
    for part in ["", "/stored", "/wide"] {
      try FileManager.default.createDirectory(atPath: scratch + part, withIntermediateDirectories: true)
    }
    let device = Device(CPUBackend(threads: 1))
    let original = ModelDirectory(goldenDirectory("parity/\(name)"))
    let model = try original.model(Self.families(), on: device)

    // Projections as codes and scales, the rest as it is; and the numbers that the codes stand for.
    var (stored, widened): ([TensorToStore], [String: [Float]]) = ([], [:])
    for parameter in model.parameters {
      guard parameter.name.hasSuffix("_proj.weight") else {
        stored.append(TensorToStore(parameter.name, parameter.tensor))
        continue
      }
      let matrix = QuantizedMatrix(parameter.tensor, .blocks)
      stored.append(TensorToStore(parameter.name, .f8e4m3, matrix.codes.shape.extents, matrix.codes.bytes()))
      stored.append(TensorToStore("\(parameter.name)_scale_inv", matrix.scales))
      widened[parameter.name] = matrix.dequantized().floats()
    }
    #expect(widened.count > 10)
    var text = String(decoding: try original.configuration(), as: UTF8.self)
    let quantization =
      "{\"quant_method\": \"fp8\", \"fmt\": \"e4m3\", \"activation_scheme\": \"dynamic\", "
      + "\"weight_block_size\": [128, 128]}"
    text.replaceSubrange(text.startIndex...text.startIndex, with: "{\"quantization_config\": \(quantization),")
    try DurableFile.write(Array(text.utf8), to: "\(scratch)/stored/config.json")
    try SafetensorsWriter().write(stored, in: "\(scratch)/stored", shardBytes: 20_000)

    let read = try ModelDirectory("\(scratch)/stored").model(Self.families(), on: device)
    for parameter in read.parameters {
      if let numbers = widened[parameter.name] { #expect(parameter.tensor.floats() == numbers, "\(parameter.name)") }
    }
    let tokens = TokenBatch([(0..<20).map { TokenID($0 * 3) }])
    let logits = read(tokens).floats()
    #expect(distance(logits, model(tokens).floats()) < 2 && logits != model(tokens).floats())

    // What is written is an ordinary checkpoint of the same model.
    let written = String(decoding: read.configuration, as: UTF8.self)
    #expect(!written.contains("quantization_config"))
    try write(read, into: "\(scratch)/wide")
    let wide = ModelDirectory("\(scratch)/wide")
    let again = try wide.model(Self.families(), on: device)
    #expect(again(tokens).floats() == logits)
    let family = try wide.family(Self.families())
    let (before, after) = (try family.describe(original.configuration()), try family.describe(wide.configuration()))
    #expect(before.parameters == after.parameters && before.contextLength == after.contextLength)
  }

  private func write(_ model: any LanguageModel, into directory: String) throws {
    try DurableFile.write(model.configuration, to: "\(directory)/config.json")
    try SafetensorsWriter().write(model.tensorsToStore, in: directory)
  }
}
