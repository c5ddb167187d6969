// AdamW against the textbook in double precision, the schedule against its definition, clipping, and who gets Muon.
import CPUBackend
import DeepSeek
import Foundation
import LanguageModels
import Layers
import Tensors
import Testing
import Text

@testable import Optimizers

/// A matrix and a vector to optimise.
private struct Pair: Module {
  var matrix: Tensor
  var vector: Tensor
  mutating func visit(_ visitor: inout some ParameterVisitor) {
    visitor("matrix", &matrix)
    visitor("vector", &vector)
  }
  init(_ random: inout RandomStream, on device: Device) {
    matrix = Tensor((0..<12).map { _ in random.normal() }, shape: [3, 4], on: device)
    vector = Tensor((0..<5).map { _ in random.normal() }, shape: [5], on: device)
  }
  func gradients(_ random: inout RandomStream, scale: Float = 1) -> Gradients {
    Gradients(byName: [
      "matrix": Tensor((0..<12).map { _ in random.normal() * scale }, shape: [3, 4], on: matrix.device),
      "vector": Tensor((0..<5).map { _ in random.normal() * scale }, shape: [5], on: matrix.device),
    ])
  }
}

/// AdamW as Loshchilov and Hutter print it (2019, algorithm 2), one number at a time.
private struct TextbookAdamW {
  let rate: Double
  let (beta1, beta2, epsilon, decay): (Double, Double, Double, Double)
  var weights: [Double]
  var first: [Double]
  var second: [Double]
  var step = 0

  mutating func update(_ gradient: [Double], multiplier: Double) {
    step += 1
    for i in weights.indices {
      first[i] = beta1 * first[i] + (1 - beta1) * gradient[i]
      second[i] = beta2 * second[i] + (1 - beta2) * gradient[i] * gradient[i]
      let (m, v) = (first[i] / (1 - pow(beta1, Double(step))), second[i] / (1 - pow(beta2, Double(step))))
      weights[i] -= multiplier * rate * (m / (sqrt(v) + epsilon) + decay * weights[i])
    }
  }
}

@Suite struct OptimizerTests {
  private let device = Device(CPUBackend(threads: 1))

  @Test(arguments: [0, 0.5]) func adamWEqualsTheTextbook(clip: Double) {
    var random = RandomStream(seed: 1)
    var settings = OptimizerSettings()
    (settings.learningRate, settings.weightDecay, settings.clip) = (0.05, 0.2, clip)
    var model = Pair(&random, on: device)
    var optimizer = Optimizer(settings, for: model, isHiddenMatrix: { _ in true })
    func textbook(_ tensor: Tensor, decay: Double) -> TextbookAdamW {
      let weights = tensor.floats().map(Double.init)
      let zeros = weights.map { _ in 0.0 }
      return TextbookAdamW(
        rate: 0.05, beta1: 0.9, beta2: 0.95, epsilon: 1e-8, decay: decay, weights: weights, first: zeros, second: zeros)
    }
    // Single vectors are not decayed.
    var slow = [textbook(model.matrix, decay: 0.2), textbook(model.vector, decay: 0)]
    for step in 0..<8 {
      let gradients = model.gradients(&random)
      let parts = ["matrix", "vector"].map { gradients.byName[$0]!.floats().map(Double.init) }
      let norm = parts.joined().reduce(0) { $0 + $1 * $1 }.squareRoot()
      let multiplier = 1 - 0.1 * Double(step)
      let reported = optimizer.update(&model, along: gradients, multiplier: multiplier)
      #expect(abs(reported - norm) < 1e-6 * norm && norm > 0.5)
      for (index, tensor) in [model.matrix, model.vector].enumerated() {
        slow[index].update(parts[index].map { clip > 0 ? $0 * clip / norm : $0 }, multiplier: multiplier)
        for (found, wanted) in zip(tensor.floats(), slow[index].weights) {
          #expect(abs(Double(found) - wanted) < 3e-6, "step \(step): \(found) for \(wanted)")
        }
      }
    }
    #expect(optimizer.step == 8)
  }

