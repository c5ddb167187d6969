// A model of random weights as a GGUF file, of a real model's shape: for measuring, where the numbers do not matter.
import BlockFormats
import Checkpoints
import GGUF
import Recipes
import Tensors

/// A model that has a shape, a vocabulary and no sense. Other readers of GGUF take it for an ordinary one.
public struct SyntheticModel: Sendable {
  private let settings: PublishedSettings
  private let architecture: GGUFArchitecture
  private let extents: ModelExtents
  private let name: String

  /// Of a config.json as text. Throws `CheckpointError` for one that has no place in a GGUF file.
  public init(_ configuration: ConfigTree, name: String) throws {
    let settings = PublishedSettings(configuration, path: name)
    guard let type = try settings.text("model_type"), let architecture = GGUFArchitecture(modelType: type) else {
      throw settings.reject("model_type", "one of \(GGUFArchitecture.modelTypes.joined(separator: ", "))")
    }
    self.settings = settings.filled(with: architecture.defaults(modelType: type))
    (self.architecture, self.name) = (architecture, name)
    extents = try ModelExtents(self.settings, architecture)
  }

  /// Writes the file, which must not exist. The head of a form below six bits has more of them, as the field's
  /// quantiser gives it: Q6_K, or Q8_0 where rows are no whole blocks of 256. Returns its bytes of tensors. A task that is
  /// cancelled leaves no file.
  @discardableResult
  public func write(_ path: String, as type: ConversionType, seed: UInt64) throws -> Int {
    let isTied = try settings.flag("tie_word_embeddings") == true
    let planned = try plan(isTied: isTied)
    var numbers = RandomNumbers(seed: seed)
    var (tensors, bytes) = ([GGUFTensorToStore](), 0)
    for tensor in planned {
      var format = type.format(of: tensor, layers: extents.layers, isHeadTied: isTied)
      let isHead = tensor.name == "output.weight" || (isTied && tensor.name == "token_embd.weight")
      if isHead, format.isQuantised, format != .q8_0 { format = tensor.rows.width % 256 == 0 ? .q6_K : .q8_0 }
      let size = tensor.rows.count * format.byteCount(of: tensor.rows.width)
      let band = try numbers.band(format, isScale: tensor.name.hasSuffix("norm.weight"))
      tensors.append(
        GGUFTensorToStore(tensor.name, format, tensor.rows.shape) {
          try Task.checkCancellation()
          try band.repeated(to: size, $0)
        })
      bytes += size
    }
    var metadata = try architecture.metadata(for: settings, name: name)
    metadata.append(("general.file_type", .uint32(type.fileType)))
    metadata.append(("general.quantization_version", .uint32(2)))
    metadata += SyntheticVocabulary(count: try settings.requiredExtent("vocab_size")).metadata(
      preTokenizer: architecture == .deepseek2 ? "deepseek-llm" : "qwen2")
    try GGUFWriter(metadata: metadata).write(tensors, to: path)
    return bytes
  }

  private func plan(isTied: Bool) throws -> [PlannedTensor] {
    let rules = architecture.tensorRules
    let dense = try settings.count("first_k_dense_replace") ?? extents.layers
    func tensor(_ rule: TensorRule, _ layer: Int?) throws -> PlannedTensor? {
      if rule.file == "output.weight" && isTied { return nil }
      let isRouted = architecture == .deepseek2 && (layer ?? 0) >= dense
      guard let shape = try shape(of: rule, isRouted: isRouted) else { return nil }
      return PlannedTensor(
        name: rule.fileName(layer: layer ?? 0), rows: FloatRows(shape: shape) { _, _ in }, stored: .f32, layer: layer)
    }
    var planned = try rules.filter { !$0.isPerLayer }.compactMap { try tensor($0, nil) }
    for layer in 0..<extents.layers {
      planned += try rules.filter(\.isPerLayer).compactMap { try tensor($0, layer) }
    }
    return planned
  }

  /// nil for a tensor that such a layer does not have.
  private func shape(of rule: TensorRule, isRouted: Bool) throws -> [Int]? {
    let (hidden, heads) = (try settings.requiredExtent("hidden_size"), extents.heads)
    let name = rule.file.replacing("blk.{n}.", with: "")
    switch name {
    case "token_embd.weight", "output.weight": return [try settings.requiredExtent("vocab_size"), hidden]
    case "output_norm.weight", "attn_norm.weight", "ffn_norm.weight": return [hidden]
    case "ffn_gate.weight", "ffn_up.weight":
      return isRouted ? nil : [try settings.requiredExtent("intermediate_size"), hidden]
    case "ffn_down.weight": return isRouted ? nil : [hidden, try settings.requiredExtent("intermediate_size")]
    default: break
    }
    return architecture == .deepseek2
      ? try latentShape(name, hidden, heads, isRouted) : try plainShape(name, hidden, heads)
  }

