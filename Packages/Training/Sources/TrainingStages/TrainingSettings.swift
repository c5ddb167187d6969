// What recipes may say about a training step, shared by every stage that trains.
import LanguageModels
import Recipes

/// The family's own losses and its balance of experts.
public struct ObjectiveSettings: Configuration, Equatable {
  /// λ: weight of the multi-token-prediction loss.
  public var mtpLossWeight = 0.0
  /// α: weight of the sequence-wise balance loss.
  public var balanceLossWeight = 0.0
  /// γ: how far a router's bias moves after each step.
  public var biasUpdateRate = 0.0
  /// Weight of the loss that trains the choice of keys in sparse attention; of no effect without.
  public var indexerLossWeight = 0.0
  public init() {}
  public init(
    mtpLossWeight: Double, balanceLossWeight: Double, biasUpdateRate: Double, indexerLossWeight: Double = 0
  ) {
    (self.mtpLossWeight, self.balanceLossWeight) = (mtpLossWeight, balanceLossWeight)
    (self.biasUpdateRate, self.indexerLossWeight) = (biasUpdateRate, indexerLossWeight)
  }
  public func validate() throws {
    let all = [
      ("mtpLossWeight", mtpLossWeight), ("balanceLossWeight", balanceLossWeight), ("biasUpdateRate", biasUpdateRate),
      ("indexerLossWeight", indexerLossWeight),
    ]
    for (key, value) in all where !(value >= 0 && value.isFinite) {
      throw ConfigError(path: key, problem: "is \(value); it must be 0 or more")
    }
  }
  func options(recomputing recompute: Recompute = .none) -> TrainingOptions {
    var options = TrainingOptions()
    options.recompute = recompute
    options.mtpLossWeight = mtpLossWeight
    options.balanceLossWeight = balanceLossWeight
    options.biasUpdateRate = biasUpdateRate
    options.indexerLossWeight = indexerLossWeight
    return options
  }
}

extension Configuration {
  /// Throws a `ConfigError` for the first number that is below its least value, or so large that products of two such
  /// numbers could not be counted.
  func require(_ values: [(key: String, value: Int, least: Int)]) throws {
    for (key, value, least) in values {
      if value < least { throw ConfigError(path: key, problem: "is \(value); it must be at least \(least)") }
      if value > Int(Int32.max) {
        throw ConfigError(path: key, problem: "is \(value); it must be at most \(Int32.max)")
      }
    }
  }
}
