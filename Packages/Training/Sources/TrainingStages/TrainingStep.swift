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
  /// Where the loss or the gradient left the numbers; the step has then changed nothing. Nil for a sound step.
  var place: NonFinitePlace?
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

/// Losses and gradients of parts whose losses add up to the step's loss; `observe` sees each part's pass once.
func accumulate<Part>(
  _ model: any LanguageModel, parts: [Part], _ loss: (any LanguageModel, Part) -> PartLoss,
  observe: (PartLoss, Part) -> Void = { _, _ in }
) -> AccumulatedStep {
  var sum = AccumulatedStep()
  var observations: [[RouterObservation]] = []
  for part in parts {
    var figures: [String: Double] = [:]
    let (value, gradients) = model.valueAndGradients { tracked in
      let result = loss(tracked, part)
      observe(result, part)
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

/// Trains on parts whose losses add up to the step's loss. When the loss or the gradient's norm is not finite, neither
/// weights nor moments are touched, and `loss` is called again to find out why; `observe` sees each part's pass once.
func takeStep<Part>(
  _ state: inout TrainerState, parts: [Part], options: TrainingOptions, multiplier: Double,
  _ loss: (any LanguageModel, Part) -> PartLoss, observe: (PartLoss, Part) -> Void = { _, _ in }
) -> StepOutcome {
  let sum = accumulate(state.model, parts: parts, loss, observe: observe)
  var outcome = StepOutcome(loss: sum.loss, gradientNorm: sum.gradients?.norm() ?? 0, figures: sum.figures)
  guard outcome.loss.isFinite, outcome.gradientNorm.isFinite else {
    outcome.place = state.model.firstNonFinitePlace(parts, sum.gradients) { loss($0, $1).loss }
    return outcome
  }
  if let total = sum.gradients {
    state.model.move(by: &state.optimizer, along: total, norm: outcome.gradientNorm, multiplier: multiplier)
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
  /// One optimizer step in place, for a model whose type is hidden, along gradients of a known norm.
  mutating func move(by optimizer: inout Optimizer, along gradients: Gradients, norm: Double, multiplier: Double) {
    optimizer.update(&self, along: gradients, norm: norm, multiplier: multiplier)
  }
}

extension Gradients {
  /// The sum, parameter by parameter.
  static func + (a: Gradients, b: Gradients) -> Gradients {
    Gradients(byName: a.byName.merging(b.byName, uniquingKeysWith: +))
  }
}
