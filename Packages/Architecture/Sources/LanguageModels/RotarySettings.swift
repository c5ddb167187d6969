// How positions become angles: plain rotary frequencies, or stretched in one of the ways that checkpoints name.
import Foundation

/// The base of the frequencies and how they are stretched to longer contexts.
public struct RotarySettings: Sendable, Equatable {
  /// What is done to the plain frequencies; the names are those of `rope_type`.
  public enum Scaling: Sendable, Equatable {
    case none
    /// Every frequency is divided.
    case linear(factor: Double)
    case llama3(Llama3)
    case yarn(YaRN)
  }
  /// Llama 3.1: waves longer than the old context are divided, short ones stay, and those between are mixed.
  public struct Llama3: Sendable, Equatable {
    var factor: Double
    var lowFrequencyFactor: Double
    var highFrequencyFactor: Double
    var originalContext: Int
  }
  /// YaRN (Peng et al. 2023) as DeepSeek applies it; 0 stands for a scale that is not given.
  public struct YaRN: Sendable, Equatable {
    var factor: Double
    var betaFast: Double
    var betaSlow: Double
    var mscale: Double
    var mscaleAllDim: Double
    var originalContext: Int
    /// What multiplies cosines and sines, where the configuration says so itself.
    var attentionFactor: Double?
  }
  /// The base of the frequencies: pair i of a width w turns by θ^(−2i/w) per position.
  public var theta: Double
  public var scaling: Scaling

  /// m(s, k) = 0.1 · k · ln s + 1 for s above 1.
  private static func stretch(_ factor: Double, _ k: Double) -> Double { factor <= 1 ? 1 : 0.1 * k * log(factor) + 1 }

  /// σ: what multiplies q·k before the softmax in latent attention, for queries of `keyWidth`. Without mscale_all_dim
  /// the published code leaves it alone.
  package func softmaxScale(keyWidth: Int) -> Double {
    let plain = 1 / Double(keyWidth).squareRoot()
    guard case .yarn(let yarn) = scaling, yarn.mscaleAllDim != 0 else { return plain }
    let m = Self.stretch(yarn.factor, yarn.mscaleAllDim)
    return plain * m * m
  }

  /// What multiplies cosines and sines.
  var tableScale: Double {
    guard case .yarn(let yarn) = scaling else { return 1 }
    if let given = yarn.attentionFactor { return given }
    if yarn.mscale != 0 && yarn.mscaleAllDim != 0 {
      return Self.stretch(yarn.factor, yarn.mscale) / Self.stretch(yarn.factor, yarn.mscaleAllDim)
    }
    return Self.stretch(yarn.factor, 1)
  }

  /// Angle per position for each pair of a `width`-wide rotation.
  package func frequencies(width: Int) -> [Double] {
    let plain = (0..<width / 2).map { pow(theta, -2 * Double($0) / Double(width)) }
    switch scaling {
    case .none: return plain
    case .linear(let factor): return plain.map { $0 / factor }
    case .llama3(let llama): return plain.map(llama.scaled)
    case .yarn(let yarn): return yarn.scaled(plain, width: width, theta: theta)
    }
  }
}

extension RotarySettings.Llama3 {
  func scaled(_ frequency: Double) -> Double {
    let rotations = Double(originalContext) * frequency / (2 * .pi)  // of this pair over the old context
    if rotations < lowFrequencyFactor { return frequency / factor }
    if rotations > highFrequencyFactor { return frequency }
    let share = (rotations - lowFrequencyFactor) / (highFrequencyFactor - lowFrequencyFactor)
    return (1 - share) * frequency / factor + share * frequency
  }
}

extension RotarySettings.YaRN {
  /// Pairs that turn often over the old context stay, those that turn rarely are divided, in between there is a ramp.
  func scaled(_ plain: [Double], width: Int, theta: Double) -> [Double] {
    func dimension(_ rotations: Double) -> Double {
      Double(width) * log(Double(originalContext) / (rotations * 2 * .pi)) / (2 * log(theta))
    }
    let low = max(floor(dimension(betaFast)), 0)
    var high = min(ceil(dimension(betaSlow)), Double(width - 1))
    if high == low { high += 0.001 }
    return plain.enumerated().map { i, f in
      let ramp = min(max((Double(i) - low) / (high - low), 0), 1)
      return f / factor * ramp + f * (1 - ramp)
    }
  }
}
