// From a config.json to the keys of a GGUF file, in the order that other writers use.
import Checkpoints
import Foundation
import GGUF
import Recipes

extension GGUFArchitecture {
  /// The keys that describe the model, `general.*` and the architecture's own. Throws `CheckpointError`.
  func metadata(for settings: PublishedSettings, name: String) throws -> [(key: String, value: GGUFValue)] {
    var keys: [(key: String, value: GGUFValue)] = [
      ("general.architecture", .string(rawValue)), ("general.type", .string("model")), ("general.name", .string(name)),
    ]
    func add(_ key: String, _ value: GGUFValue) { keys.append(("\(rawValue).\(key)", value)) }
    for rule in settingRules {
      if let value = try rule.value(in: settings) { add(rule.key, value) }
    }
    for (key, value) in try RotaryScaling(settings).keys() { add(key, value) }
    if let activation = try settings.text("hidden_act"), activation != "silu" {
      throw settings.reject("hidden_act", "'silu'")
    }
    switch self {
    case .llama, .qwen2, .qwen3:
      let width = try headWidth(settings)
      add("rope.dimension_count", .uint32(UInt32(width)))
      if try settings.extent("head_dim") != nil {
        add("attention.key_length", .uint32(UInt32(width)))
        add("attention.value_length", .uint32(UInt32(width)))
      }
    case .deepseek2: try deepSeek(settings).forEach { add($0.0, $0.1) }
    }
    return keys
  }

  /// The width of a head of plain attention.
  func headWidth(_ settings: PublishedSettings) throws -> Int {
    if let width = try settings.extent("head_dim") { return width }
    let (hidden, heads) = (
      try settings.requiredExtent("hidden_size"), try settings.requiredExtent("num_attention_heads")
    )
    guard hidden % heads == 0 else {
      throw settings.reject("num_attention_heads", "a divisor of hidden_size \(hidden)")
    }
    return hidden / heads
  }

  private func deepSeek(_ settings: PublishedSettings) throws -> [(String, GGUFValue)] {
    let extents = try ModelExtents(settings, self)
    func number(_ value: Int) -> GGUFValue { .uint32(UInt32(value)) }
    if let every = try settings.count("moe_layer_freq"), every != 1 { throw settings.reject("moe_layer_freq", "1") }
    if try settings.flag("rope_interleave") == false { throw settings.reject("rope_interleave", "true") }
    guard let scoring = try settings.text("scoring_func"), ["sigmoid", "softmax"].contains(scoring) else {
      throw settings.reject("scoring_func", "'sigmoid' or 'softmax'")
    }
    var keys: [(String, GGUFValue)] = [
      // One key and one value of latent width, which all heads share.
      ("attention.head_count_kv", number(1)),
      ("attention.key_length", number(extents.latent + extents.rotary)),
      ("attention.value_length", number(extents.latent)),
      ("attention.key_length_mla", number(extents.noPosition + extents.rotary)),
      ("attention.value_length_mla", number(extents.value)),
      ("expert_gating_func", number(scoring == "sigmoid" ? 2 : 1)),
    ]
    // Readers need the key for all but two depths; 0 stands for queries of a single projection.
    if try settings.count("q_lora_rank") == nil { keys.append(("attention.q_lora_rank", number(0))) }
    return keys
  }
}
