// The types of number that a tensor can hold.
import BlockFormats

/// The type of a tensor's elements. Arithmetic is float32; the others are stored forms, indices and bytes.
public enum DType: String, Sendable, Hashable, CaseIterable {
  case float32, bfloat16, float16, int32, uint8
  /// E4M3 codes of a matrix, in a storage that has a float32 scale for every `scaleTile` × `scaleTile` of it, as
  /// DeepSeek-V3 is published: a number is its code's value times its scale, rounded to float32. Such tensors are
  /// weights, as those of blocks are.
  case float8
  /// Blocks of quantised numbers, as `BlockFormat` describes them. Such tensors are weights: they can be cast to
  /// float32, their rows gathered as float32, and linear maps multiply with them. Nothing else.
  case q8_0, q4_0, q4_1, q5_0, q5_1, q2_K, q3_K, q4_K, q5_K, q6_K

  /// The form of the blocks; nil for elements that stand alone.
  public var blocks: BlockFormat? {
    switch self {
    case .float32, .bfloat16, .float16, .int32, .uint8, .float8: nil
    case .q8_0: .q8_0
    case .q4_0: .q4_0
    case .q4_1: .q4_1
    case .q5_0: .q5_0
    case .q5_1: .q5_1
    case .q2_K: .q2_K
    case .q3_K: .q3_K
    case .q4_K: .q4_K
    case .q5_K: .q5_K
    case .q6_K: .q6_K
    }
  }
  /// Whether elements are codes with scales, in blocks or in tiles.
  public var isQuantised: Bool { blocks != nil || self == .float8 }
  /// The extent of the squares of a `float8` matrix that share a scale.
  public static let scaleTile = 128

  /// Elements that are stored together and lie in one row; 1 where elements stand alone.
  public var blockLength: Int { blocks?.blockLength ?? 1 }
  /// Bytes of one block, which is one element where elements stand alone.
  public var blockBytes: Int {
    switch self {
    case .float32, .int32: 4
    case .bfloat16, .float16: 2
    case .uint8, .float8: 1
    case .q8_0, .q4_0, .q4_1, .q5_0, .q5_1, .q2_K, .q3_K, .q4_K, .q5_K, .q6_K: blocks?.blockBytes ?? 1
    }
  }

  /// Bytes of `count` elements, which must be whole blocks.
  public func byteCount(of count: Int) -> Int {
    precondition(count % blockLength == 0, "\(self): \(count) elements are not whole blocks of \(blockLength)")
    return count / blockLength * blockBytes
  }
}

extension BlockFormat {
  /// The dtype of tensors whose bytes have this form.
  public var dtype: DType {
    switch self {
    case .f32: .float32
    case .f16: .float16
    case .bf16: .bfloat16
    case .q8_0: .q8_0
    case .q4_0: .q4_0
    case .q4_1: .q4_1
    case .q5_0: .q5_0
    case .q5_1: .q5_1
    case .q2_K: .q2_K
    case .q3_K: .q3_K
    case .q4_K: .q4_K
    case .q5_K: .q5_K
    case .q6_K: .q6_K
    }
  }
}
