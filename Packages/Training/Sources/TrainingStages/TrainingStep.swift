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

/// What the parts of a step add up to, before any weight moves.
struct AccumulatedStep {
  var loss = 0.0
  /// Nil when there are no parts.
  var gradients: Gradients?
  var figures: [String: Double] = [:]
  /// Tokens given to each expert, over all parts.
  var observations: [RouterObservation] = []
}

/// Losses and gradients of parts whose losses add up to the step's loss.
func accumulate<Part>(
  _ model: any LanguageModel, parts: [Part], _ loss: (any LanguageModel, Part) -> PartLoss
) -> AccumulatedStep {
  var sum = AccumulatedStep()
  var observations: [[RouterObservation]] = []
  for part in parts {
    var figures: [String: Double] = [:]
    let (value, gradients) = model.valueAndGradients { tracked in
      let result = loss(tracked, part)
      observations.append(result.pass.observations)
      figures = result.figures
      return result.loss
    }
    sum.loss += Double(value.scalar())
    sum.figures.merge(figures, uniquingKeysWith: +)
    sum.gradients = sum.gradients.map { $0 + gradients } ?? gradients
  }
  sum.observations = RouterObservation.sum(observations)
  return sum
}

/// Trains on parts whose losses add up to the step's loss.
func takeStep<Part>(
  _ state: inout TrainerState, parts: [Part], options: TrainingOptions, multiplier: Double,
  _ loss: (any LanguageModel, Part) -> PartLoss
) -> StepOutcome {
  let sum = accumulate(state.model, parts: parts, loss)
  var outcome = StepOutcome(loss: sum.loss, figures: sum.figures)
  if let total = sum.gradients {
    outcome.gradientNorm = state.model.move(by: &state.optimizer, along: total, multiplier: multiplier)
  }
  state.model.settle(sum.observations, options)
  if let worst = sum.observations.map(\.maximumViolation).max() { outcome.figures["router/max_violation"] = worst }
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
