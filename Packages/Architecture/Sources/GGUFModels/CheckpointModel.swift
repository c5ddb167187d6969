// A model's directory as the tensors of a GGUF file: merged, split and rearranged as they are read.
import BlockFormats
import Checkpoints
import GGUF
import LowPrecision
import Recipes

/// One tensor of the file to be.
struct PlannedTensor: Sendable {
  let name: String
  let rows: FloatRows
  /// How the checkpoint stores it.
  let stored: BlockFormat
  /// nil for tensors of no layer.
  let layer: Int?
}

/// A directory with config.json and safetensors.
struct CheckpointModel: Sendable {
  let directory: String
  let settings: PublishedSettings
  let architecture: GGUFArchitecture
  private let files: CheckpointFiles
  private let extents: ModelExtents

  /// Throws `CheckpointError` for an unknown `model_type` and for whatever is wrong with the files.
  init(_ directory: String) throws {
    let settings = try PublishedSettings(contentsOf: "\(directory)/config.json")
    let type = try settings.text("model_type")
    guard let type, let architecture = GGUFArchitecture(modelType: type) else {
      throw settings.reject("model_type", "one of \(GGUFArchitecture.modelTypes.joined(separator: ", "))")
    }
    self.settings = settings.filled(with: architecture.defaults(modelType: type))
    (self.directory, self.architecture) = (directory, architecture)
    extents = try ModelExtents(self.settings, architecture)
    files = try CheckpointFiles(directory)
  }

  /// All tensors of the file, in its usual order: the tables first, then layer by layer.
  /// Throws when the checkpoint has a tensor that has no place there.
  func plan() throws -> [PlannedTensor] {
    var planned: [PlannedTensor] = []
    var used: Set<String> = []
    let rules = architecture.tensorRules
    if let scaling = try RotaryScaling(settings).llama3() {
      let theta = try RotaryScaling(settings).theta
      let divisors = scaling.divisors(theta: theta, width: try architecture.headWidth(settings))
      let rows = FloatRows(shape: [divisors.count]) { _, numbers in _ = numbers.update(fromContentsOf: divisors) }
      planned.append(PlannedTensor(name: Llama3Scaling.tensor, rows: rows, stored: .f32, layer: nil))
    }
    for rule in rules where !rule.isPerLayer { try add(rule, nil, to: &planned, &used) }
    for layer in 0..<extents.layers {
      for rule in rules where rule.isPerLayer { try add(rule, layer, to: &planned, &used) }
    }
    let strangers = files.names.filter { !used.contains($0) && !isLeftOut($0) }
    if let stranger = strangers.first {
      throw CheckpointError(
        directory, tensor: stranger,
        "has no place in a GGUF file of \(architecture.rawValue) with \(extents.layers) layers, as \(strangers.count) "
          + "in all; it would be lost")
    }
    return planned
  }

  /// Gives the memory of what has been read back to the system.
  func giveBack() { files.giveBack() }

  /// The tensors of layers behind the last: modules that predict further tokens, which these files do not hold.
  var predictionTensors: [String] { files.names.filter { isPrediction($0) } }

  private func isPrediction(_ name: String) -> Bool {
    let parts = name.split(separator: ".")
    guard parts.count > 2, parts[1] == "layers", let layer = Int(parts[2]) else { return false }
    return architecture == .deepseek2 && layer >= extents.layers
  }
  private func isLeftOut(_ name: String) -> Bool {
    // Frequencies follow from the settings, and the scales of eight-bit floats are read with what they scale.
    let isTied = (try? settings.flag("tie_word_embeddings")) == true && name == "lm_head.weight"
    return name.hasSuffix("rotary_emb.inv_freq") || name.hasSuffix("_scale_inv") || isTied || isPrediction(name)
  }

