// A model in bfloat16 and in fp8: how far it is from float32, what stays bit-equal, and what a recipe may ask for.
import CPUBackend
import Checkpoints
import DeepSeek
import LanguageModels
import Layers
import Optimizers
import ProcessGraph
import Recipes
import ReferenceBackend
import Tensors
import Testing
import Text
import TrainingStages

@Suite struct PrecisionTests {
  private static let vocabulary = 48

  private func model(
    _ precision: Precision, spread: Float = 0.1, on device: Device = Device(CPUBackend(threads: 2))
  ) throws -> DeepSeekV3Model {
    try TinyModel.fresh(vocabulary: Self.vocabulary, seed: 6, spread: spread, on: device).computing(in: precision)
  }
  private func tokens(_ count: Int, seed: UInt64) -> [Int32] {
    var random = RandomStream(seed: seed)
    return (0..<count).map { _ in Int32(random.number(in: 0..<Self.vocabulary)) }
  }

  /// The mean loss of two rows, with every loss that the family adds, and all gradients.
  private func gradients(_ model: DeepSeekV3Model, _ rows: [[Int32]]) -> (value: Float, gradients: Gradients) {
    var options = TrainingOptions()
    (options.mtpLossWeight, options.balanceLossWeight) = (0.3, 0.001)
    let batch = TokenBatch(
      tokens: rows.flatMap { $0.dropLast() }, rows: rows.map { TokenBatch.Row(count: $0.count - 1) })
    let targets = rows.flatMap { $0.dropFirst() }
    let found = valueAndGradients(of: model) { tracked in
      let pass = tracked.trainingPass(batch, targets: targets, options)
      let loss = pass.logProbabilities.total() * (-1 / Float(targets.count))
      return pass.auxiliaryLoss.map { loss + $0 } ?? loss
    }
    return (found.value.scalar(), found.gradients)
  }
  /// |a − b| / |b| over all elements of a gradient.
  private func relative(_ a: Tensor, _ b: Tensor) -> Double {
    let (a, b) = (a.floats().map(Double.init), b.floats().map(Double.init))
    let error = zip(a, b).reduce(0.0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    return (error / max(b.reduce(0) { $0 + $1 * $1 }, 1e-30)).squareRoot()
  }

  /// Each product's factors and result are off by 2^-9 at most, and a gradient has passed some twenty such roundings
  /// with random signs: √20 · 2^-9 is below 1 %. Where a token goes to another expert the gradient is another.
  @Test func gradientsAreThoseOfFloat32ToEightBits() throws {
    let rows = [tokens(17, seed: 1), tokens(24, seed: 2)]
    let (low, high) = (gradients(try model(.bfloat16), rows), gradients(try model(.float32), rows))
    #expect(abs(low.value - high.value) / high.value < 0x1p-8)
    #expect(low.gradients.byName.count == high.gradients.byName.count && low.gradients.byName.count > 30)
    for (name, g) in high.gradients.byName {
      let error = relative(try #require(low.gradients.byName[name]), g)
      #expect(error < 0.03, "\(name) differs by \(error)")
    }
    #expect(high.gradients.byName.contains { relative(low.gradients.byName[$0.key]!, $0.value) > 1e-4 })
  }

  /// E4M3 has 4 bits: a factor is off by 2^-4 at most and by some 2.6 % in the mean square, so a gradient that has passed
  /// some twenty such roundings with random signs is off by 12 %. Sums of this model's few rows cancel, so that one
  /// parameter's gradient may be off by half, and all of them together are not. Where a token goes to another expert, the
  /// gradients of those two are others: of some forty rows an expert has a few, so experts are judged with all the rest.
  @Test func gradientsInFP8AreThoseOfFloat32ToFourBits() throws {
    let rows = [tokens(17, seed: 1), tokens(24, seed: 2)]
    let (low, high) = (gradients(try model(.float8), rows), gradients(try model(.float32), rows))
    #expect(abs(low.value - high.value) / high.value < 0x1p-6)
    #expect(low.gradients.byName.count == high.gradients.byName.count && low.gradients.byName.count > 30)
    for (name, g) in high.gradients.byName where !name.contains(".experts.") {
      let error = relative(try #require(low.gradients.byName[name]), g)
      #expect(error < 0.5, "\(name) differs by \(error)")
    }
    let names = high.gradients.byName.keys.sorted()
    func all(_ gradients: Gradients) throws -> Tensor {
      let values = try names.flatMap { try #require(gradients.byName[$0]).floats() }
      return Tensor(values, shape: [values.count], on: Device(ReferenceBackend()))
    }
    let whole = relative(try all(low.gradients), try all(high.gradients))
    #expect(whole < 0.25, "all gradients together differ by \(whole)")
    #expect(high.gradients.byName.contains { relative(low.gradients.byName[$0.key]!, $0.value) > 0.01 })
  }

  /// Not nearer than to float32: a sum that differs in its last bit may be rounded to a neighbour, and the roundings
  /// behind it go their own way. Operation by operation the two are within 1e-4 (MixedPrecisionTests).
  @Test func gradientsAreThoseOfTheDefinition() throws {
    let rows = [tokens(7, seed: 3), tokens(9, seed: 4)]
    let fast = gradients(try model(.bfloat16), rows)
    let slow = gradients(try model(.bfloat16, on: Device(ReferenceBackend())), rows)
    #expect(abs(fast.value - slow.value) / slow.value < 0x1p-10)
    for (name, g) in slow.gradients.byName {
      let error = relative(try #require(fast.gradients.byName[name]), g)
      #expect(error < 0.03, "\(name) differs by \(error)")
    }
  }

  /// Log-probabilities of the last rows of a batch, the same alone, on one thread, and decoded token by token.
  @Test(arguments: [Precision.bfloat16, .float8])
  func aTokenIsTheSameAloneInABatchOnOneThreadAndThroughTheMemory(_ precision: Precision) throws {
    let rows = [tokens(21, seed: 5), tokens(1, seed: 6), tokens(40, seed: 7)]
    let model = try model(precision, spread: 0.3)
    func bits(_ x: Tensor) -> [UInt32] { x.floats().map(\.bitPattern) }
    func batch(_ rows: [[Int32]]) -> TokenBatch { TokenBatch(rows.map { $0.map { TokenID(rawValue: $0) } }) }
    let whole = bits(model(batch(rows)))
    #expect(Set(whole).count > whole.count / 2)
    #expect(bits(try self.model(precision, spread: 0.3, on: Device(CPUBackend(threads: 1)))(batch(rows))) == whole)
    #expect(bits(try self.model(.float32, spread: 0.3)(batch(rows))) != whole)
    var start = 0
    for row in rows {
      let own = Array(whole[start * Self.vocabulary..<(start + row.count) * Self.vocabulary])
      #expect(bits(model(batch([row]))) == own)
      var memory: AttentionMemory? = model.makeMemory(slots: 1, capacity: 40, form: .textbook)
      let decoded = row.indices.flatMap { place in
        let step = TokenBatch(tokens: [row[place]], rows: [.init(count: 1, first: place)])
        return bits(model.logits(model.hiddenStates(step, memory: &memory)))
      }
      #expect(decoded == own)
      start += row.count
    }
  }

  @Test(arguments: [(Precision.bfloat16, 0.01), (.float8, 0.02)])
  func fiftyStepsStayNearThoseOfFloat32(_ precision: Precision, within tolerance: Double) async throws {
    let shop = try Workshop()
    defer { shop.remove() }
    var losses: [[Double]] = []
    for precision in [.float32, precision] {
      let recorder = MemoryRecorder()
      let stage = try Workshop.pretraining(steps: 50) {
        ($0.precision, $0.optimizer.learningRate) = (precision, 0.003)
      }
      _ = try await shop.run("base-\(precision.rawValue)", recorder: recorder).perform(stage, on: shop.letters())
      losses.append(await recorder.steps.compactMap { $0.values["loss"] })
    }
    #expect(losses.allSatisfy { $0.count == 50 } && losses[0] != losses[1])
    for (step, (high, low)) in zip(losses[0], losses[1]).enumerated() {
      #expect(abs(low - high) / high < tolerance, "step \(step + 1): \(low) and \(high)")
    }
    #expect(losses[1][49] < losses[1][0] * 0.9)
  }

  @Test(arguments: ["engine", "naive"], [Precision.bfloat16, .float8])
  func rolloutsAndTrainingAgreeBitForBit(generator: String, precision: Precision) async throws {
    for microBatchTokens in [8192, 24] { try await agreement(generator, precision, microBatchTokens) }
  }
  private func agreement(_ generator: String, _ precision: Precision, _ microBatchTokens: Int) async throws {
    let shop = try Workshop()
    defer { shop.remove() }
    let recorder = MemoryRecorder()
    let settings = Workshop.reasoning(steps: 3) {
      ($0.generator, $0.microBatchTokens, $0.mismatchLimit) = (generator, microBatchTokens, 0)
      ($0.beta, $0.precision) = (0.01, precision)
    }
    _ = try await shop.run("grpo", recorder: recorder).perform(GRPO(settings), on: shop.base())
    let steps = await recorder.steps
    #expect(steps.compactMap { $0.values["mismatch/count"] } == [0, 0, 0])
    #expect(steps.allSatisfy { $0.values["entropy_estimate", default: 0] > 0 })
    #expect(steps.first?.values["kl"] == 0, "the reference has the policy's precision and its first weights")
  }

  /// In fp8 with AdamW's moments in bfloat16, saved as that.
  @Test(arguments: [Precision.bfloat16, .float8])
  func aResumedStageGoesOnInItsPrecision(_ precision: Precision) async throws {
    let shop = try Workshop()
    defer { shop.remove() }
    let stage = { try Workshop.pretraining(steps: 6) { ($0.precision, $0.saveEvery) = (precision, 3) } }
    let proof = try await ResumeProof.measure(
      stage(), on: shop.letters(), stoppingAfter: 3, in: shop.run("resume"),
      resumingOn: Device(CPUBackend(threads: 2)))
    #expect(proof.straight == proof.resumed)
  }

  /// The first steps have the bits of a run in bf16, the next do not; a run that stops before, at and behind the change
  /// goes on as if it had not.
  @Test func precisionCanChangeAfterSomeSteps() async throws {
    let shop = try Workshop()
    defer { shop.remove() }
    func losses(_ name: String, _ change: (inout PretrainSettings) -> Void) async throws -> [Double] {
      let recorder = MemoryRecorder()
      let stage = try Workshop.pretraining(steps: 6, change)
      _ = try await shop.run(name, recorder: recorder).perform(stage, on: shop.letters())
      return await recorder.steps.compactMap { $0.values["loss"] }
    }
    let whole = try await losses("bf16") { $0.precision = .bfloat16 }
    let changed = try await losses("changed") { ($0.precision, $0.bfloat16Steps) = (.float8, 3) }
    // The loss of the fourth step is the first that is computed in fp8.
    #expect(whole.count == 6 && changed.count == 6 && changed[..<3] == whole[..<3] && changed[3] != whole[3])
    for stop in 2...4 {
      let stage = try Workshop.pretraining(steps: 6) {
        ($0.precision, $0.bfloat16Steps, $0.saveEvery) = (.float8, 3, 1)
      }
      let proof = try await ResumeProof.measure(
        stage, on: shop.letters(), stoppingAfter: stop, in: shop.run("resume-\(stop)"),
        resumingOn: Device(CPUBackend(threads: 2)))
      #expect(proof.straight == proof.resumed, "stopped after \(stop)")
    }
  }

  @Test func momentsInBFloat16AreStoredAndReadAsSuch() throws {
    let shop = try Workshop()
    defer { shop.remove() }
    var model = try model(.float8)
    #expect(model.precision.moments == .bfloat16)
    func optimizer(step: Int = 0) -> Optimizer {
      Optimizer(
        OptimizerSettings(), for: model, isHiddenMatrix: model.isHiddenMatrix, step: step,
        moments: model.precision.moments)
    }
    var trained = optimizer()
    let found = gradients(model, [tokens(9, seed: 8)]).gradients
    trained.update(&model, along: found, multiplier: 1)
    try SafetensorsWriter().write(trained.tensorsToStore, in: shop.directory, stem: "optimizer")
    var read = optimizer(step: trained.step)
    try read.load(CheckpointFiles(shop.directory, stem: "optimizer"), on: shop.device)
    #expect(!read.parameters.isEmpty && read.parameters.allSatisfy { $0.tensor.dtype == .bfloat16 })
    #expect(read.parameters.map { $0.tensor.bytes() } == trained.parameters.map { $0.tensor.bytes() })
    #expect(read.parameters.contains { $0.tensor.bytes().contains { $0 != 0 } })
  }

  @Test func anUnknownPrecisionIsRefusedWithTheChoices() throws {
    let error = #expect(throws: ConfigError.self) {
      try PretrainSettings(overlaying: ConfigTree(yaml: "{precision: fp4}"), at: "stages.base")
    }
    let text = "\(try #require(error))"
    #expect(
      text.contains("stages.base.precision") && text.contains("float32") && text.contains("bf16")
        && text.contains("fp8"), "\(text)")
    #expect(try GRPOSettings(overlaying: ConfigTree(yaml: "{precision: fp8}"), at: "").precision == .float8)
  }
}