  @Test(arguments: [Float(0.01), 1, 300]) func clippingScalesTheGradientByClipOverNorm(scale: Float) throws {
    var random = RandomStream(seed: 2)
    var settings = OptimizerSettings()
    settings.clip = 2
    var model = Pair(&random, on: device)
    var optimizer = Optimizer(settings, for: model, isHiddenMatrix: { _ in false })
    let gradients = model.gradients(&random, scale: scale)
    let norm = optimizer.update(&model, along: gradients, multiplier: 1)
    #expect(abs(norm - gradients.norm()) < 1e-9 * norm)
    let factor = norm > 2 ? 2 / norm : 1
    #expect((scale == 0.01) == (factor == 1))
    // After one step the first moment is (1 − β1) times the gradient as it was used.
    let moment = try #require(optimizer.parameters.first { $0.name == "matrix.momentum" }).tensor.floats()
    for (m, g) in zip(moment, gradients.byName["matrix"]!.floats()) {
      let wanted = 0.1 * factor * Double(g)
      #expect(abs(Double(m) - wanted) < 1e-6 * abs(wanted) + 1e-9, "\(m) for \(wanted)")
    }
  }

  @Test func theScheduleRisesHoldsAndFalls() {
    var schedule = Schedule()
    (schedule.warmupSteps, schedule.decayFraction, schedule.finalFraction) = (10, 0.4, 0.1)
    let values = (0..<100).map { schedule.multiplier(step: $0, of: 100) }
    for step in 0..<10 { #expect(abs(values[step] - Double(step + 1) / 10) < 1e-12) }
    #expect(values[9...60].allSatisfy { $0 == 1 })
    // From 1 at step 60 in a line to a tenth at step 100, which is never taken.
    for step in 60..<100 { #expect(abs(values[step] - (1 - 0.9 * Double(step - 60) / 40)) < 1e-12, "step \(step)") }
    #expect((0..<7).allSatisfy { Schedule().multiplier(step: $0, of: 7) == 1 })
    schedule.finalFraction = 0
    #expect(schedule.multiplier(step: 99, of: 100) > 0, "the last step still moves")
  }
}

@Suite struct MuonTests {
  private let device = Device(CPUBackend(threads: 1))

  /// One step with gradients of a real loss: everything that is no hidden matrix moves as under AdamW, bit for bit.
  @Test func onlyHiddenMatricesAreLeftToMuon() throws {
    let model = try TinyModel.fresh(vocabulary: 280, seed: 3, spread: 0.1, on: device)
    let tokens = (0..<12).map { TokenID(($0 * 37) % 280) }
    var training = TrainingOptions()
    training.mtpLossWeight = 0.3
    let targets = tokens.dropFirst().map(\.rawValue) + [-1]
    let gradients = valueAndGradients(of: model) {
      let pass = $0.trainingPass(TokenBatch([tokens]), targets: targets, training)
      return pass.auxiliaryLoss! - pass.logProbabilities.total()
    }.gradients
    func moved(_ kind: OptimizerSettings.Kind) -> ([String: [Float]], [String]) {
      var (settings, copy) = (OptimizerSettings(), model)
      settings.kind = kind
      var optimizer = Optimizer(settings, for: model, isHiddenMatrix: model.isHiddenMatrix)
      optimizer.update(&copy, along: gradients, multiplier: 1)
      let weights = Dictionary(uniqueKeysWithValues: copy.parameters.map { ($0.name, $0.tensor.floats()) })
      return (weights, optimizer.parameters.map(\.name))
    }
    let ((adam, _), (muon, state)) = (moved(.adamw), moved(.muon))
    var hidden = 0
    for parameter in model.parameters where parameter.isTrained {
      let name = parameter.name
      let isHidden = ["embed_tokens", "lm_head", "norm", "mlp.gate."].allSatisfy { !name.contains($0) }
      #expect((adam[name] != muon[name]) == isHidden, "\(name)")
      #expect(state.contains("\(name).variance") == !isHidden && state.contains("\(name).momentum"), "\(name)")
      #expect(muon[name] != parameter.tensor.floats(), "\(name) has moved")
      hidden += isHidden ? 1 : 0
    }
    #expect(hidden > 20 && model.parameters.count - hidden > 8)
  }

  /// Two steps of Muon by their definition: Nesterov's momentum, orthogonalised, times √max(1, rows / columns).
  @Test func stepsFollowTheDefinition() throws {
    var random = RandomStream(seed: 4)
    var settings = OptimizerSettings()
    (settings.kind, settings.clip, settings.matrixLearningRate, settings.matrixWeightDecay) = (.muon, 0, 0.1, 0.3)
    var model = Pair(&random, on: device)
    model.matrix = Tensor((0..<12).map { _ in random.normal() }, shape: [4, 3], on: device)
    var optimizer = Optimizer(settings, for: model, isHiddenMatrix: { $0 == "matrix" })
    var momentum = [Float](repeating: 0, count: 12)
    for step in 0..<2 {
      let g = (0..<12).map { _ in random.normal() }
      let before = model.matrix.floats()
      let gradient = Tensor(g, shape: [4, 3], on: device)
      optimizer.update(&model, along: Gradients(byName: ["matrix": gradient]), multiplier: 0.5)
      momentum = zip(momentum, g).map { 0.95 * $0 + $1 }
      let ahead = Tensor(zip(momentum, g).map { 0.95 * $0 + $1 }, shape: [4, 3], on: device)
      let direction = try #require(orthogonalized([("matrix", ahead)])["matrix"]).floats()
      for i in 0..<12 {
        let wanted = before[i] * (1 - 0.05 * 0.3) - 0.05 * Float(4.0 / 3).squareRoot() * direction[i]
        #expect(abs(model.matrix.floats()[i] - wanted) < 2e-6, "step \(step)")
      }
    }
  }

  /// Every singular value comes out near one, and every singular vector stays where it was: the direction is U·Vᵀ.
  @Test(arguments: [(8, 24), (24, 8), (16, 12), (1, 7), (32, 32)])
  func newtonSchulzGoesTowardsThePolarFactor(rows: Int, columns: Int) throws {
    var random = RandomStream(seed: UInt64(rows * 100 + columns))
    // A diagonal keeps square matrices away from being singular.
    let values = (0..<rows * columns).map { i in
      random.normal() + (i / columns == i % columns ? Float(rows + columns).squareRoot() : 0)
    }
    let matrix = Tensor(values, shape: [rows, columns], on: device)
    let result = try #require(orthogonalized([("m", matrix)])["m"])
    let (before, after) = (Matrix(matrix), Matrix(result))
    let (left, spectrum) = before.leftSingularVectors()
    #expect(spectrum.count == min(rows, columns))
    var trace = 0.0
    for (u, sigma) in zip(left, spectrum) {
      let (v, image) = (before.applied(toLeft: u).map { $0 / sigma }, after.applied(toLeft: u))
      let value = zip(v, image).reduce(0) { $0 + $1.0 * $1.1 }
      let stray = zip(v, image).reduce(0) { $0 + pow($1.1 - value * $1.0, 2) }.squareRoot()
      #expect((0.5...1.3).contains(value), "a singular value of \(sigma) became \(value)")
      #expect(stray < 1e-3, "a singular vector moved by \(stray)")
      trace += value
    }
    // ⟨O, U·Vᵀ⟩ is the sum of the singular values; nothing of O lies elsewhere.
    let alignment = trace / (after.norm() * Double(min(rows, columns)).squareRoot())
    #expect(alignment > 0.95, "\(alignment)")
  }
}
