// Every family in every precision: parts and company change no bit, what is recomputed changes none, and experts that
// were written down are taken again.
import CPUBackend
import DeepSeek
import LanguageModels
import Layers
import Llama
import Plugins
import Tensors
import Testing
import Text

private func model(_ name: String, _ precision: Precision, threads: Int = 2) throws -> any LanguageModel {
  var model = try ModelDirectory(goldenDirectory("parity/\(name)"))
    .model(Registry([DeepSeekFamilies(), LlamaFamilies()]), on: Device(CPUBackend(threads: threads)))
  model.precision = PrecisionMap(precision)
  return model
}

private func tokens(_ count: Int, from seed: UInt64 = 4) -> [Int32] {
  var random = RandomStream(seed: seed)
  return (0..<count).map { _ in Int32(random.next() % 60) }
}

private func bits(_ x: Tensor) -> [UInt32] { x.floats().map(\.bitPattern) }

/// Logits of one sequence read through a memory in parts of these sizes.
private func continued(_ model: some LanguageModel, _ tokens: [Int32], _ sizes: [Int], _ form: AttentionForm)
  -> [UInt32]
{
  var memory: AttentionMemory? = model.makeMemory(slots: 2, capacity: 64, form: form)
  var (found, first) = ([UInt32](), 0)
  for size in sizes {
    let batch = TokenBatch(
      tokens: Array(tokens[first..<first + size]), rows: [.init(count: size, first: first, slot: 1)])
    found += bits(model.logits(model.hiddenStates(batch, memory: &memory)))
    first += size
  }
  return found
}

/// The loss of a step with everything that the family adds to it, and its gradients.
private struct Step {
  var loss: UInt32 = 0
  var gradients: [String: [UInt32]] = [:]
  var replay = ReplayAgreement()

  init<Model: LanguageModel>(_ model: Model, _ recompute: Recompute, experts: [ExpertChoices?] = []) {
    let sequences = [tokens(21), tokens(1), tokens(12, from: 6)]
    var options = TrainingOptions()
    (options.mtpLossWeight, options.balanceLossWeight, options.indexerLossWeight) = (0.3, 0.01, 1)
    options.recompute = recompute
    let batch = TokenBatch(
      tokens: sequences.flatMap { $0 }, rows: sequences.map { .init(count: $0.count) }, experts: experts)
    var replay = ReplayAgreement()
    let (value, gradients) = valueAndGradients(of: model) { model in
      let pass = model.trainingPass(batch, targets: sequences.flatMap { $0.dropFirst() + [-1] }, options)
      replay = pass.replay
      let loss = pass.logProbabilities.total() * -0.1
      return pass.auxiliaryLoss.map { $0 + loss } ?? loss
    }
    loss = value.scalar().bitPattern
    self.gradients = gradients.byName.mapValues { bits($0) }
    self.replay = replay
  }
}

@Suite struct FamilyPrecisionTests {
  @Test(arguments: parityCases, [Precision.bfloat16, .float8])
  func partsAndCompanyChangeNoBit(name: String, precision: Precision) throws {
    let model = try model(name, precision)
    let own = tokens(24)
    let whole = bits(model(TokenBatch(tokens: own, rows: [.init(count: 24)])))
    #expect(Set(whole).count > 200)
    #expect(whole != bits(model.computing(in: .float32)(TokenBatch(tokens: own, rows: [.init(count: 24)]))))
    let crowd = TokenBatch(tokens: tokens(9, from: 2) + own, rows: [.init(count: 9), .init(count: 24)])
    #expect(Array(bits(model(crowd))[(9 * model.vocabularySize)...]) == whole, "in company")
    for form in AttentionForm.allCases {
      let atOnce = continued(model, own, [24], form)
      if form == .textbook { #expect(atOnce == whole) }
      for parts in [[1, 23], [11, 1, 12], Array(repeating: 1, count: 24)] {
        #expect(continued(model, own, parts, form) == atOnce, "\(form) in parts \(parts)")
      }
    }
  }

  @Test(arguments: parityCases, Precision.allCases)
  func recomputingChangesNoBit(name: String, precision: Precision) throws {
    let model = try model(name, precision)
    let (kept, again) = (Step(model, .none), Step(model, .published))
    #expect(kept.loss == again.loss)
    #expect(kept.gradients.count > 10 && kept.gradients.keys == again.gradients.keys)
    for (parameter, gradient) in kept.gradients { #expect(gradient == again.gradients[parameter], "\(parameter)") }
  }

  /// Fewer bytes wait between forward and back.
  @Test(arguments: parityCases) func recomputingHoldsLess(name: String) throws {
    let backend = CPUBackend(threads: 1)
    let model = try ModelDirectory(goldenDirectory("parity/\(name)"))
      .model(Registry([DeepSeekFamilies(), LlamaFamilies()]), on: Device(backend))
    func held(_ recompute: Recompute, _ model: some LanguageModel) -> Int {
      var options = TrainingOptions()
      options.recompute = recompute
      var held = 0
      _ = valueAndGradients(of: model) { model in
        let pass = model.trainingPass(
          TokenBatch(tokens: tokens(60), rows: [.init(count: 60)]), targets: tokens(60), options)
        held = backend.memoryStatistics.bytesInUse
        return pass.logProbabilities.total()
      }
      return held
    }
    #expect(held(.published, model) < held(.none, model))
  }

  /// Experts that were chosen are those that a training pass is given, in every family that routes.
  @Test(arguments: parityCases, [Precision.float32, .bfloat16])
  func expertsThatWereTakenDownAreTakenAgain(name: String, precision: Precision) throws {
    let model = try model(name, precision)
    var none: AttentionMemory?
    let rows = [tokens(21), tokens(1), tokens(12, from: 6)]
    let batch = TokenBatch(tokens: rows.flatMap { $0 }, rows: rows.map { .init(count: $0.count) })
    let found = model.hiddenStatesAndExperts(batch, memory: &none)
    #expect(bits(found.hidden) == bits(model.hiddenStates(batch, memory: &none)))
    guard let layout = model.expertLayout else {
      #expect(found.experts == nil && model is LlamaModel)
      return
    }
    let experts = try #require(found.experts)
    #expect(experts.layout == layout && experts.tokens == 34)
    let parts = [experts[0..<21], experts[21..<22], experts[22..<34]]
    let (own, given) = (Step(model, .none), Step(model, .none, experts: parts))
    #expect(own.loss == given.loss && own.gradients == given.gradients)
    #expect(given.replay.choices == 34 * layout.layers && given.replay.disagreements == 0)
    // Experts of other tokens are not the model's own, and are taken all the same.
    let other = Step(model, .none, experts: [experts[13..<34], nil, nil])
    #expect(other.loss != own.loss && other.replay.disagreements > 0)
  }
}
