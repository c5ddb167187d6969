// How positions become angles, between config.json's `rope_scaling` and the keys of a GGUF file.
// Llama 3 is the odd one: its file holds no keys but a tensor of what the frequencies are divided by.
import Checkpoints
import Foundation
import GGUF
import Recipes

/// The scaling of Llama 3.1 and later (`rope_type` llama3): long wavelengths are stretched by `factor`, short ones are
/// left alone, and those between are blended.
struct Llama3Scaling: Sendable, Equatable {
  static let tensor = "rope_freqs.weight"
  var factor: Double
  var lowFrequencyFactor: Double
  var highFrequencyFactor: Double
  var originalContext: Int

  init(factor: Double, low: Double = 1, high: Double = 4, originalContext: Int = 8192) {
    (self.factor, lowFrequencyFactor, highFrequencyFactor) = (factor, low, high)
    self.originalContext = originalContext
  }

  init(_ section: PublishedSettings) throws {
    func positive(_ key: String) throws -> Double {
      guard let value = try section.number(key), value > 0 else { throw section.reject(key, "a number above 0") }
      return value
    }
    self.init(
      factor: try positive("factor"), low: try positive("low_freq_factor"), high: try positive("high_freq_factor"),
      originalContext: try section.requiredExtent("original_max_position_embeddings"))
    guard highFrequencyFactor > lowFrequencyFactor else {
      throw section.reject("high_freq_factor", "a number above low_freq_factor")
    }
  }

  /// What the frequencies of a `width`-wide head are divided by, width / 2 numbers.
  func divisors(theta: Double, width: Int) -> [Float] {
    (0..<width / 2).map { i in
      let wavelength = 2 * Double.pi * pow(theta, 2 * Double(i) / Double(width))
      let turns = Double(originalContext) / wavelength
      if turns > highFrequencyFactor { return 1 }
      if turns < lowFrequencyFactor { return Float(factor) }
      let smooth = (turns - lowFrequencyFactor) / (highFrequencyFactor - lowFrequencyFactor)
      return Float(1 / ((1 - smooth) / factor + smooth))
    }
  }

  /// The scaling whose divisors these are; the published models differ in the factor alone. Throws when none fits.
  init(divisors: [Float], theta: Double, path: String) throws {
    self.init(factor: Double(divisors.max() ?? 1))
    let expected = self.divisors(theta: theta, width: 2 * divisors.count)
    let fits = zip(divisors, expected).allSatisfy { abs($0 - $1) <= 1e-3 * abs($1) }
    guard fits, factor >= 1, factor.isFinite else {
      throw CheckpointError(
        path, tensor: Llama3Scaling.tensor,
        "its numbers are not those of Llama 3's scaling with factor \(factor), low 1, high 4 and 8192 positions; no "
          + "other scaling by a tensor is understood")
    }
  }

  var section: ConfigTree {
    .table([
      "rope_type": .string("llama3"), "factor": .double(factor), "low_freq_factor": .double(lowFrequencyFactor),
      "high_freq_factor": .double(highFrequencyFactor), "original_max_position_embeddings": .int(originalContext),
    ])
  }
}

/// What a configuration says about rotary embeddings.
struct RotaryScaling: Sendable {
  let theta: Double
  private let section: PublishedSettings?
  /// `default`, `linear`, `yarn` or `llama3`.
  private let type: String

  init(_ settings: PublishedSettings) throws {
    let section = try settings.section("rope_parameters") ?? settings.section("rope_scaling")
    let theta = try section?.number("rope_theta") ?? settings.number("rope_theta") ?? 10000
    guard theta > 1 else { throw settings.reject("rope_theta", "a number above 1") }
    let type = try section?.text("rope_type") ?? section?.text("type") ?? "default"
    guard ["default", "linear", "yarn", "llama3"].contains(type) else {
      throw CheckpointError(
        settings.path, "the rotary scaling '\(type)' has no place in a GGUF file; default, linear, yarn and llama3 do")
    }
    (self.theta, self.section, self.type) = (theta, section, type)
  }

