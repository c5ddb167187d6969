// How the numbers of a tensor are written in a file, under the names of the safetensors format.
// What a file holds need not be what a device computes with: converting is the reader's business.

/// The type of one stored number. The raw value is the format's own name.
public enum StoredType: String, Sendable, Hashable, Codable, CaseIterable {
  case bool = "BOOL"
  case u8 = "U8"
  case i8 = "I8"
  case f8e4m3 = "F8_E4M3"
  case f8e5m2 = "F8_E5M2"
  /// A power of two: the scale of a microscaling block.
  case f8e8m0 = "F8_E8M0"
  case u16 = "U16"
  case i16 = "I16"
  case f16 = "F16"
  case bf16 = "BF16"
  case u32 = "U32"
  case i32 = "I32"
  case f32 = "F32"
  case u64 = "U64"
  case i64 = "I64"
  case f64 = "F64"
  case c64 = "C64"

  /// Bytes of one number.
  public var byteWidth: Int {
    switch self {
    case .bool, .u8, .i8, .f8e4m3, .f8e5m2, .f8e8m0: 1
    case .u16, .i16, .f16, .bf16: 2
    case .u32, .i32, .f32: 4
    case .u64, .i64, .f64, .c64: 8
    }
  }

  /// Bytes of a tensor of this shape; nil when an extent is negative or the product does not fit.
  public func byteCount(ofShape shape: [Int]) -> Int? {
    var count = byteWidth
    var holdsNothing = false
    for extent in shape {
      if extent < 0 { return nil }
      if extent == 0 {
        holdsNothing = true
        continue
      }
      let (product, overflows) = count.multipliedReportingOverflow(by: extent)
      if overflows { return nil }
      count = product
    }
    return holdsNothing ? 0 : count
  }
}
