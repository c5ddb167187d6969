// What a key of a GGUF file can hold. Arrays stay bytes until somebody asks: a vocabulary is a hundred thousand texts.
import Checkpoints

/// The kind of a value; the raw value is the format's own number.
public enum GGUFValueType: UInt32, Sendable, Hashable, CaseIterable {
  case uint8 = 0
  case int8, uint16, int16, uint32, int32, float32, bool, string, array, uint64, int64, float64

  /// Bytes of one value; nil for texts and arrays, which say their own length.
  var byteWidth: Int? {
    switch self {
    case .uint8, .int8, .bool: 1
    case .uint16, .int16: 2
    case .uint32, .int32, .float32: 4
    case .uint64, .int64, .float64: 8
    case .string, .array: nil
    }
  }
  /// The fewest bytes that one value takes.
  var leastBytes: Int { byteWidth ?? (self == .string ? 8 : 12) }
}

/// The value of a key.
public enum GGUFValue: Sendable, Equatable {
  case uint8(UInt8)
  case int8(Int8)
  case uint16(UInt16)
  case int16(Int16)
  case uint32(UInt32)
  case int32(Int32)
  case float32(Float)
  case bool(Bool)
  case string(String)
  case array(GGUFArray)
  case uint64(UInt64)
  case int64(Int64)
  case float64(Double)

  public var type: GGUFValueType {
    switch self {
    case .uint8: .uint8
    case .int8: .int8
    case .uint16: .uint16
    case .int16: .int16
    case .uint32: .uint32
    case .int32: .int32
    case .float32: .float32
    case .bool: .bool
    case .string: .string
    case .array: .array
    case .uint64: .uint64
    case .int64: .int64
    case .float64: .float64
    }
  }

  /// A whole number of any width that fits an `Int`.
  public var integer: Int? {
    switch self {
    case .uint8(let value): Int(value)
    case .int8(let value): Int(value)
    case .uint16(let value): Int(value)
    case .int16(let value): Int(value)
    case .uint32(let value): Int(value)
    case .int32(let value): Int(value)
    case .uint64(let value): Int(exactly: value)
    case .int64(let value): Int(exactly: value)
    case .float32, .float64, .bool, .string, .array: nil
    }
  }

  /// A number of any type. A float32 is taken for the shortest decimal that it stands for: 1e-06, not
  /// 9.999999974752427e-07.
  public var number: Double? {
    switch self {
    case .float32(let value): value.isFinite ? Double("\(value)") : Double(value)
    case .float64(let value): value
    default: integer.map(Double.init)
    }
  }

  public var text: String? {
    guard case .string(let value) = self else { return nil }
    return value
  }
  public var flag: Bool? {
    guard case .bool(let value) = self else { return nil }
    return value
  }
  public var list: GGUFArray? {
    guard case .array(let value) = self else { return nil }
    return value
  }

  /// What this is, for a sentence: "the number 3", "the text 'llama'", "a list of 32000".
  public var summary: String {
    switch self {
    case .string(let text): "the text '\(CheckpointError.shortened(text))'"
    case .bool(let value): "\(value)"
    case .array(let array): "a list of \(array.count)"
    case .float32(let value): "the number \(value)"
    case .float64(let value): "the number \(value)"
    case .uint64(let value): "the number \(value)"
    case .uint8, .int8, .uint16, .int16, .uint32, .int32, .int64: "the number \(integer ?? 0)"
    }
  }

  /// The value as a file holds it, without its type.
  var encoded: [UInt8] {
    switch self {
    case .uint8(let value): [value]
    case .int8(let value): littleEndian(value)
    case .uint16(let value): littleEndian(value)
    case .int16(let value): littleEndian(value)
    case .uint32(let value): littleEndian(value)
    case .int32(let value): littleEndian(value)
    case .float32(let value): littleEndian(value.bitPattern)
    case .bool(let value): [value ? 1 : 0]
    case .string(let value): encodedText(value)
    case .array(let array): array.withBytes { Array($0) }
    case .uint64(let value): littleEndian(value)
    case .int64(let value): littleEndian(value)
    case .float64(let value): littleEndian(value.bitPattern)
    }
  }
}

func littleEndian(_ number: some FixedWidthInteger) -> [UInt8] {
  withUnsafeBytes(of: number.littleEndian) { Array($0) }
}

/// Length and UTF-8.
func encodedText(_ text: String) -> [UInt8] { littleEndian(UInt64(text.utf8.count)) + Array(text.utf8) }
