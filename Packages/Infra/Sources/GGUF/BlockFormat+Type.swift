// Which types of a file are stored forms that can be read and written.
import BlockFormats

extension BlockFormat {
  /// The format's number in a file.
  public var type: GGUFTensorType {
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
    case .q4_K: .q4_K
    case .q5_K: .q5_K
    case .q6_K: .q6_K
    }
  }

  /// The form of a stored type; nil for types that are only sized here.
  public init?(_ type: GGUFTensorType) {
    guard let format = BlockFormat.allCases.first(where: { $0.type == type }) else { return nil }
    self = format
  }
}
