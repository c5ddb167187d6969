// One training step of a tiny DeepSeek-V3, every gradient of it, and twenty steps of AdamW, against torch: the main
// model, the module that predicts one token further, and the balance loss.
import CPUBackend
import Checkpoints
import Foundation
import Layers
import ReferenceBackend
import Tensors
import Testing
import Text

@testable import DeepSeek
@testable import LanguageModels
@testable import Optimizers

/// What make_v3_training.py has recorded, and the model that it ran.
private struct TrainingGolden {
  struct Step: Decodable {
    let loss: Double
    let norm: Double
  }
  struct Record: Decodable {
    let mtp_weight: Double
    let balance_weight: Double
    let batches: [[[Int32]]]
    let steps: [Step]
    let losses: [String: Double]
    /// Chosen experts of every token, in ascending order, by layer.
    let experts: [String: [[Int32]]]
  }
  static let directory = goldenDirectory("v3-training")
  let record: Record
  let model: DeepSeekV3Model
  var rows: [[Int32]] { record.batches[0] }

  init(on backend: some Backend) throws {
    let json = try Data(contentsOf: URL(fileURLWithPath: "\(Self.directory)/training.json"))
    record = try JSONDecoder().decode(Record.self, from: json)
    let device = Device(backend)
    let weights = CheckpointWeights(try CheckpointFiles(Self.directory), on: device)
    let configuration = try ModelDirectory(Self.directory).configuration()
    model = try DeepSeekV3Model(configuration, from: Weights(weights), on: device)
  }

  func pass(_ model: DeepSeekV3Model, _ rows: [[Int32]]) -> TrainingPass {
    var options = TrainingOptions()
    options.mtpLossWeight = record.mtp_weight
    options.balanceLossWeight = record.balance_weight
    // The token after a row's last is not known.
    let targets = rows.flatMap { $0.dropFirst() + [-1] }
    return model.trainingPass(batch(rows), targets: targets, options)
  }
  func batch(_ rows: [[Int32]]) -> TokenBatch { TokenBatch(rows.map { $0.map { TokenID(rawValue: $0) } }) }

  /// The mean next-token loss with both further losses.
  func loss(_ model: DeepSeekV3Model, _ rows: [[Int32]]) throws -> Tensor {
    let pass = pass(model, rows)
    return try nextToken(pass, rows) + #require(pass.auxiliaryLoss)
  }
  func nextToken(_ pass: TrainingPass, _ rows: [[Int32]]) -> Tensor {
    pass.logProbabilities.total() * (-1 / Float(rows.reduce(0) { $0 + $1.count - 1 }))
  }
  func valueAndGradients(
    _ rows: [[Int32]], of model: DeepSeekV3Model? = nil
  ) throws -> (value: Tensor, gradients: Gradients) {
    var failure: (any Error)?
    let result = Layers.valueAndGradients(of: model ?? self.model) { model in
      do { return try loss(model, rows) } catch { failure = error }
      return Tensor(repeating: .nan, shape: [], on: model.device)
    }
    if let failure { throw failure }
    return result
  }

  /// All tensors of one recorded file.
  static func tensors(_ file: String) throws -> [String: [Float]] {
    let files = try CheckpointFiles(directory, stem: file)
    let source = CheckpointWeights(files, on: Device(ReferenceBackend()))
    return try Dictionary(
      uniqueKeysWithValues: files.names.map { name in
        (name, try source.tensor(name, shape: Shape(files.entry(named: name).shape), role: .matrix).floats())
      })
  }
}

/// A backend under test, by a name that shows in the report: each instruction set that this processor has, forced,
/// and the definitions.
private enum Machine: Equatable, CustomTestStringConvertible {
  case kernels(InstructionSet)
  case definitions
  static let allCases: [Machine] = InstructionSet.allCases.filter(\.isAvailable).map(Machine.kernels) + [.definitions]

  var testDescription: String { backend.name }
  var backend: any Backend {
    switch self {
    case .kernels(let set): CPUBackend(threads: 1, instructionSet: set)
    case .definitions: ReferenceBackend()
    }
  }
  func golden() throws -> TrainingGolden { try TrainingGolden(on: backend) }
}

/// |a − b| relative to b.
private func relative(_ a: Double, _ b: Double) -> Double { abs(a - b) / abs(b) }

