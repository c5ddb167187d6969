// Given experts are taken in the place of a router's own, with weights and gradients as if it had chosen them itself.
import CPUBackend
import Foundation
import LanguageModels
import Layers
import Tensors
import Testing
import Text

@testable import DeepSeek

/// A model with everything: two routed layers of eight experts in four groups, and the prediction module.
private func freshModel(seed: UInt64 = 3, threads: Int = 1) throws -> DeepSeekV3Model {
  let device = Device(CPUBackend(threads: threads))
  return try DeepSeekV3Model(
    ModelDirectory(goldenDirectory("v3-training")).configuration(),
    from: Weights(FreshWeights(seed: seed, standardDeviation: 0.2, on: device)), on: device)
}

private func rows(_ lengths: [Int], seed: UInt64 = 8) -> [[Int32]] {
  var random = RandomStream(seed: seed)
  return lengths.map { (0..<$0).map { _ in Int32(random.next() % 97) } }
}

/// Choices that send every token of every layer to the same experts.
private func constant(_ experts: [Int32], tokens: Int, _ layout: ExpertLayout) -> ExpertChoices {
  var choices = ExpertChoices(layout, tokens: tokens)
  for layer in 0..<layout.layers { choices.write((0..<tokens).flatMap { _ in experts }, layer: layer) }
  return choices
}

/// One training pass with all of its losses, and the gradient of their sum.
private struct Trained {
  let pass: TrainingPass
  let gradients: Gradients
  var bits: [UInt32] { pass.logProbabilities.floats().map(\.bitPattern) }
  var gradientBits: [String: [UInt32]] { gradients.byName.mapValues { $0.floats().map(\.bitPattern) } }

  init(_ model: DeepSeekV3Model, _ rows: [[Int32]], _ experts: [ExpertChoices?] = []) throws {
    var options = TrainingOptions()
    (options.mtpLossWeight, options.balanceLossWeight) = (0.3, 0.01)
    let batch = TokenBatch(tokens: rows.flatMap { $0 }, rows: rows.map { .init(count: $0.count) }, experts: experts)
    let targets = rows.flatMap { $0.dropFirst() + [-1] }
    var found: TrainingPass?
    gradients =
      valueAndGradients(of: model) { model in
        let pass = model.trainingPass(batch, targets: targets, options)
        found = pass
        let loss = pass.logProbabilities.total() * -0.01
        return pass.auxiliaryLoss.map { loss + $0 } ?? loss
      }.gradients
    pass = try #require(found)
  }
}

