// A GGUF file as the model directory that it was converted from: config.json, tensors by their published names, and the
// tokenizer's keys as they are.
import BlockFormats
import Checkpoints
import GGUF
import Layers
import Recipes
import Tensors

/// A model in one GGUF file. Everything is checked when it is opened; numbers are read when they are asked for.
public struct GGUFModel: Sendable {
  public let file: GGUFFile
  public let architecture: GGUFArchitecture
  /// The settings of config.json.
  public let configuration: ConfigTree
  /// The published names of all tensors, in alphabetical order.
  public let names: [String]
  private let sources: [String: Source]
  private let extents: ModelExtents

  /// Where a published tensor is, and its published shape.
  private struct Source: Sendable {
    enum Place: Sendable {
      case tensor(String)
      /// Rows of each of `heads` heads are interleaved.
      case turned(String, heads: Int)
      case expert(String, Int)
      case latent(keys: String, values: String)
    }
    let place: Place
    let shape: [Int]
    /// The file's name of it, or of its first part.
    var tensor: String {
      switch place {
      case .tensor(let tensor), .turned(let tensor, _), .expert(let tensor, _), .latent(let tensor, _): tensor
      }
    }
  }

  /// Opens a file. Throws `CheckpointError` for an architecture or a tensor that has no published counterpart here.
  public init(_ path: String) throws {
    let file = try GGUFFile(path)
    let name = try file.text("general.architecture")
    guard let architecture = GGUFArchitecture(rawValue: name) else {
      let known = GGUFArchitecture.allCases.map(\.rawValue).joined(separator: ", ")
      throw CheckpointError(
        path, "the architecture is '\(CheckpointError.shortened(name))'; \(known) are understood")
    }
    let settings = try architecture.publishedSettings(of: file)
    let extents = try ModelExtents(settings, architecture)
    let sources = try Self.sources(file, architecture, extents)
    (self.file, self.architecture, configuration, self.extents) = (file, architecture, settings.tree, extents)
    (self.sources, names) = (sources, sources.keys.sorted())
  }

  /// The paths of the file's parts, in order; one for a whole file.
  public var partPaths: [String] { file.partPaths }

  /// The tensors of the file, under its own names, and the bytes of each.
  public var storedBytes: [(name: String, bytes: Int)] { file.tensors.map { ($0.name, $0.byteRange.count) } }

  /// config.json as text.
  public var configurationJSON: [UInt8] { Array(configuration.canonicalJSON.utf8) }

  /// The keys that begin with `tokenizer.`, as they are in the file.
  public var tokenizerMetadata: [String: GGUFValue] { file.metadata.filter { $0.key.hasPrefix("tokenizer.") } }

  public func contains(_ name: String) -> Bool { sources[name] != nil }

  /// The published shape of a tensor. Throws a sentence with similar names when there is no such tensor.
  public func shape(of name: String) throws -> [Int] { try source(name).shape }

  /// How a tensor is stored.
  public func format(of name: String) throws -> BlockFormat? {
    try file.tensor(named: source(name).tensor).format
  }

  /// A tensor's numbers in the published arrangement.
  public func rows(of name: String) throws -> FloatRows {
    let source = try source(name)
    switch source.place {
    case .tensor(let tensor): return try file.rows(of: tensor)
    case .turned(let tensor, let heads): return try file.rows(of: tensor).halvesFromNeighbours(heads: heads)
    case .expert(let tensor, let index):
      let rows = source.shape[0]
      return try file.rows(of: tensor).slice(index * rows..<(index + 1) * rows)
    case .latent(let keys, let values):
      return LatentRows.joined(
        keys: try file.rows(of: keys), values: try file.rows(of: values), heads: extents.heads,
        noPosition: extents.noPosition, value: extents.value, latent: extents.latent)
    }
  }

  /// The bytes of a matrix as they are stored, in the published arrangement of its rows; nil for what is put together
  /// of several tensors.
  func storedRows(of name: String) throws -> StoredRows? {
    let source = try source(name)
    let (tensor, rows) = (source.tensor, source.shape.dropLast().reduce(1, *))
    guard let format = try file.tensor(named: tensor).format else { return nil }
    switch source.place {
    case .tensor: return StoredRows(format, try file.storedRows(0..<rows, of: tensor))
    case .turned(_, let heads):
      return StoredRows(format, try file.storedRows(0..<rows, of: tensor)).halvesFromNeighbours(rows, heads: heads)
    case .expert(_, let index):
      return StoredRows(format, try file.storedRows(index * rows..<(index + 1) * rows, of: tensor))
    case .latent: return nil
    }
  }

