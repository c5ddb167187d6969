// A config.json as a tree that is asked for settings by key, with errors that name the file and the key.
import Checkpoints
import Foundation
import Recipes

/// The settings of a published model.
struct PublishedSettings: Sendable {
  let tree: ConfigTree
  /// The file, for errors.
  let path: String

  init(_ tree: ConfigTree, path: String) { (self.tree, self.path) = (tree, path) }

  /// Reads a config.json. Throws `CheckpointError`.
  init(contentsOf path: String) throws {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw CheckpointError(path, "cannot be read; a model's directory has a config.json")
    }
    guard let tree = try? JSONDecoder().decode(ConfigTree.self, from: data), case .table = tree else {
      throw CheckpointError(path, "is not a JSON object; a model's config.json is one")
    }
    self.init(tree, path: path)
  }

  /// The same settings with `defaults` for those that are absent.
  func filled(with defaults: [String: ConfigTree]) -> PublishedSettings {
    guard case .table(var table) = tree else { return self }
    for (key, value) in defaults where self[key] == nil { table[key] = value }
    return PublishedSettings(.table(table), path: path)
  }

  /// A setting; null counts as absent.
  subscript(key: String) -> ConfigTree? {
    guard let value = tree[key], value != .null else { return nil }
    return value
  }

  func reject(_ key: String, _ wanted: String) -> CheckpointError {
    CheckpointError(path, "'\(key)' is \(self[key]?.summary ?? "missing"); \(wanted) was expected")
  }

  /// A whole number from 1 to 2²⁴ (the largest extent that a model may have); nil when the key is absent.
  func extent(_ key: String) throws -> Int? {
    guard let value = self[key] else { return nil }
    guard case .int(let number) = value, (1...1 << 24).contains(number) else {
      throw reject(key, "a whole number from 1 to 16777216")
    }
    return number
  }
  func requiredExtent(_ key: String) throws -> Int {
    guard let value = try extent(key) else { throw reject(key, "a whole number from 1 to 16777216") }
    return value
  }
  /// A whole number from 0 to 2³¹ − 1; nil when the key is absent.
  func count(_ key: String) throws -> Int? {
    guard let value = self[key] else { return nil }
    guard case .int(let number) = value, (0...Int(Int32.max)).contains(number) else {
      throw reject(key, "a whole number from 0 to 2147483647")
    }
    return number
  }
  func number(_ key: String) throws -> Double? {
    switch self[key] {
    case nil: return nil
    case .int(let number): return Double(number)
    case .double(let number) where number.isFinite: return number
    default: throw reject(key, "a finite number")
    }
  }
  func flag(_ key: String) throws -> Bool? {
    guard let value = self[key] else { return nil }
    guard case .bool(let flag) = value else { throw reject(key, "true or false") }
    return flag
  }
  func text(_ key: String) throws -> String? {
    guard let value = self[key] else { return nil }
    guard case .string(let text) = value else { throw reject(key, "a text") }
    return text
  }
  /// A section; nil when the key is absent.
  func section(_ key: String) throws -> PublishedSettings? {
    guard let value = self[key] else { return nil }
    guard case .table = value else { throw reject(key, "a section") }
    return PublishedSettings(value, path: "\(path): \(key)")
  }
}

/// The extents that decide how tensors are rearranged.
struct ModelExtents: Sendable {
  let layers: Int
  let heads: Int
  let keyValueHeads: Int
  /// 0 without a mixture of experts.
  let experts: Int
  /// Of latent attention: the parts of a head without and with position, its value, and the shared latent; else 0.
  let noPosition: Int
  let rotary: Int
  let value: Int
  let latent: Int

  /// Throws `CheckpointError` for settings that no model of the architecture can have.
  init(_ settings: PublishedSettings, _ architecture: GGUFArchitecture) throws {
    layers = try settings.requiredExtent("num_hidden_layers")
    guard layers <= 4096 else { throw settings.reject("num_hidden_layers", "a number up to 4096") }
    heads = try settings.requiredExtent("num_attention_heads")
    keyValueHeads = try settings.extent("num_key_value_heads") ?? heads
    switch architecture {
    case .llama, .qwen2, .qwen3: (experts, noPosition, rotary, value, latent) = (0, 0, 0, 0, 0)
    case .deepseek2:
      experts = try settings.extent("n_routed_experts") ?? 0
      guard experts <= 65_536 else { throw settings.reject("n_routed_experts", "a number up to 65536") }
      noPosition = try settings.requiredExtent("qk_nope_head_dim")
      rotary = try settings.requiredExtent("qk_rope_head_dim")
      value = try settings.requiredExtent("v_head_dim")
      latent = try settings.requiredExtent("kv_lora_rank")
    }
  }
}