@Suite struct ExpertReplayTests {
  /// Output and the router's gradient, token by token, for experts that the router would not have chosen.
  @Test func aLayerWithGivenExpertsIsThePlainFormula() throws {
    let model = try freshModel()
    let layer = try #require(model.layers[1].routed)
    let (tokens, width) = (6, model.settings.hiddenSize)
    var random = RandomStream(seed: 5)
    func numbers(_ count: Int) -> [Float] { (0..<count).map { _ in random.normal() } }
    let (values, slopes) = (numbers(tokens * width), numbers(tokens * width))
    let x = Tensor(values, shape: [tokens, width], on: model.device)
    // Never expert 7. The third token's are its own in another order, which is no disagreement.
    let own = layer.router.choose(layer.router.scores(x, in: .float32)).experts
    var given: [[Int32]] = [[0, 1, 2], [3, 6, 5], own[6..<9].reversed(), [1, 0, 4], [2, 4, 6], [5, 0, 3]]
    if given[2].contains(7) { given[2] = [6, 1, 0] }
    let differing = given.indices.count { Set(given[$0]) != Set(own[3 * $0..<3 * $0 + 3]) }
    var choices = ExpertChoices(try #require(model.expertLayout), tokens: tokens)
    choices.write(given.flatMap { $0 }, layer: 0)

    var replay = ReplayAgreement()
    var output: [Float] = []
    let gradients = valueAndGradients(of: layer) { layer in
      var report: RoutingReport? = RoutingReport(rows: [.init(count: tokens)], balanceWeight: 0, given: [choices])
      let y = layer(x, in: PrecisionMap(.float32), layer: 1, report: &report)
      (output, replay) = (y.detached().floats(), report?.replay ?? replay)
      return (y * Tensor(slopes, shape: [tokens, width], on: model.device)).total()
    }.gradients
    #expect(replay.choices == tokens && replay.disagreements == differing && differing >= 3, "\(replay)")

    var plain = PlainExperts(layer)
    func rows(_ flat: [Float]) -> [[Double]] {
      (0..<tokens).map { t in flat[t * width..<(t + 1) * width].map(Double.init) }
    }
    let (inputs, weights) = (rows(values), rows(slopes))
    for (t, row) in rows(output).enumerated() {
      for (found, wanted) in zip(row, plain(inputs[t], to: given[t].map { Int($0) })) {
        #expect(abs(found - wanted) < 1e-4 * max(1, abs(wanted)), "token \(t): \(found) for \(wanted)")
      }
    }
    func loss() -> Double {
      (0..<tokens).reduce(0) { sum, t in
        sum + zip(plain(inputs[t], to: given[t].map { Int($0) }), weights[t]).reduce(0) { $0 + $1.0 * $1.1 }
      }
    }
    let slope = try #require(gradients.byName["gate.weight"]).floats()
    #expect(slope[7 * width..<8 * width].allSatisfy { $0 == 0 }, "an expert that nobody was sent to")
    for expert in 0..<7 {
      for column in [0, 13, 31] {
        let kept = plain.gate[expert][column]
        plain.gate[expert][column] = kept + 1e-5
        let above = loss()
        plain.gate[expert][column] = kept - 1e-5
        let wanted = (above - loss()) / 2e-5
        plain.gate[expert][column] = kept
        let found = Double(slope[expert * width + column])
        #expect(abs(found - wanted) < 2e-3 * max(1, abs(wanted)), "\(expert), \(column): \(found) for \(wanted)")
      }
    }
  }

  /// A bias that leaves a router no choice, and the same choice given from outside: one pass, bit for bit.
  @Test func givenExpertsEqualThoseThatABiasForces() throws {
    let model = try freshModel()
    let lengths = [5, 1, 9]
    let layout = try #require(model.expertLayout)
    var forced = model
    for index in 1...2 {
      let bias: [Float] = [0, 0, 100, 0, 200, 300, 0, 0]
      forced.layers[index].routed?.router.bias = Tensor(bias, shape: [8], on: model.device)
    }
    let wanted = try Trained(forced, rows(lengths))
    let found = try Trained(model, rows(lengths), lengths.map { constant([5, 4, 2], tokens: $0, layout) })
    #expect(found.bits == wanted.bits && Set(found.bits).count > 10)
    #expect(found.gradientBits == wanted.gradientBits && found.gradients.byName.count > 50)
    #expect(found.pass.observations == wanted.pass.observations)
    #expect(found.pass.figures["mtp_loss"]?.scalar() == wanted.pass.figures["mtp_loss"]?.scalar())
    #expect(found.pass.replay.choices == 2 * 15 && found.pass.replay.disagreements > 15, "\(found.pass.replay)")
    #expect(wanted.pass.replay == ReplayAgreement())
    #expect(try found.bits != Trained(model, rows(lengths)).bits, "the routers would have chosen others")
  }

  /// What a pass reports, given back to it, changes nothing; a row without goes its own way.
  @Test(arguments: [1, 2]) func ownExpertsGivenBackChangeNoBit(threads: Int) throws {
    let (model, rows) = (try freshModel(threads: threads), rows([7, 12, 2]))
    var none: AttentionMemory?
    let batch = TokenBatch(tokens: rows.flatMap { $0 }, rows: rows.map { .init(count: $0.count) })
    let own = try #require(model.hiddenStatesAndExperts(batch, memory: &none).experts)
    let wanted = try Trained(model, rows)
    for given in [[own[0..<7], own[7..<19], own[19..<21]], [nil, own[7..<19], nil], [nil, nil, nil]] {
      let found = try Trained(model, rows, given)
      #expect(found.bits == wanted.bits && found.gradientBits == wanted.gradientBits)
      let tokens = given.reduce(0) { $0 + ($1?.tokens ?? 0) }
      #expect(found.pass.replay.choices == 2 * tokens && found.pass.replay.disagreements == 0)
    }
    let layout = try #require(model.expertLayout)
    let mixed = try Trained(model, rows, [nil, constant([0, 1, 2], tokens: 12, layout), nil])
    #expect(Array(mixed.bits[..<7]) == Array(wanted.bits[..<7]) && mixed.bits.suffix(2) == wanted.bits.suffix(2))
    #expect(mixed.bits[7..<18] != wanted.bits[7..<18])
  }
}