  /// A half of latent attention's up-projection, under the name that the whole has with `k_b_proj` or `v_b_proj` in the
  /// place of `kv_b_proj`: [heads · latent, nope] or [heads · value, latent]. Nil for other names and whole tensors.
  func latentHalf(named name: String) -> GGUFTensor? {
    for (half, isKey) in [(".k_b_proj.weight", true), (".v_b_proj.weight", false)] where name.hasSuffix(half) {
      guard case .latent(let keys, let values)? = sources["\(name.dropLast(half.count)).kv_b_proj.weight"]?.place
      else { return nil }
      return try? file.tensor(named: isKey ? keys : values)
    }
    return nil
  }
  /// Whether a tensor is stored in halves.
  func isHalved(_ name: String) -> Bool {
    if case .latent? = sources[name]?.place { return true }
    return false
  }

  private func source(_ name: String) throws -> Source {
    guard let source = sources[name] else { throw CheckpointError.missingTensor(name, in: file.path, having: names) }
    return source
  }
}

extension GGUFModel {
  /// The place of every published tensor; throws for a tensor of the file that is part of none, or has another shape
  /// than its parts need.
  private static func sources(
    _ file: GGUFFile, _ architecture: GGUFArchitecture, _ extents: ModelExtents
  ) throws -> [String: Source] {
    var sources: [String: Source] = [:]
    var used: Set<String> = [Llama3Scaling.tensor]
    for rule in architecture.tensorRules {
      for layer in 0..<(rule.isPerLayer ? extents.layers : 1) {
        let name = rule.fileName(layer: layer)
        guard file.contains(name) else { continue }
        used.insert(name)
        let tensor = try file.tensor(named: name)
        for (published, source) in try Self.parts(of: tensor, rule, layer, extents, file) {
          guard sources.updateValue(source, forKey: published) == nil else {
            throw CheckpointError(file.path, tensor: name, "'\(published)' is there in another form already")
          }
        }
      }
    }
    if let stranger = file.tensors.first(where: { !used.contains($0.name) }) {
      throw CheckpointError(
        file.path, tensor: stranger.name,
        "has no place in a \(architecture.rawValue) model of \(extents.layers) layers; only known tensors are read")
    }
    return sources
  }

  private static func parts(
    of tensor: GGUFTensor, _ rule: TensorRule, _ layer: Int, _ extents: ModelExtents, _ file: GGUFFile
  ) throws -> [(String, Source)] {
    func require(_ holds: Bool, _ wanted: String) throws {
      if !holds { throw CheckpointError(file.path, tensor: tensor.name, "has shape \(tensor.shape); \(wanted)") }
    }
    let name = rule.checkpointName(layer: layer)
    switch rule.arrangement {
    case .same: return [(name, Source(place: .tensor(tensor.name), shape: tensor.shape))]
    case .queryRows, .keyRows:
      let heads = rule.arrangement == .queryRows ? extents.heads : extents.keyValueHeads
      let rows = tensor.shape.first ?? 0
      try require(
        (1...2).contains(tensor.shape.count) && rows % (2 * heads) == 0,
        "\(heads) heads of an even number of rows were expected")
      return [(name, Source(place: .turned(tensor.name, heads: heads), shape: tensor.shape))]
    case .experts:
      let shape = tensor.shape
      try require(shape.count == 3 && shape[0] == extents.experts, "\(extents.experts) matrices were expected")
      return (0..<extents.experts).map { expert in
        let name = rule.checkpointName(layer: layer, expert: expert)
        return (name, Source(place: .expert(tensor.name, expert), shape: [shape[1], shape[2]]))
      }
    case .latentKeys:
      let values = tensor.name.replacing("attn_k_b", with: "attn_v_b")
      let (latent, noPosition, value, heads) = (extents.latent, extents.noPosition, extents.value, extents.heads)
      try require(tensor.shape == [heads, latent, noPosition], "[\(heads), \(latent), \(noPosition)] was expected")
      let shape = try file.tensor(named: values).shape
      guard shape == [heads, value, latent] else {
        throw CheckpointError(
          file.path, tensor: values, "has shape \(shape); [\(heads), \(value), \(latent)] was expected")
      }
      let whole = [heads * (noPosition + value), latent]
      return [(name, Source(place: .latent(keys: tensor.name, values: values), shape: whole))]
    case .latentValues:
      // Read together with the keys.
      _ = try file.tensor(named: tensor.name.replacing("attn_v_b", with: "attn_k_b"))
      return []
    }
  }
}
