// Reading a published config.json: keys by name, and one sentence for the first that cannot be.
// The limits are far above every model there is, and low enough that no product of sizes overflows.
import Foundation

/// The checks that every family makes. They throw `ModelError`.
package struct ConfigurationRules: Sendable {
  /// For sentences: the `model_type` that is being read.
  package let modelType: String
  package init(_ modelType: String) { self.modelType = modelType }

  /// A size that stands alone: a width, a vocabulary, a context.
  package static let largestSize = 1 << 24
  /// Elements of one matrix.
  static let largestMatrix = 1 << 36
  /// Elements of the table of rotary angles: a million positions for the widest heads there are.
  static let largestTable = 1 << 28
  package static let mostLayers = 4096
  package static let mostExperts = 2048

  /// The keys of `Keys`, by their published names.
  package func decode<Keys: Decodable>(_: Keys.Type, _ configuration: [UInt8]) throws -> Keys {
    do {
      return try JSONDecoder().decode(Keys.self, from: Data(configuration))
    } catch DecodingError.keyNotFound(let key, _) {
      throw ModelError("config.json: '\(key.stringValue)' is missing; a \(modelType) model needs it")
    } catch DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context),
      DecodingError.dataCorrupted(let context)
    {
      let key = context.codingPath.map(\.stringValue).joined(separator: ".")
      throw ModelError("config.json: '\(key.isEmpty ? "<file>" : key)' cannot be read: \(context.debugDescription)")
    }
  }

  package func require(_ holds: Bool, _ key: String, _ found: some Any, _ wanted: String) throws {
    if !holds { throw ModelError("config.json: '\(key)' is \(found); it must be \(wanted)") }
  }
  package func sizes(_ sizes: [(key: String, value: Int)], upTo limit: Int = largestSize) throws {
    for (key, value) in sizes { try require(value >= 1 && value <= limit, key, value, "between 1 and \(limit)") }
  }
  /// `columns` · `rows` of one matrix, both already known to be sizes or joint widths.
  package func matrix(_ name: String, _ rows: Int, _ columns: Int) throws {
    if rows * columns > Self.largestMatrix {
      throw ModelError(
        "config.json: '\(name)' would have \(rows) × \(columns) elements; a matrix may have \(Self.largestMatrix)")
    }
  }
  /// The table of rotary angles, which is made whole when a model is built.
  package func rotaryTable(positions: Int, width: Int) throws {
    try require(
      positions * width <= Self.largestTable, "max_position_embeddings", positions,
      "at most \(Self.largestTable / width) with rotations of \(width)")
  }
  /// Heads side by side.
  package func jointWidth(_ key: String, _ heads: Int, of width: Int) throws {
    try require(
      heads * width <= Self.largestSize, key, heads, "at most \(Self.largestSize / width) with heads of \(width)")
  }
  package func activation(_ name: String?) throws {
    try require((name ?? "silu") == "silu", "hidden_act", name ?? "", "silu")
  }
  package func epsilon(_ value: Double) throws {
    try require(value >= 0 && value.isFinite, "rms_norm_eps", value, "a number of at least 0")
  }
}