  private func add(
    _ rule: TensorRule, _ layer: Int?, to planned: inout [PlannedTensor], _ used: inout Set<String>
  ) throws {
    // A head that is tied is the embedding. Of the two forms of latent attention the newer one is written.
    if rule.file == "output.weight", try settings.flag("tie_word_embeddings") == true { return }
    if rule.arrangement == .same && rule.file.hasSuffix("attn_kv_b.weight") { return }
    let first = rule.checkpointName(layer: layer ?? 0)
    guard files.contains(first) else { return }
    used.insert(first)
    let (rows, stored) = try read(first)
    let arranged: FloatRows
    switch rule.arrangement {
    case .same: arranged = rows
    case .queryRows, .keyRows:
      let heads = rule.arrangement == .queryRows ? extents.heads : extents.keyValueHeads
      guard let count = rows.shape.first, count % (2 * heads) == 0 else {
        throw CheckpointError(
          directory, tensor: first, "has shape \(rows.shape); \(heads) heads of an even number of rows were expected")
      }
      arranged = rows.neighboursFromHalves(heads: heads)
    case .experts:
      guard extents.experts > 0 else { throw settings.reject("n_routed_experts", "the number of experts") }
      let names = (0..<extents.experts).map { rule.checkpointName(layer: layer ?? 0, expert: $0) }
      used.formUnion(names)
      arranged = FloatRows.stacked(try names.map { try sameShape(as: rows, first, $0) })
    case .latentKeys, .latentValues:
      let (heads, noPosition, value) = (extents.heads, extents.noPosition, extents.value)
      let shape = [heads * (noPosition + value), extents.latent]
      guard rows.shape == shape else {
        throw CheckpointError(directory, tensor: first, "has shape \(rows.shape); \(shape) was expected")
      }
      arranged =
        rule.arrangement == .latentKeys
        ? LatentRows.keys(of: rows, heads: heads, noPosition: noPosition, value: value)
        : LatentRows.values(of: rows, heads: heads, noPosition: noPosition, value: value)
    }
    planned.append(
      PlannedTensor(name: rule.fileName(layer: layer ?? 0), rows: arranged, stored: stored, layer: layer))
  }

  private func sameShape(as rows: FloatRows, _ first: String, _ name: String) throws -> FloatRows {
    let other = try read(name).rows
    guard other.shape == rows.shape, rows.shape.count == 2 else {
      throw CheckpointError(
        directory, tensor: name,
        "has shape \(other.shape), but '\(first)' has \(rows.shape); experts are matrices of "
          + "one shape")
    }
    return other
  }
}

extension CheckpointModel {
  /// A tensor's numbers, and the form they are stored in; eight-bit floats count as bfloat16, which they were made of.
  private func read(_ name: String) throws -> (rows: FloatRows, stored: BlockFormat) {
    let entry = try files.entry(named: name)
    guard entry.shape.allSatisfy({ $0 > 0 }) else {
      throw CheckpointError(directory, tensor: name, "has shape \(entry.shape), which holds nothing")
    }
    let format: BlockFormat
    switch entry.type {
    case .f32: format = .f32
    case .f16: format = .f16
    case .bf16: format = .bf16
    case .f8e4m3: return (try scaledRows(name, entry), .bf16)
    case .bool, .u8, .i8, .f8e5m2, .f8e8m0, .u16, .i16, .u32, .i32, .u64, .i64, .f64, .c64:
      throw CheckpointError(
        directory, tensor: name, "has type \(entry.type.rawValue); F32, F16, BF16 and F8_E4M3 can be converted")
    }
    let files = files
    let rows = FloatRows(shape: entry.shape) { rows, numbers in
      let rowBytes = format.byteCount(of: entry.shape.last ?? 1)
      try files.withBytes(of: name) { bytes in
        let part = bytes[rows.lowerBound * rowBytes..<rows.upperBound * rowBytes]
        format.dequantise(UnsafeRawBufferPointer(rebasing: part), into: numbers)
      }
    }
    return (rows, format)
  }

  /// Codes of E4M3 with one scale for every 128 by 128, as DeepSeek-V3 is published: to be multiplied, despite its
  /// name.
  private func scaledRows(_ name: String, _ entry: StoredEntry) throws -> FloatRows {
    let tile = 128
    guard entry.shape.count == 2 else {
      throw CheckpointError(directory, tensor: name, "has shape \(entry.shape); scaled E4M3 is a matrix")
    }
    let (height, width) = (entry.shape[0], entry.shape[1])
    let scales = try read("\(name)_scale_inv").rows
    let grid = [(height + tile - 1) / tile, (width + tile - 1) / tile]
    guard scales.shape == grid else {
      throw CheckpointError(
        directory, tensor: "\(name)_scale_inv", "has shape \(scales.shape); \(grid) was expected, one for 128 by 128")
    }
    let values = Float8.e4m3.values
    let files = files
    return FloatRows(shape: entry.shape) { rows, numbers in
      try files.withBytes(of: name) { codes in
        for (place, row) in rows.enumerated() {
          let scale = try scales.numbers(row / tile..<row / tile + 1)
          for column in 0..<width {
            numbers[place * width + column] = values[Int(codes[row * width + column])] * scale[column / tile]
          }
        }
      }
    }
  }
}
