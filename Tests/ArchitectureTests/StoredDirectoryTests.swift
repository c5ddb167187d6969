// Models computed with the matrices of a directory as they are stored: in float32, in sixteen bits, and in eight with
// scales. Each has the bits of the same model widened.
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

/// What a test stores matrices as.
private enum MatrixForm: String, CaseIterable, Sendable {
  case bf16, f16, fp8

  var dtype: DType {
    switch self {
    case .bf16: .bfloat16
    case .f16: .float16
    case .fp8: .float8
    }
  }
  /// The tensors of one parameter. As published, eight bits are those of projections alone.
  func stored(_ parameter: NamedParameter) -> [TensorToStore] {
    let (name, tensor) = (parameter.name, parameter.tensor)
    if tensor.shape.rank != 2 { return [TensorToStore(name, tensor)] }
    switch self {
    case .bf16: return [TensorToStore(name, tensor.cast(to: .bfloat16))]
    case .f16: return [TensorToStore(name, tensor.cast(to: .float16))]
    case .fp8:
      guard name.contains("_proj") && !name.contains("eh_proj") else {
        return [TensorToStore(name, tensor.cast(to: .bfloat16))]
      }
      let matrix = QuantizedMatrix(tensor, .blocks)
      return [
        TensorToStore(name, .f8e4m3, matrix.codes.shape.extents, matrix.codes.bytes()),
        TensorToStore("\(name)_scale_inv", matrix.scales),
      ]
    }
  }
}

@Suite struct StoredDirectoryTests {
  private let registry: Registry
  init() throws { registry = try Registry([DeepSeekFamilies(), LlamaFamilies()]) }

  private func open(_ path: String, _ form: WeightForm, on backend: CPUBackend) throws -> any LanguageModel {
    try ModelDirectory(path).model(registry, on: Device(backend), weights: form)
  }
  private func bits(_ tensor: Tensor) -> [UInt32] { tensor.floats().map(\.bitPattern) }

  /// A golden checkpoint with its matrices in another form.
  private func write(_ name: String, _ form: MatrixForm, to directory: String) throws {
    let golden = goldenDirectory("parity/\(name)")
    let model = try open(golden, .float32, on: CPUBackend(threads: 1))
    try write(model, ModelDirectory(golden).configuration(), form, to: directory)
  }
  private func write(
    _ model: any LanguageModel, _ configuration: [UInt8], _ form: MatrixForm, to directory: String
  ) throws {
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    try DurableFile.write(configuration, to: "\(directory)/config.json")
    try SafetensorsWriter().write(model.parameters.flatMap(form.stored), in: directory, shardBytes: 30_000)
  }

  /// Logits of a sequence without a memory, and read through one of each form in pieces.
  private func logits(_ model: any LanguageModel, _ tokens: [TokenID]) -> [[UInt32]] {
    [bits(model(TokenBatch([tokens])))]
      + AttentionForm.allCases.map { form in
        var memory: AttentionMemory? = model.makeMemory(slots: 2, capacity: 32, form: form)
        var (all, first) = ([UInt32](), 0)
        for count in [9, 1, 1, 6] {
          let batch = TokenBatch(
            tokens: tokens[first..<first + count].map(\.rawValue), rows: [.init(count: count, first: first, slot: 1)])
          all += bits(model.logits(model.hiddenStates(batch, memory: &memory)))
          first += count
        }
        return all
      }
  }
  private let tokens = (0..<17).map { TokenID($0 * 5 % 40) }

  @Test(
    arguments: ["v3", "v3-noqlora", "v2", "v32", "deepseek", "qwen2", "llama"], MatrixForm.allCases.map(\.rawValue))
  func storedMatricesGiveTheBitsOfWidenedOnes(_ name: String, _ form: String) throws {
    let (scratch, form) = (try ModelScratch(), try #require(MatrixForm(rawValue: form)))
    try write(name, form, to: scratch.path + "/a")
    let wide = try open(scratch.path + "/a", .float32, on: CPUBackend(threads: 2))
    #expect(wide.parameters.allSatisfy { $0.tensor.dtype == .float32 })
    let expected = logits(wide, tokens)
    #expect(Set(expected[0]).count > 100)
    for backend in [
      CPUBackend(threads: 2), CPUBackend(threads: 1), CPUBackend(threads: 2, packing: .init(bytes: 0, expertBytes: 0)),
    ] {
      let stored = try open(scratch.path + "/a", .stored, on: backend)
      for parameter in stored.parameters where parameter.name.hasSuffix("_proj.weight") {
        let own = parameter.name.contains("eh_proj") && form == .fp8 ? DType.bfloat16 : form.dtype
        #expect(parameter.tensor.dtype == own, "\(parameter.name)")
      }
      for parameter in stored.parameters
      where parameter.tensor.shape.rank == 1 || parameter.name.hasSuffix("mlp.gate.weight") {
        #expect(parameter.tensor.dtype == .float32, "\(parameter.name)")
      }
      let own = logits(stored, tokens)
      for (i, pair) in zip(own, expected).enumerated() { #expect(pair.0 == pair.1, "\(form), way \(i)") }
    }
  }

  @Test(arguments: parityCases) func mappedFloat32GivesTheBitsOfCopies(_ name: String) throws {
    let golden = goldenDirectory("parity/\(name)")
    let backend = CPUBackend(threads: 2)
    let (stored, wide) = (try open(golden, .stored, on: backend), try open(golden, .float32, on: backend))
    #expect(stored.parameters.contains { $0.tensor.storage.isMapped })
    #expect(!wide.parameters.contains { $0.tensor.storage.isMapped })
    #expect(logits(stored, tokens) == logits(wide, tokens))
  }

  /// The prediction module's own matrices are stored like the others.
  @Test func thePredictionModuleKeepsItsForm() throws {
    let scratch = try ModelScratch()
    let golden = String(decoding: try ModelDirectory(goldenDirectory("parity/v3")).configuration(), as: UTF8.self)
    let text = golden.replacing("\"num_nextn_predict_layers\": 0", with: "\"num_nextn_predict_layers\": 1")
    let device = Device(CPUBackend(threads: 1))
    let fresh = try registry.families.make("deepseek_v3").build(
      Array(text.utf8), Weights(FreshWeights(seed: 1, standardDeviation: 0.05, on: device)), device)
    try write(fresh, Array(text.utf8), .fp8, to: scratch.path + "/a")
    let model = try open(scratch.path + "/a", .stored, on: CPUBackend(threads: 1))
    let joined = model.parameters.filter { $0.name.hasSuffix("eh_proj.weight") }
    try #require(joined.count == 1)
    #expect(joined[0].tensor.dtype == .bfloat16)
    let place = joined[0].name.replacing("eh_proj.weight", with: "self_attn.o_proj.weight")
    #expect(model.parameters.first { $0.name == place }?.tensor.dtype == .float8)
  }

  @Test func theWeightsOfADirectoryAreCounted() throws {
    let scratch = try ModelScratch()
    try write("v3", .bf16, to: scratch.path + "/a")
    let (all, experts) = try ModelDirectory(scratch.path + "/a").weightBytes()
    let parameters = try open(scratch.path + "/a", .float32, on: CPUBackend(threads: 1)).parameters
    let numbers = { (own: [NamedParameter]) in own.reduce(0) { $0 + $1.tensor.shape.count } }
    #expect(experts == 2 * numbers(parameters.filter { $0.name.contains(".experts.") }) && experts > 0)
    #expect(all > 2 * numbers(parameters) - 1 && all < 4 * numbers(parameters))
  }
}
