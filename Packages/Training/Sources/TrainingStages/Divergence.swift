// What happens when a loss or a gradient is no longer a number: the step changes nothing, and the stage stops with a
// sentence that says where to look, or goes on with the next batch while the recipe allows it.
import ProcessGraph
import Recipes

/// What a recipe may say about steps whose loss or gradient is not finite.
public struct DivergenceSettings: Configuration, Equatable {
  /// Steps of the stage that may be skipped in all; 0 stops at the first.
  public var skips = 0
  public init() {}
  public func validate() throws { try require([("skips", skips, 0)]) }
}

/// A loss or gradient that is no longer a number.
public struct DivergenceError: Error, CustomStringConvertible {
  public let stage: String
  public let step: Int
  /// The documents or problems of the step, for example "documents 512–539 of epoch 0".
  public let batch: String
  public let place: NonFinitePlace
  /// Steps that were skipped before this one.
  public let skipped: Int
  let loss: Double
  let gradientNorm: Double

  public var description: String {
    let part = place.part.map { "part \($0) of " } ?? ""
    let before = skipped > 0 ? ", after \(skipped) skipped step\(skipped == 1 ? "" : "s")" : ""
    return "stage '\(stage)' diverged at step \(step): loss \(loss), gradient norm \(gradientNorm) on "
      + "\(part)\(batch)\(before); first not finite was \(place.what); "
      + "the last checkpoint is kept, a lower learning rate may work"
  }
}

/// One step that may have left the numbers: what is needed to go on from it, or to say why not.
struct StepVerdict {
  let stage: String
  /// Counted from 1.
  let step: Int
  let batch: String
  let loss: Double
  let gradientNorm: Double
  /// Steps skipped so far, this one included.
  let skipped: Int
  /// Nil when every number was finite.
  let place: NonFinitePlace?
  let isSkipped: Bool

  /// Judges a step before it is counted. A step that the settings allow to skip is counted as skipped, and says so in
  /// its figures.
  init(
    _ outcome: inout StepOutcome, of stage: String, on batch: String, _ state: inout TrainerState,
    _ settings: DivergenceSettings
  ) {
    isSkipped = outcome.place != nil && state.skipped < settings.skips
    if isSkipped {
      state.skipped += 1
      outcome.figures["skipped"] = Double(state.skipped)
    }
    (self.stage, step, self.batch, place) = (stage, state.step + 1, batch, outcome.place)
    (loss, gradientNorm, skipped) = (outcome.loss, outcome.gradientNorm, state.skipped)
  }

  /// Whether the weights are those of a sound step.
  var goesOn: Bool { place == nil || isSkipped }

  /// Throws a `DivergenceError` unless the stage may go on. Called when the step is on record.
  func stopUnlessSkipped(noting progress: any ProgressReporter) throws {
    guard let place else { return }
    guard isSkipped else { throw error(place) }
    progress.note(
      "\(stage): step \(step) is skipped, \(skipped) so far: on \(batch) first not finite was \(place.what)")
  }

  /// Throws when an update has made a weight or a moment that is not finite: saved, it would push out a good checkpoint.
  func requireFinite(_ state: TrainerState) throws {
    if let name = state.nonFiniteName { throw error(NonFinitePlace(weight: name, " after the update")) }
  }

  private func error(_ place: NonFinitePlace) -> DivergenceError {
    DivergenceError(
      stage: stage, step: step, batch: batch, place: place, skipped: skipped, loss: loss, gradientNorm: gradientNorm)
  }
}
