// A step whose loss or gradient is not finite changes nothing and names the first module where it showed.
import CPUBackend
import DeepSeek
import LanguageModels
import Layers
import Tensors
import Testing

@testable import Datasets
@testable import Optimizers
@testable import TrainingStages

/// Changes the elements of one parameter.
private struct Change: ParameterVisitor {
  var path: [String] = []
  let target: String
  var isDone = false
  let change: (inout [Float]) -> Void
  init(_ target: String, _ change: @escaping (inout [Float]) -> Void) { (self.target, self.change) = (target, change) }
  mutating func visit(_ tensor: inout Tensor, isTrained: Bool) {
    guard name == target else { return }
    var values = tensor.floats()
    change(&values)
    tensor = Tensor(values, shape: tensor.shape, on: tensor.device)
    isDone = true
  }
}

/// A tiny model in training on rows that hold every token of its vocabulary.
private struct Bench {
  var state: TrainerState
  let options: TrainingOptions
  let rows: [[Int32]] = [Array(0..<20), Array(20..<31), Array(31..<40)]

  init(on device: Device = Device(CPUBackend(threads: 2)), mtpLossWeight: Double = 0.3) throws {
    let model = try TinyModel.fresh(vocabulary: 40, seed: 4, on: device)
    var settings = OptimizerSettings()
    settings.kind = .muon
    let optimizer = Optimizer(settings, for: model, isHiddenMatrix: model.isHiddenMatrix)
    state = TrainerState(model: model, optimizer: optimizer, cursor: Cursor(seed: 1))
    var options = TrainingOptions()
    (options.mtpLossWeight, options.balanceLossWeight, options.biasUpdateRate) = (mtpLossWeight, 1e-3, 1e-3)
    self.options = options
  }

  /// One step on all rows, in parts of the given size.
  mutating func step(partsOf tokens: Int = 0) -> StepOutcome {
    let whole = TrainingBatch(rows)
    return takeStep(&state, parts: whole.parts(of: tokens), options: options, multiplier: 1) { [options] model, part in
      let pass = model.trainingPass(part.batch, targets: part.targets, options)
      let loss = pass.logProbabilities.total() * (-1 / Float(whole.targetCount))
      return PartLoss(pass: pass, loss: pass.auxiliaryLoss.map { loss + $0 } ?? loss, figures: [:])
    }
  }

  mutating func change(_ parameter: String, _ change: @escaping (inout [Float]) -> Void) throws {
    var visitor = Change(parameter, change)
    state.model.visit(&visitor)
    guard visitor.isDone else { throw Surprise("there is no \(parameter)") }
  }

  /// Every weight and moment, and how many updates there were.
  var contents: [String: [UInt8]] {
    let all = state.model.parameters + state.optimizer.parameters
    let updates = withUnsafeBytes(of: state.optimizer.step) { Array($0) }
    return Dictionary(all.map { ($0.name, $0.tensor.bytes()) } + [("updates", updates)]) { first, _ in first }
  }
}

@Suite struct NonFiniteStepTests {
  @Test func aSoundStepChangesWeightsAndMomentsAndNamesNothing() throws {
    var bench = try Bench()
    let before = bench.contents
    let outcome = bench.step(partsOf: 20)
    #expect(outcome.place == nil && outcome.loss > 0 && outcome.gradientNorm > 0)
    let after = bench.contents
    let same = before.filter { after[$0.key] == $0.value }.keys.sorted()
    #expect(same == [], "these have not moved, so that the tests below could not see them move")
  }

  @Test(arguments: [
    ("model.embed_tokens.weight", "model.embed_tokens"),
    ("model.layers.0.self_attn.o_proj.weight", "model.layers.0.self_attn.o_proj"),
    ("model.layers.0.mlp.gate_proj.weight", "model.layers.0.mlp.gate_proj"),
    ("model.layers.1.self_attn.kv_a_layernorm.weight", "model.layers.1.self_attn.kv_a_layernorm"),
    ("model.layers.1.mlp.experts.2.up_proj.weight", "model.layers.1.mlp.experts.2.up_proj"),
    ("model.layers.1.mlp.gate.weight", "model.layers.1.mlp.gate"),
    ("model.layers.2.eh_proj.weight", "model.layers.2.eh_proj"),
    ("lm_head.weight", "lm_head"),
  ])
  func aPoisonedWeightIsNamedAndNothingIsTouched(weight: String, module: String) throws {
    for value in [Float.nan, .infinity] {
      var bench = try Bench()
      _ = bench.step()  // so that there are moments
      try bench.change(weight) { $0[3] = value }
      let before = bench.contents
      let outcome = bench.step(partsOf: 20)
      let place = try #require(outcome.place)
      #expect(place.module == module && place.what == "the weight \(weight)" && place.part == nil)
      #expect(bench.contents == before, "\(value) in \(weight)")
    }
  }