  private func plainShape(_ name: String, _ hidden: Int, _ heads: Int) throws -> [Int]? {
    let width = try architecture.headWidth(settings)
    let keys = extents.keyValueHeads * width
    let isBiased = architecture == .qwen2
    switch name {
    case "attn_q.weight": return [heads * width, hidden]
    case "attn_k.weight", "attn_v.weight": return [keys, hidden]
    case "attn_output.weight": return [hidden, heads * width]
    case "attn_q.bias": return isBiased ? [heads * width] : nil
    case "attn_k.bias", "attn_v.bias": return isBiased ? [keys] : nil
    case "attn_q_norm.weight", "attn_k_norm.weight": return architecture == .qwen3 ? [width] : nil
    default: return nil
    }
  }

  private func latentShape(_ name: String, _ hidden: Int, _ heads: Int, _ isRouted: Bool) throws -> [Int]? {
    let (e, key) = (extents, extents.noPosition + extents.rotary)
    let (rank, expert) = (
      try settings.extent("q_lora_rank"), try settings.requiredExtent("moe_intermediate_size")
    )
    let shared = expert * (try settings.count("n_shared_experts") ?? 0)
    switch name {
    case "attn_q.weight": return rank == nil ? [heads * key, hidden] : nil
    case "attn_q_a.weight": return rank.map { [$0, hidden] }
    case "attn_q_a_norm.weight": return rank.map { [$0] }
    case "attn_q_b.weight": return rank.map { [heads * key, $0] }
    case "attn_kv_a_mqa.weight": return [e.latent + e.rotary, hidden]
    case "attn_kv_a_norm.weight": return [e.latent]
    case "attn_k_b.weight": return [heads, e.latent, e.noPosition]
    case "attn_v_b.weight": return [heads, e.value, e.latent]
    case "attn_output.weight": return [hidden, heads * e.value]
    case "ffn_gate_inp.weight": return isRouted ? [e.experts, hidden] : nil
    case "exp_probs_b.bias": return try isRouted && settings.text("scoring_func") == "sigmoid" ? [e.experts] : nil
    case "ffn_gate_exps.weight", "ffn_up_exps.weight": return isRouted ? [e.experts, expert, hidden] : nil
    case "ffn_down_exps.weight": return isRouted ? [e.experts, hidden, expert] : nil
    case "ffn_gate_shexp.weight", "ffn_up_shexp.weight": return isRouted && shared > 0 ? [shared, hidden] : nil
    case "ffn_down_shexp.weight": return isRouted && shared > 0 ? [hidden, shared] : nil
    default: return nil
    }
  }
}

/// Normal numbers of a standard deviation of 0.02, a million of them, in every form that is asked for. Tensors repeat
/// them: nothing that is measured depends on what they are.
private struct RandomNumbers {
  private let numbers: [Float]
  private var bands: [BlockFormat: Band] = [:]

  /// Blocks of one form.
  struct Band: Sendable {
    let bytes: [UInt8]
    /// Hands out `count` bytes, from the beginning again and again.
    func repeated(to count: Int, _ sink: GGUFTensorToStore.Sink) throws {
      try bytes.withUnsafeBytes { band in
        for start in stride(from: 0, to: count, by: band.count) {
          try sink(UnsafeRawBufferPointer(rebasing: band[..<min(band.count, count - start)]))
        }
      }
    }
  }

  init(seed: UInt64) {
    var random = RandomStream(seed: seed)
    numbers = (0..<1 << 20).map { _ in random.normal() * 0.02 }
  }

  /// Scales of norms are 1.
  mutating func band(_ format: BlockFormat, isScale: Bool) throws -> Band {
    if isScale { return Band(bytes: try format.quantise([Float](repeating: 1, count: 4096))) }
    if let known = bands[format] { return known }
    var bytes = [UInt8](repeating: 0, count: format.byteCount(of: numbers.count))
    try numbers.withUnsafeBufferPointer { numbers in
      try bytes.withUnsafeMutableBytes { try format.quantise(numbers, into: $0) }
    }
    let band = Band(bytes: bytes)
    bands[format] = band
    return band
  }
}
