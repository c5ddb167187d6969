// One optimizer step, in micro-batches: forward, gradients, update, and the router's bias.
import LanguageModels
import Layers
import Optimizers
import Tensors

/// What a step did, as numbers to record.
struct StepOutcome {
  var loss = 0.0
  var gradientNorm = 0.0
  var figures: [String: Double] = [:]
  /// Whether training may go on: neither the loss nor the gradient has left the numbers.
  var isFinite: Bool { loss.isFinite && gradientNorm.isFinite }
}

/// One part's forward pass, its share of the step's loss, and figures that add up over parts.
struct PartLoss {
  let pass: TrainingPass
  let loss: Tensor
  let figures: [String: Double]
}

/// Trains on parts whose losses add up to the step's loss.
func takeStep<Part>(
  _ state: inout TrainerState, parts: [Part], options: TrainingOptions, multiplier: Double,
  _ loss: (any LanguageModel, Part) -> PartLoss
) -> StepOutcome {
  var outcome = StepOutcome()
  var total: Gradients?
  var observations: [[RouterObservation]] = []
  for part in parts {
    var figures: [String: Double] = [:]
    let (value, gradients) = state.model.valueAndGradients { tracked in
      let result = loss(tracked, part)
      observations.append(result.pass.observations)
      figures = result.figures
      return result.loss
    }
    outcome.loss += Double(value.scalar())
    outcome.figures.merge(figures, uniquingKeysWith: +)
    total = total.map { $0 + gradients } ?? gradients
  }
  if let total { outcome.gradientNorm = state.model.move(by: &state.optimizer, along: total, multiplier: multiplier) }
  let summed = RouterObservation.sum(observations)
  state.model.settle(summed, options)
  if let worst = summed.map(\.maximumViolation).max() { outcome.figures["router/max_violation"] = worst }
  return outcome
}

extension LanguageModel {
  /// `valueAndGradients(of:)` for a model whose type is hidden.
  func valueAndGradients(_ loss: (any LanguageModel) -> Tensor) -> (value: Tensor, gradients: Gradients) {
    Layers.valueAndGradients(of: self) { loss($0) }
  }
  /// One optimizer step in place, for a model whose type is hidden. Returns the gradient's norm before clipping.
  mutating func move(by optimizer: inout Optimizer, along gradients: Gradients, multiplier: Double) -> Double {
    optimizer.update(&self, along: gradients, multiplier: multiplier)
  }
}

extension Gradients {
  /// The sum, parameter by parameter.
  static func + (a: Gradients, b: Gradients) -> Gradients {
    Gradients(byName: a.byName.merging(b.byName, uniquingKeysWith: +))
  }
}
