// Training of every family: the loss and every gradient against torch, and names that agree with the checkpoint's.
import CPUBackend
import Checkpoints
import DeepSeek
import Foundation
import LanguageModels
import Layers
import Llama
import Plugins
import ReferenceBackend
import Tensors
import Testing
import Text

/// The cases whose recording has gradients.
private let cases = [
  "v3-bias", "v2", "v2-lite", "v2-yarn", "v32", "deepseek", "llama", "llama-linear", "llama3rope", "mistral", "qwen2",
  "qwen3",
]

/// A recorded case: what torch found for the mean next-token loss of its tokens.
private struct Recorded: Decodable {
  let tokens: [Int]
  let loss: Double
  /// The norm of each gradient, and Σ g_i · sin(i + 1).
  let gradients: [String: [Double]]
  let indexer_loss: Double?
  let indexer_gradients: [String: [Double]]?

  init(_ name: String) throws {
    let file = try Data(contentsOf: URL(fileURLWithPath: "\(goldenDirectory("parity/\(name)"))/reference.json"))
    self = try JSONDecoder().decode(Recorded.self, from: file)
  }
}

private func model(_ name: String, on backend: some Backend) throws -> any LanguageModel {
  try ModelDirectory(goldenDirectory("parity/\(name)"))
    .model(Registry([DeepSeekFamilies(), LlamaFamilies()]), on: Device(backend))
}

/// The mean next-token loss of one sequence, or the indexer's loss, and its gradients.
private func lossAndGradients<Model: LanguageModel>(
  _ model: Model, _ tokens: [Int], ofIndexer isIndexer: Bool = false
) -> (loss: Double, gradients: [String: Tensor]) {
  let targets = tokens.dropFirst().map { Int32($0) } + [-1]
  var options = TrainingOptions()
  options.indexerLossWeight = isIndexer ? 1 : 0
  let found = valueAndGradients(of: model) { model in
    let pass = model.trainingPass(TokenBatch([tokens.map { TokenID($0) }]), targets: targets, options)
    if isIndexer, let loss = pass.auxiliaryLoss { return loss }
    return pass.logProbabilities.total() * (-1 / Float(tokens.count - 1))
  }
  return (Double(found.value.scalar()), found.gradients.byName)
}

@Suite struct FamilyTrainingTests {
  @Test(arguments: cases, [InstructionSet.scalar, .best])
  func lossAndGradientsEqualThoseOfTorch(name: String, set: InstructionSet) throws {
    let (recorded, model) = (try Recorded(name), try model(name, on: CPUBackend(threads: 2, instructionSet: set)))
    try compare(recorded, model)
  }
  @Test(arguments: cases) func lossAndGradientsOfTheDefinitionsEqualThoseOfTorch(name: String) throws {
    try compare(Recorded(name), model(name, on: ReferenceBackend()))
  }

  private func compare(_ recorded: Recorded, _ model: any LanguageModel) throws {
    let (loss, gradients) = lossAndGradients(model, recorded.tokens)
    #expect(abs(loss - recorded.loss) <= 1e-5 * recorded.loss, "loss \(loss) for \(recorded.loss)")
    #expect(Set(model.parameters.filter(\.isTrained).map(\.name)) == Set(recorded.gradients.keys))
    compare(gradients, recorded.gradients)
  }

  @Test(arguments: [InstructionSet.scalar, .best]) func theIndexersLossTrainsItAlone(set: InstructionSet) throws {
    let recorded = try Recorded("v32")
    let model = try model("v32", on: CPUBackend(threads: 2, instructionSet: set))
    let (loss, gradients) = lossAndGradients(model, recorded.tokens, ofIndexer: true)
    let wanted = try #require(recorded.indexer_loss)
    #expect(abs(loss - wanted) <= 1e-5 * wanted, "loss \(loss) for \(wanted)")
    compare(gradients, try #require(recorded.indexer_gradients))
    let others = gradients.filter { !$0.key.contains(".indexer.") }
    #expect(others.allSatisfy { $0.value.sumOfSquares() == 0 }, "\(others.keys.sorted())")
  }

  private func compare(_ gradients: [String: Tensor], _ recorded: [String: [Double]]) {
    #expect(recorded.count >= 10)
    for (name, wanted) in recorded {
      // No gradient at all means zero.
      let g = gradients[name]?.floats().map(Double.init) ?? [0]
      let norm = g.reduce(0) { $0 + $1 * $1 }.squareRoot()
      let waves = g.enumerated().reduce(0) { $0 + $1.element * sin(Double($1.offset + 1)) }
      let bound = 1e-4 * max(wanted[0], 1e-4)
      #expect(abs(norm - wanted[0]) <= bound, "norm of \(name): \(norm) for \(wanted[0])")
      #expect(abs(waves - wanted[1]) <= bound, "\(name): \(waves) for \(wanted[1])")
    }
  }

  @Test(arguments: parityCases) func namesVisitedAreNamesStored(name: String) throws {
    let stored = try CheckpointFiles(goldenDirectory("parity/\(name)")).names
    let visited = try model(name, on: ReferenceBackend()).parameters
    #expect(visited.map(\.name).sorted() == stored)
    // State that gradients do not train is the router's bias alone.
    #expect(visited.filter { !$0.isTrained }.allSatisfy { $0.name.hasSuffix("e_score_correction_bias") })
  }

  @Test(arguments: parityCases) func aDescriptionCountsWhatIsBuilt(name: String) throws {
    let directory = ModelDirectory(goldenDirectory("parity/\(name)"))
    let registry = try Registry([DeepSeekFamilies(), LlamaFamilies()])
    let described = try directory.family(registry).describe(directory.configuration())
    let model = try directory.model(registry, on: Device(ReferenceBackend()))
    #expect(described.parameters == model.parameters.reduce(0) { $0 + $1.tensor.shape.count })
    let memory = model.makeMemory(slots: 1, capacity: 100, form: .absorbed)
    #expect(described.memoryBytesPerToken * 100 * 2 == memory.byteCount)  // bfloat16 there, float32 here
    #expect(described.contextLength == model.contextLength && described.vocabularySize == model.vocabularySize)
  }

  /// Fresh weights have every name that a checkpoint has, and gradients reach all of them but the indexer's.
  @Test(arguments: parityCases) func aFreshModelTrainsEveryParameter(name: String) throws {
    let directory = ModelDirectory(goldenDirectory("parity/\(name)"))
    let device = Device(CPUBackend(threads: 1))
    let weights = FreshWeights(seed: 5, standardDeviation: 0.2, on: device)
    let family = try directory.family(Registry([DeepSeekFamilies(), LlamaFamilies()]))
    let fresh = try family.build(directory.configuration(), Weights(weights), device)
    let tokens = (0..<60).map { $0 * 7 % fresh.vocabularySize }
    let gradients = lossAndGradients(fresh, tokens).gradients
    for parameter in fresh.parameters where parameter.isTrained && !parameter.name.contains(".indexer.") {
      let g = try #require(gradients[parameter.name], "\(parameter.name) has no gradient")
      #expect(g.isFinite && g.shape == parameter.tensor.shape, "\(parameter.name)")
    }
  }
}