  /// Llama 3's scaling, if it is this.
  func llama3() throws -> Llama3Scaling? {
    guard type == "llama3", let section else { return nil }
    return try Llama3Scaling(section)
  }

  /// The keys of the file, without the architecture's name.
  func keys() throws -> [(String, GGUFValue)] {
    var keys: [(String, GGUFValue)] = [("rope.freq_base", .float32(Float(theta)))]
    guard let section, type == "linear" || type == "yarn" else { return keys }
    guard let factor = try section.number("factor"), factor > 0 else {
      throw section.reject("factor", "a number above 0")
    }
    keys += [("rope.scaling.type", .string(type)), ("rope.scaling.factor", .float32(Float(factor)))]
    if let original = try section.extent("original_max_position_embeddings") {
      keys.append(("rope.scaling.original_context_length", .uint32(UInt32(original))))
    }
    // Readers multiply by ln(factor): 0.1 · k is the slope of m(s, k) = 0.1 · k · ln s + 1.
    if let all = try section.number("mscale_all_dim") {
      keys.append(("rope.scaling.yarn_log_multiplier", .float32(Float(0.1 * all))))
    }
    for (published, key) in RotaryScaling.betas {
      if let value = try section.number(published) { keys.append((key, .float32(Float(value)))) }
    }
    return keys
  }
  private static let betas = [
    ("beta_fast", "rope.scaling.yarn_beta_fast"), ("beta_slow", "rope.scaling.yarn_beta_slow"),
  ]

  /// `rope_theta` and `rope_scaling` of a file. `headWidth` is the width that is turned.
  static func settings(of file: GGUFFile, _ architecture: GGUFArchitecture) throws -> [String: ConfigTree] {
    let prefix = architecture.rawValue
    func has(_ key: String) -> Bool { file.metadata["\(prefix).\(key)"] != nil }
    let theta = has("rope.freq_base") ? try file.number("\(prefix).rope.freq_base") : 10000
    var settings: [String: ConfigTree] = ["rope_theta": .double(theta)]
    if file.contains(Llama3Scaling.tensor) {
      let divisors = try file.rows(of: Llama3Scaling.tensor).numbers()
      if divisors.contains(where: { $0 != 1 }) {
        settings["rope_scaling"] = try Llama3Scaling(divisors: divisors, theta: theta, path: file.path).section
      }
    }
    let type = has("rope.scaling.type") ? try file.text("\(prefix).rope.scaling.type") : "none"
    if type == "none" { return settings }
    guard type == "linear" || type == "yarn" else {
      throw CheckpointError(
        file.path,
        "the key '\(prefix).rope.scaling.type' is '\(CheckpointError.shortened(type))'; none, linear and "
          + "yarn are understood")
    }
    var section: [String: ConfigTree] = [
      "type": .string(type), "rope_type": .string(type),
      "factor": .double(try file.number("\(prefix).rope.scaling.factor")),
    ]
    if has("rope.scaling.original_context_length") {
      section["original_max_position_embeddings"] = .int(
        try file.count("\(prefix).rope.scaling.original_context_length"))
    }
    if has("rope.scaling.yarn_log_multiplier") {
      // Ten times a rounded tenth: seven digits are what a float32 carries.
      let all = try file.number("\(prefix).rope.scaling.yarn_log_multiplier")
      let scale = ConfigTree.double((all * 1e7).rounded() / 1e6)
      (section["mscale_all_dim"], section["mscale"]) = (scale, scale)
    }
    for (published, key) in betas {
      if has(key) {
        section[published] = .double(try file.number("\(prefix).\(key)"))
      } else if architecture == .deepseek2 && type == "yarn" {
        section[published] = .int(published == "beta_fast" ? 32 : 1)
      }
    }
    settings["rope_scaling"] = .table(section)
    return settings
  }
}