@Suite struct TrainingGoldenTests {
  /// What follows would pass on one machine's best kernels alone if the others were not forced.
  @Test func everyInstructionSetOfThisProcessorIsForced() throws {
    let names = try Machine.allCases.map { try $0.golden().model.device.backend.name }
    #expect(names.contains("cpu/scalar") && names.contains("cpu/\(InstructionSet.best.rawValue)"))
    #expect(Set(names).count == names.count && names.last == "reference")
    #expect(names.contains("cpu/avx2") == InstructionSet.avx2.isAvailable)
    #expect(names.contains("cpu/avx512") == InstructionSet.avx512.isAvailable)
  }

  @Test(arguments: Machine.allCases) fileprivate func lossesEqualThoseOfTorch(machine: Machine) throws {
    let golden = try machine.golden()
    let pass = golden.pass(golden.model, golden.rows)
    let found = [
      "next_token": golden.nextToken(pass, golden.rows), "mtp": try #require(pass.figures["mtp_loss"]),
      "balance": try #require(pass.figures["balance_loss"]), "total": try golden.loss(golden.model, golden.rows),
    ]
    for (name, value) in found {
      let wanted = try #require(golden.record.losses[name])
      #expect(relative(Double(value.scalar()), wanted) <= 1e-5, "\(name): \(value.scalar()) for \(wanted)")
    }
  }

  @Test(arguments: Machine.allCases) fileprivate func everyGradientEqualsThatOfTorch(machine: Machine) throws {
    let golden = try machine.golden()
    let wanted = try TrainingGolden.tensors("gradients")
    let gradients = try golden.valueAndGradients(golden.rows).gradients
    #expect(Set(golden.model.parameters.filter(\.isTrained).map(\.name)) == Set(wanted.keys))
    for (name, torch) in wanted.sorted(by: { $0.key < $1.key }) {
      let largest = torch.reduce(0) { max($0, abs($1)) }
      // No gradient at all means zero.
      let ours = gradients.byName[name]?.floats() ?? [Float](repeating: 0, count: torch.count)
      let error = distance(ours, torch) / max(largest, 1e-6)
      #expect(error <= 1e-4, "\(name), whose largest element is \(largest)")
    }
  }

  /// Weights of an expert that no token chose decay like all others, so they need a gradient, which is zero.
  @Test(arguments: Machine.allCases) fileprivate func expertsWithoutTokensHaveGradients(machine: Machine) throws {
    let golden = try machine.golden()
    let trained = Set(golden.model.parameters.filter(\.isTrained).map(\.name))
    let gradients = try golden.valueAndGradients(golden.record.batches[1]).gradients.byName
    #expect(Set(gradients.keys) == trained, "without gradients: \(trained.subtracting(gradients.keys).sorted())")
    let idle = golden.pass(golden.model, golden.record.batches[1]).observations.flatMap { observation in
      observation.counts.indices.filter { observation.counts[$0] == 0 }.map { (observation.layer, $0) }
    }
    #expect(!idle.isEmpty)
    for (layer, expert) in idle {
      for part in ["gate_proj", "up_proj", "down_proj"] {
        let name = "model.layers.\(layer).mlp.experts.\(expert).\(part).weight"
        #expect(gradients[name]?.sumOfSquares() == 0, "\(name)")
      }
    }
  }

  @Test(arguments: Machine.allCases) fileprivate func logitsOfBothHeadsEqualThoseOfTorch(machine: Machine) throws {
    let golden = try machine.golden()
    let wanted = try TrainingGolden.tensors("logits")
    let walk = try Walk(golden)
    #expect(try distance(walk.logits.floats(), #require(wanted["logits"])) <= 2e-4)
    #expect(try distance(walk.furtherLogits.floats(), #require(wanted["prediction_logits"])) <= 2e-4)
    #expect(distance(walk.logits.floats(), golden.model(golden.batch(golden.rows)).floats()) == 0)
  }

  @Test(arguments: Machine.allCases) fileprivate func chosenExpertsEqualThoseOfTorch(machine: Machine) throws {
    let golden = try machine.golden()
    let walk = try Walk(golden)
    #expect(walk.experts == golden.record.experts)
    let observations = golden.pass(golden.model, golden.rows).observations
    #expect(observations.map { String($0.layer) } == golden.record.experts.keys.sorted())
    for observation in observations {
      let picks = try #require(golden.record.experts[String(observation.layer)]).joined()
      let counts = observation.counts.indices.map { e in picks.count { Int($0) == e } }
      #expect(observation.counts == counts, "layer \(observation.layer)")
    }
  }

