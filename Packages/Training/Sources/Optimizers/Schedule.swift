// How the learning rate moves over a run.
import Recipes

/// Warm-up, then constant, then linear decay to a fraction, as a multiplier of the peak rate.
public struct Schedule: Configuration, Equatable {
  /// Steps of linear warm-up from 0.
  public var warmupSteps = 0
  /// The last fraction of the run over which the rate falls linearly.
  public var decayFraction = 0.0
  /// Where the decay ends, as a fraction of the peak.
  public var finalFraction = 0.0
  public init() {}

  public func validate() throws {
    guard warmupSteps >= 0 else {
      throw ConfigError(path: "warmupSteps", problem: "is \(warmupSteps); it must be 0 or more")
    }
    guard (0...1).contains(decayFraction) else {
      throw ConfigError(path: "decayFraction", problem: "is \(decayFraction); it must be between 0 and 1")
    }
    guard (0...1).contains(finalFraction) else {
      throw ConfigError(path: "finalFraction", problem: "is \(finalFraction); it must be between 0 and 1")
    }
  }

  /// The multiplier for `step` (from 0) of `steps`.
  public func multiplier(step: Int, of steps: Int) -> Double {
    let rise = warmupSteps > 0 ? min(1, Double(step + 1) / Double(warmupSteps)) : 1
    let decaySteps = decayFraction * Double(steps)
    let left = Double(steps - step)
    guard decaySteps > 0, left < decaySteps else { return rise }
    return rise * (finalFraction + (1 - finalFraction) * left / decaySteps)
  }
}
