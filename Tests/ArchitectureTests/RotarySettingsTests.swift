// Frequencies and softmax scales against published values: those of DeepSeek's configurations and of Llama 3.1.
import Foundation
import Testing

@testable import DeepSeek
@testable import LanguageModels

@Suite struct RotarySettingsTests {
  private func settings(_ json: String) throws -> RotarySettings {
    let rules = ConfigurationRules("deepseek_v3")
    return try RotarySettings(rules.decode(PublishedRotary.self, Array(json.utf8)), rules)
  }
  private func yarn(_ scale: Double) throws -> RotarySettings {
    try settings(
      """
      {"rope_theta": 10000, "max_position_embeddings": 163840, "rope_scaling": {"type": "yarn", "factor": 40,
      "beta_fast": 32, "beta_slow": 1, "mscale": \(scale), "mscale_all_dim": \(scale),
      "original_max_position_embeddings": 4096}}
      """)
  }

  @Test func yarnFrequenciesAreThePublishedOnes() throws {
    let found = try yarn(1).frequencies(width: 64)
    let wanted = [
      0: 1, 10: 0.0562341325, 11: 0.0390069266, 12: 0.0268793601, 16: 0.0055, 20: 7.90569474e-4, 23: 3.33380358e-5,
      31: 3.33380358e-6,
    ]
    for (i, f) in wanted { #expect(abs(found[i] - f) <= 1e-6 * f, "frequency \(i) is \(found[i])") }
  }

  @Test(arguments: [(0.707, 0.1147213868), (1.0, 0.1352337789)])
  func softmaxScalesAreThePublishedOnes(scale: Double, wanted: Double) throws {
    #expect(abs(try yarn(scale).softmaxScale(keyWidth: 192) - wanted) < 1e-9)
    #expect(abs(try settings("{}").softmaxScale(keyWidth: 192) - 0.0721687836) < 1e-9)
  }

  /// R1-Distill-Llama: of 64 pairs the first turn often over 8192 positions and stay, the last are divided by 8.
  @Test func llama3FrequenciesStayAreMixedAndAreDivided() throws {
    let llama = try settings(
      """
      {"rope_theta": 500000.0, "rope_scaling": {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0,
      "high_freq_factor": 4.0, "original_max_position_embeddings": 8192}}
      """)
    let plain = try settings("{\"rope_theta\": 500000.0}").frequencies(width: 128)
    let found = llama.frequencies(width: 128)
    for (i, f) in plain.enumerated() {
      let wavelength = 2 * Double.pi / f
      if wavelength < 8192 / 4 {
        #expect(found[i] == f, "pair \(i)")
      } else if wavelength > 8192 {
        #expect(abs(found[i] - f / 8) < 1e-15, "pair \(i)")
      } else {
        let smooth = (8192 / wavelength - 1) / (4 - 1)
        #expect(abs(found[i] - ((1 - smooth) * f / 8 + smooth * f)) < 1e-15, "pair \(i)")
      }
    }
    #expect(found != plain && Set(zip(found, plain).map { $0 / $1 > 0.99 ? 1 : $0 / $1 < 0.13 ? -1 : 0 }).count == 3)
  }

  @Test func linearScalingDividesAllFrequencies() throws {
    let scaled = try settings("{\"rope_theta\": 100000, \"rope_scaling\": {\"type\": \"linear\", \"factor\": 4.0}}")
    let plain = try settings("{\"rope_theta\": 100000}")
    #expect(scaled.frequencies(width: 128) == plain.frequencies(width: 128).map { $0 / 4 })
  }
}
