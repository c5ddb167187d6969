// The `quantization_config` of a checkpoint whose linear weights are stored in eight bits.
import Foundation

/// Which quantised checkpoints can be read: eight-bit floats with a scale for every block of 128 × 128.
package struct PublishedQuantization: Decodable {
  let quant_method: String?
  let fmt: String?
  let weight_block_size: [Int]?

  package func validate(_ rules: ConfigurationRules) throws {
    try rules.require(quant_method == "fp8", "quantization_config.quant_method", quant_method ?? "missing", "fp8")
    try rules.require((fmt ?? "e4m3") == "e4m3", "quantization_config.fmt", fmt ?? "", "e4m3")
    try rules.require(
      weight_block_size == [128, 128], "quantization_config.weight_block_size",
      weight_block_size.map { "\($0)" } ?? "missing", "[128, 128]")
  }

  /// The configuration as it is written beside weights that have been widened: other tools would take the key as a
  /// reason to look for scales. Unchanged when there is no such key.
  package static func removed(from configuration: [UInt8]) -> [UInt8] {
    guard var keys = (try? JSONSerialization.jsonObject(with: Data(configuration))) as? [String: Any],
      keys.removeValue(forKey: "quantization_config") != nil,
      let text = try? JSONSerialization.data(
        withJSONObject: keys, options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
    else { return configuration }
    return [UInt8](text)
  }
}
