// How the numbers of a GGUF tensor are stored: every type that the format has given a number, with its block size.
// Knowing the size of what cannot be read is what lets the rest of such a file be checked and read.

/// The type of a tensor in a GGUF file; the raw value is the format's own number.
public enum GGUFTensorType: UInt32, Sendable, Hashable, CaseIterable {
  case f32 = 0
  case f16 = 1
  case q4_0 = 2
  case q4_1 = 3
  case q5_0 = 6
  case q5_1 = 7
  case q8_0 = 8
  case q8_1 = 9
  case q2_K = 10
  case q3_K = 11
  case q4_K = 12
  case q5_K = 13
  case q6_K = 14
  case q8_K = 15
  case iq2_XXS = 16
  case iq2_XS = 17
  case iq3_XXS = 18
  case iq1_S = 19
  case iq4_NL = 20
  case iq3_S = 21
  case iq2_S = 22
  case iq4_XS = 23
  case i8 = 24
  case i16 = 25
  case i32 = 26
  case i64 = 27
  case f64 = 28
  case iq1_M = 29
  case bf16 = 30
  case tq1_0 = 34
  case tq2_0 = 35
  case mxfp4 = 39
  case nvfp4 = 40
  case q1_0 = 41

  /// The name that the field uses: "F32", "Q4_K", "IQ2_XXS".
  public var name: String { "\(self)".uppercased() }

  /// Numbers of one block, which are stored together and lie in one row.
  public var blockLength: Int { layout.length }

  /// Bytes of one block.
  public var blockBytes: Int { layout.bytes }

  /// Numbers and bytes of a block, as the format publishes them (`GGML_QUANT_SIZES`).
  private var layout: (length: Int, bytes: Int) {
    switch self {
    case .f32, .i32: (1, 4)
    case .f16, .bf16, .i16: (1, 2)
    case .f64, .i64: (1, 8)
    case .i8: (1, 1)
    case .q4_0, .iq4_NL: (32, 18)
    case .q4_1: (32, 20)
    case .q5_0: (32, 22)
    case .q5_1: (32, 24)
    case .q8_0: (32, 34)
    case .q8_1: (32, 40)
    case .mxfp4: (32, 17)
    case .nvfp4: (64, 36)
    case .q1_0: (128, 18)
    case .q2_K: (256, 84)
    case .q3_K: (256, 110)
    case .q4_K: (256, 144)
    case .q5_K: (256, 176)
    case .q6_K: (256, 210)
    case .q8_K: (256, 292)
    case .iq2_XXS, .tq2_0: (256, 66)
    case .iq2_XS: (256, 74)
    case .iq2_S: (256, 82)
    case .iq3_XXS: (256, 98)
    case .iq3_S: (256, 110)
    case .iq1_S: (256, 50)
    case .iq1_M: (256, 56)
    case .iq4_XS: (256, 136)
    case .tq1_0: (256, 54)
    }
  }

  /// Bytes of a tensor of this shape, outermost extent first; nil when an extent is below 1, a row is not made of whole
  /// blocks, or the product does not fit.
  public func byteCount(ofShape shape: [Int]) -> Int? {
    guard shape.allSatisfy({ $0 >= 1 }), (shape.last ?? 1) % blockLength == 0 else { return nil }
    var count = (shape.last ?? 1) / blockLength
    for extent in shape.dropLast() + [blockBytes] {
      let (product, overflows) = count.multipliedReportingOverflow(by: extent)
      if overflows { return nil }
      count = product
    }
    return count
  }
}
