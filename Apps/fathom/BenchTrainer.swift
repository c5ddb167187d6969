// Our side of `fathom bench train`: a fresh model and the step that pretraining takes, with a clock around it.
import DeepSeek
import Instruments
import LanguageModels
import Layers
import Optimizers
import Tensors

/// A model in training on random tokens.
struct BenchTrainer {
  private let shape: BenchShape
  private var model: DeepSeekV3Model
  private var optimizer: Optimizer
  private var random = RandomStream(seed: 1)
  private let profiling: ProfilingBackend?
  private var options = TrainingOptions()

  /// Trains on `device`, or with a profile on that.
  init(
    _ shape: BenchShape, in precision: Precision, _ recompute: Recompute, on device: Device,
    _ profiling: ProfilingBackend? = nil
  ) throws {
    (self.shape, self.profiling, options.recompute) = (shape, profiling, recompute)
    let device = profiling.map { Device($0) } ?? device
    let weights = FreshWeights(seed: 0, standardDeviation: 0.02, on: device)
    model = try DeepSeekV3Model(Array(shape.configuration.utf8), from: Weights(weights), on: device)
      .computing(in: precision)
    optimizer = Optimizer(
      OptimizerSettings(), for: model, isHiddenMatrix: model.isHiddenMatrix, moments: model.precision.moments)
  }

  /// Trained parameters.
  var parameterCount: Int { model.parameters.reduce(0) { $0 + ($1.isTrained ? $1.tensor.shape.count : 0) } }

  /// Seconds of each of `steps` steps, after one that is not timed. `report` gets the number of
  /// steps that are done, while no clock runs. A profile is of the timed steps.
  mutating func timed(_ steps: Int, _ report: (Int) -> Void = { _ in }) throws -> [Double] {
    _ = try step()
    profiling?.reset()
    return try (1...steps).map { done in
      let seconds = try step()
      report(done)
      return seconds
    }
  }

  /// Bytes that wait for the way back between the two halves of a step: what a backend that reports its bytes in use
  /// through `bytesInUse` holds then and did not hold before. Weights are in their packed layout already.
  mutating func bytesKept(_ bytesInUse: () -> Int) -> Int {
    let (batch, targets) = draw()
    _ = model.trainingPass(batch, targets: targets, options).logProbabilities.floats()
    let before = bytesInUse()
    var kept = 0
    _ = valueAndGradients(of: model) { tracked in
      let loss = tracked.trainingPass(batch, targets: targets, options).logProbabilities.total()
      kept = bytesInUse() - before
      return loss
    }
    return kept
  }

  /// Seconds of one step: forward with the cross-entropy of every position, gradients, clipping, AdamW. The whole batch
  /// goes at once, as pretraining does by default.
  private mutating func step() throws -> Double {
    let (batch, targets) = draw()
    let began = ContinuousClock.now
    profiling?.begin(.forward)
    var observations: [RouterObservation] = []
    let (loss, gradients) = valueAndGradients(of: model) { tracked in
      let pass = tracked.trainingPass(batch, targets: targets, options)
      observations = pass.observations
      let loss = pass.logProbabilities.total() * (-1 / Float(targets.count))
      profiling?.begin(.backward)
      return loss
    }
    profiling?.begin(.update)
    let value = loss.scalar()
    let norm = optimizer.update(&model, along: gradients, multiplier: 1)
    model.settle(observations, options)
    let seconds = (ContinuousClock.now - began) / .seconds(1)
    guard value.isFinite, norm.isFinite else {
      throw CommandError("training diverged: loss \(value), gradient norm \(norm); finite numbers were expected")
    }
    return seconds
  }

  /// Rows of random tokens, and the token after each.
  private mutating func draw() -> (TokenBatch, [Int32]) {
    let vocabulary = UInt64(model.vocabularySize)
    let rows = (0..<shape.batch).map { _ in
      (0...shape.sequenceLength).map { _ in Int32(random.next() % vocabulary) }
    }
    let batch = TokenBatch(
      tokens: rows.flatMap { $0.dropLast() }, rows: rows.map { .init(count: $0.count - 1) })
    return (batch, rows.flatMap { $0.dropFirst() })
  }
}