  /// Weights that are finite and far too large: the product with them is the first thing to overflow.
  @Test(arguments: [
    ("model.layers.0.mlp.down_proj.weight", "linear", "model.layers.0.mlp.down_proj"),
    ("model.layers.0.mlp.up_proj.weight", "linear", "model.layers.0.mlp"),
    ("model.layers.1.input_layernorm.weight", "rms-norm", "model.layers.1.input_layernorm"),
    ("model.layers.1.self_attn.kv_b_proj.weight", "linear", "model.layers.1.self_attn.kv_b_proj"),
    ("model.layers.1.mlp.experts.1.down_proj.weight", "grouped-linear", "model.layers.1.mlp.experts"),
    ("model.layers.1.mlp.shared_experts.down_proj.weight", "linear", "model.layers.1.mlp.shared_experts.down_proj"),
    ("model.norm.weight", "rms-norm", "model.norm"),
    ("lm_head.weight", "linear", "lm_head"),
  ])
  func anOverflowIsNamedByTheModuleWhereItHappens(weight: String, operation: String, module: String) throws {
    var bench = try Bench()
    try bench.change(weight) { $0 = $0.map { _ in 3e38 } }
    let before = bench.contents
    let outcome = bench.step()
    let place = try #require(outcome.place)
    #expect(place.module == module && place.what == "the output of \(operation) in \(module)")
    #expect(bench.contents == before)
  }

  @Test func aGradientThatIsNotFiniteIsNamedThoughTheLossIs() throws {
    let faulty = FaultyBackend("causal-attention", .gradient, value: .infinity) { _ in true }
    var bench = try Bench(on: Device(faulty), mtpLossWeight: 0)
    let before = bench.contents
    let outcome = bench.step()
    let place = try #require(outcome.place)
    #expect(outcome.loss.isFinite && !outcome.gradientNorm.isFinite)
    // The way back meets the last layer first; attention reads no weights and comes after the keys' and values'.
    #expect(place.module == "model.layers.1.self_attn.kv_b_proj")
    #expect(place.what == "a gradient of causal-attention behind model.layers.1.self_attn.kv_b_proj")
    #expect(bench.contents == before)
  }

  @Test(arguments: [0, 1, 2]) func thePartOfTheBatchIsNamed(index: Int) throws {
    let row = Array(try Bench().rows[index].dropFirst())
    var bench = try Bench(on: Device(FaultyBackend(onRow: row, value: -.infinity)))
    let before = bench.contents
    let outcome = bench.step(partsOf: 15)
    let place = try #require(outcome.place)
    #expect(place.part == index + 1 && place.module == "lm_head")
    #expect(place.what == "the output of cross-entropy behind lm_head")
    #expect(bench.contents == before)
    let atOnce = bench.step()
    #expect(atOnce.place?.module == "lm_head" && atOnce.place?.part == nil, "the whole batch at once has no parts")
  }

  @Test func whatOnlyTheSumOfThePartsShowsIsNamedByItsParameter() throws {
    let bench = try Bench()
    func place(_ total: Gradients?) -> NonFinitePlace {
      bench.state.model.firstNonFinitePlace([0], total) { model, _ in
        model.trainingPass(TrainingBatch(bench.rows).batch, targets: TrainingBatch(bench.rows).targets, bench.options)
          .logProbabilities.total()
      }
    }
    let wrong = Tensor([1, .infinity], shape: [2], on: bench.state.model.device)
    let found = place(Gradients(byName: ["model.norm.weight": wrong, "lm_head.weight": wrong]))
    #expect(found.module == "model.norm")
    #expect(found.what == "the gradient of model.norm.weight, summed over the parts")
    #expect(place(nil) == NonFinitePlace(module: nil, what: "nothing, when the step was repeated"))
  }

  @Test func theBatchIsNamedByWhatTheCursorPassed() {
    func text(from first: Int, _ count: Int, of all: Int) -> String {
      var cursor = Cursor(seed: 1)
      for _ in 0..<first { cursor.advance(over: all) }
      let start = cursor
      for _ in 0..<count { cursor.advance(over: all) }
      return cursor.taken(since: start, of: all, "document")
    }
    #expect(text(from: 3, 4, of: 10) == "documents 3–6 of epoch 0")
    #expect(text(from: 13, 1, of: 10) == "document 3 of epoch 1")
    #expect(text(from: 7, 3, of: 10) == "documents 7–9 of epoch 0", "the cursor is in the next epoch already")
    #expect(text(from: 8, 4, of: 10) == "documents 8 of epoch 0 to 1 of epoch 1")
    #expect(text(from: 5, 20, of: 10) == "documents 5 of epoch 0 to 4 of epoch 2")
    #expect(text(from: 5, 0, of: 10) == "no documents")
  }
}