  @Test(arguments: Machine.allCases) fileprivate func twentyStepsOfAdamWEqualThoseOfTorch(machine: Machine) throws {
    let golden = try machine.golden()
    var settings = OptimizerSettings()
    (settings.learningRate, settings.beta1, settings.beta2) = (1e-3, 0.9, 0.95)
    (settings.epsilon, settings.weightDecay, settings.clip) = (1e-8, 0.1, 1)
    var model = golden.model
    var optimizer = Optimizer(settings, for: model, isHiddenMatrix: { _ in false })
    #expect(golden.record.steps.count == 20)
    // The definitions are slow, and six steps of them show what twenty would.
    for (index, step) in golden.record.steps.prefix(machine == .definitions ? 6 : 20).enumerated() {
      let rows = golden.record.batches[index % 2]
      let (value, gradients) = try golden.valueAndGradients(rows, of: model)
      let norm = optimizer.update(&model, along: gradients, multiplier: 1)
      let loss = Double(value.scalar())
      // Rounding alone stays below 5e-6; one tensor updated otherwise shows as 5e-5 within three steps.
      #expect(relative(loss, step.loss) <= 2e-5, "step \(index): loss \(loss) for \(step.loss)")
      #expect(relative(norm, step.norm) <= 2e-5, "step \(index): gradient norm \(norm) for \(step.norm)")
    }
  }

  @Test(arguments: ["wide", "tall"]) func newtonSchulzEqualsThatOfTorch(name: String) throws {
    let files = try CheckpointFiles(TrainingGolden.directory, stem: "muon")
    for backend in Machine.allCases.map(\.backend) {
      let source = CheckpointWeights(files, on: Device(backend))
      let shape = Shape(try files.entry(named: name).shape)
      let matrix = try source.tensor(name, shape: shape, role: .matrix)
      let wanted = try source.tensor("\(name).orthogonal", shape: shape, role: .matrix)
      let found = try #require(orthogonalized([(name, matrix)])[name])
      #expect(distance(found.floats(), wanted.floats()) <= 1e-4, "\(backend.name)")
    }
  }
}

/// The forward pass taken layer by layer, so that each router's input can be seen.
private struct Walk {
  /// Chosen experts of every token, in ascending order, by layer.
  private(set) var experts: [String: [[Int32]]] = [:]
  private(set) var logits: Tensor
  /// Of the module that predicts one token further, for all but each row's last token.
  private(set) var furtherLogits: Tensor

  init(_ golden: TrainingGolden) throws {
    let (model, rows) = (golden.model, golden.rows)
    let tokens = rows.flatMap { $0 }
    let pass = Self.pass(model, golden.batch(rows))
    var x = model.embedding(Tensor(tokens, shape: [tokens.count], on: model.device))
    logits = x
    furtherLogits = x
    for layer in model.layers { x = visit(layer, x, pass) }
    let hidden = model.norm(x)
    logits = model.logits(hidden)

    let prediction = try #require(model.prediction)
    let starts = rows.indices.map { rows[..<$0].reduce(0) { $0 + $1.count } }
    let places = zip(rows, starts).flatMap { row, start in (start..<start + row.count - 1).map { Int32($0) } }
    let next = rows.flatMap { $0.dropFirst() }
    let index = Tensor(next, shape: [next.count], on: model.device)
    let states = hidden.gatherRows(Tensor(places, shape: [places.count], on: model.device))
    let joined = Tensor.concatenated(
      [prediction.embeddingNorm(model.embedding(index)), prediction.hiddenNorm(states)], axis: 1)
    let shorter = golden.batch(rows.map { $0.dropLast() })
    let further = visit(
      prediction.layer, prediction.joined(joined, in: model.precision.projections), Self.pass(model, shorter))
    furtherLogits = model.logits(prediction.outputNorm(further))
  }

  private static func pass(_ model: DeepSeekV3Model, _ batch: TokenBatch) -> AttentionPass {
    AttentionPass(batch, model.table, in: model.precision, on: model.device)
  }

  private mutating func visit(_ layer: DecoderLayer, _ x: Tensor, _ pass: AttentionPass) -> Tensor {
    var (memory, report): (AttentionMemory?, RoutingReport?) = (nil, nil)
    if let router = layer.routed?.router {
      let attended = x + layer.attention(layer.attentionNorm(x), pass, layer: layer.index, memory: &memory)
      let chosen = router.choose(router.scores(layer.feedForwardNorm(attended), in: pass.precision.router)).experts
      let count = router.settings.expertsPerToken
      experts[String(layer.index)] = stride(from: 0, to: chosen.count, by: count).map {
        chosen[$0..<$0 + count].sorted()
      }
    }
    return layer(x, pass, memory: &memory, report: &report)
  }
}
