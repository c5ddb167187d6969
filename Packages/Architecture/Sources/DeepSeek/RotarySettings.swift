// Rotary frequencies, plain or stretched by YaRN (Peng et al. 2023) as DeepSeek applies it.
import Foundation
import LanguageModels
import Tensors

/// How positions become angles, and how the softmax scale answers for it.
public struct RotarySettings: Sendable, Equatable {
  /// The keys of `rope_scaling` with type `yarn`; 0 stands for a scale that is not given.
  public struct YaRN: Sendable, Equatable {
    var factor: Double
    var betaFast: Double
    var betaSlow: Double
    var mscale: Double
    var mscaleAllDim: Double
    var originalContext: Int
  }
  /// The base of the frequencies: pair i of a width w turns by θ^(−2i/w) per position.
  public var theta: Double
  /// nil leaves the frequencies as they are.
  public var yarn: YaRN?

  init(_ file: PublishedConfiguration) throws {
    let rope = file.rope_parameters ?? file.rope_scaling
    theta = rope?.rope_theta ?? file.rope_theta ?? 10000
    if !(theta > 1 && theta.isFinite) { throw ModelError("config.json: 'rope_theta' is \(theta); it must be above 1") }
    switch rope?.rope_type ?? rope?.type ?? "default" {
    case "default": yarn = nil
    case "yarn":
      guard let factor = rope?.factor, factor > 0, factor.isFinite else {
        throw ModelError("config.json: yarn rope scaling needs a positive 'factor'")
      }
      let original = rope?.original_max_position_embeddings ?? file.max_position_embeddings ?? 4096
      if original < 1 {
        throw ModelError("config.json: 'original_max_position_embeddings' is \(original); it must be at least 1")
      }
      // Without mscale_all_dim the published code leaves the softmax scale alone; without either, the tables carry m.
      yarn = YaRN(
        factor: factor, betaFast: rope?.beta_fast ?? 32, betaSlow: rope?.beta_slow ?? 1, mscale: rope?.mscale ?? 0,
        mscaleAllDim: rope?.mscale_all_dim ?? 0, originalContext: original)
    case let other: throw ModelError("config.json: rope type '\(other)' is not known; 'default' and 'yarn' are")
    }
  }

  /// m(s, k) = 0.1 · k · ln s + 1 for s above 1.
  static func stretch(_ factor: Double, _ k: Double) -> Double { factor <= 1 ? 1 : 0.1 * k * log(factor) + 1 }

  /// σ: what multiplies q·k before the softmax, for queries of `keyWidth`.
  func softmaxScale(keyWidth: Int) -> Double {
    let plain = 1 / Double(keyWidth).squareRoot()
    guard let yarn, yarn.mscaleAllDim != 0 else { return plain }
    let m = Self.stretch(yarn.factor, yarn.mscaleAllDim)
    return plain * m * m
  }

  /// What multiplies cosines and sines.
  var tableScale: Double {
    guard let yarn else { return 1 }
    if yarn.mscale != 0 && yarn.mscaleAllDim != 0 {
      return Self.stretch(yarn.factor, yarn.mscale) / Self.stretch(yarn.factor, yarn.mscaleAllDim)
    }
    return Self.stretch(yarn.factor, 1)
  }

  /// Angle per position for each pair of a `width`-wide rotation.
  func frequencies(width: Int) -> [Double] {
    let plain = (0..<width / 2).map { pow(theta, -2 * Double($0) / Double(width)) }
    guard let yarn else { return plain }
    func dimension(_ rotations: Double) -> Double {
      Double(width) * log(Double(yarn.originalContext) / (rotations * 2 * .pi)) / (2 * log(theta))
    }
    let low = max(floor(dimension(yarn.betaFast)), 0)
    var high = min(ceil(dimension(yarn.betaSlow)), Double(width - 1))
    if high == low { high += 0.001 }
    return plain.enumerated().map { i, f in
      let ramp = min(max((Double(i) - low) / (high - low), 0), 1)
      return f / yarn.factor * ramp + f * (1 - ramp)
    }
  }
}

/// Cosines and sines of every position up to a length, [positions, width / 2].
struct RotaryTable: Sendable {
  let cosines: Tensor
  let sines: Tensor

  init(_ settings: RotarySettings, width: Int, positions: Int, on device: Device) {
    let (frequencies, scale) = (settings.frequencies(width: width), settings.tableScale)
    let angles = (0..<positions).flatMap { p in frequencies.map { Float(Double(p) * $0) } }
    cosines = Tensor(angles.map { Float(cos(Double($0)) * scale) }, shape: [positions, width / 2], on: device)
    sines = Tensor(angles.map { Float(sin(Double($0)) * scale) }, shape: [positions, width / 2], on: device)
  }
}
