// What a recipe may say about the optimizer.
import Recipes

/// AdamW for every parameter, or Muon for hidden matrices and AdamW for the rest.
public struct OptimizerSettings: Configuration, Equatable {
  public enum Kind: String, Codable, Sendable { case adamw, muon }
  public var kind = Kind.adamw
  /// AdamW's peak learning rate.
  public var learningRate = 3e-4
  /// How much of AdamW's first moment stays at each step.
  public var beta1 = 0.9
  /// How much of AdamW's second moment stays at each step.
  public var beta2 = 0.95
  /// Added to the root of the second moment.
  public var epsilon = 1e-8
  /// AdamW's, decoupled, times the learning rate; norms, biases and single vectors are not decayed.
  public var weightDecay = 0.1
  /// Muon's peak learning rate, multiplied by √max(1, rows / columns) per matrix.
  public var matrixLearningRate = 0.02
  /// How much of Muon's momentum stays at each step.
  public var momentum = 0.95
  /// Muon's, decoupled, times its learning rate.
  public var matrixWeightDecay = 0.01
  /// The gradient's norm is cut to this; 0 leaves it.
  public var clip = 1.0
  public var schedule = Schedule()
  public init() {}

  public func validate() throws {
    let positive = [("learningRate", learningRate), ("epsilon", epsilon), ("matrixLearningRate", matrixLearningRate)]
    for (key, value) in positive where !(value > 0 && value.isFinite) {
      throw ConfigError(path: key, problem: "is \(value); it must be above 0")
    }
    for (key, value) in [("beta1", beta1), ("beta2", beta2), ("momentum", momentum)] where !(0..<1).contains(value) {
      throw ConfigError(path: key, problem: "is \(value); it must be at least 0 and below 1")
    }
    for (key, value) in [("weightDecay", weightDecay), ("matrixWeightDecay", matrixWeightDecay), ("clip", clip)]
    where !(value >= 0 && value.isFinite) {
      throw ConfigError(path: key, problem: "is \(value); it must be 0 or more")
    }
    try schedule.validate()
  }
}
