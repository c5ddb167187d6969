// Which form each tensor of a converted model takes: one for all matrices, or one of the field's mixes.
import BlockFormats
import GGUF

/// What a model is converted to. The raw value is its name on the command line.
public enum ConversionType: String, Sendable, CaseIterable {
  case f32, f16, bf16, q8_0, q4_0, q4_1, q5_0, q5_1
  case q2_K = "q2_k"
  case q3_K = "q3_k"
  case q4_K = "q4_k"
  case q5_K = "q5_k"
  case q6_K = "q6_k"
  /// Q4_K, with Q6_K for the head, and for values and down-projections of half of the layers.
  case q4_K_M = "q4_k_m"
  /// Q5_K, with Q6_K in the same places.
  case q5_K_M = "q5_k_m"

  /// The form of matrices.
  var base: BlockFormat {
    switch self {
    case .f32: .f32
    case .f16: .f16
    case .bf16: .bf16
    case .q8_0: .q8_0
    case .q4_0: .q4_0
    case .q4_1: .q4_1
    case .q5_0: .q5_0
    case .q5_1: .q5_1
    case .q2_K: .q2_K
    case .q3_K: .q3_K
    case .q4_K, .q4_K_M: .q4_K
    case .q5_K, .q5_K_M: .q5_K
    case .q6_K: .q6_K
    }
  }

  private var isMix: Bool { self == .q4_K_M || self == .q5_K_M }

  /// The number that `general.file_type` has for it, as llama.cpp publishes them (`LlamaFileType`).
  var fileType: UInt32 {
    switch self {
    case .f32: 0
    case .f16: 1
    case .q4_0: 2
    case .q4_1: 3
    case .q8_0: 7
    case .q5_0: 8
    case .q5_1: 9
    case .q2_K: 10
    case .q3_K: 11
    case .q4_K: 14
    case .q4_K_M: 15
    case .q5_K: 16
    case .q5_K_M: 17
    case .q6_K: 18
    case .bf16: 32
    }
  }

  /// The form of one tensor. Vectors, single numbers and routers stay float32. Rows that are no whole blocks take the
  /// nearest form that fits: of 32 numbers a block, else float16.
  func format(of tensor: PlannedTensor, layers: Int, isHeadTied: Bool) -> BlockFormat {
    let name = tensor.name
    if tensor.rows.shape.count < 2 || name.hasSuffix("ffn_gate_inp.weight") { return .f32 }
    var wanted = base
    if isMix {
      let isHead = name == "output.weight" || (isHeadTied && name == "token_embd.weight")
      let isDelicate = name.contains("attn_v.weight") || name.contains("ffn_down")
      if isHead { wanted = .q6_K }
      if isDelicate, let layer = tensor.layer, Self.hasMoreBits(layer, of: layers) { wanted = .q6_K }
    }
    if tensor.rows.width % wanted.blockLength == 0 { return wanted }
    let smaller = Self.withSmallerBlocks(wanted)
    return tensor.rows.width % smaller.blockLength == 0 ? smaller : .f16
  }

  /// The first and the last eighth of the layers, and every third between: the published mixes' rule.
  private static func hasMoreBits(_ layer: Int, of layers: Int) -> Bool {
    layer < layers / 8 || layer >= 7 * layers / 8 || (layer - layers / 8) % 3 == 2
  }

  private static func withSmallerBlocks(_ format: BlockFormat) -> BlockFormat {
    switch format {
    case .q2_K, .q3_K: .q4_0
    case .q4_K: .q5_0
    case .q5_K: .q5_1
    case .q6_K: .q8_0
    case .f32, .f16, .bf16, .q8_0, .q4_0, .q4_1, .q5_0, .q5_1: format
    }
  }
}
