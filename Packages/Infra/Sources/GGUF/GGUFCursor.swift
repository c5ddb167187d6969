// Reads a GGUF file front to back and distrusts every length in it: nothing is reserved or skipped before it is known
// to lie within the file, so memory is bounded by the file's size, whatever the file claims.
import Checkpoints

/// A place in a file's bytes. Every failure is a `CheckpointError` that says at which byte, what was claimed and how
/// much there was.
struct GGUFCursor {
  private let contents: UnsafeRawBufferPointer
  private let path: String
  var position = 0

  /// `bytes` must outlive the cursor.
  init(_ bytes: UnsafeRawBufferPointer, path: String) { (contents, self.path) = (bytes, path) }

  var remaining: Int { contents.count - position }

  func failure(_ problem: String) -> CheckpointError { CheckpointError(path, "at byte \(position), \(problem)") }

  /// Bytes that have been passed already.
  func slice(_ range: Range<Int>) -> UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: contents[range]) }

  /// The next number, little endian; `what` is what it means.
  mutating func number<Number: FixedWidthInteger>(
    _ type: Number.Type, _ what: @autoclosure () -> String
  ) throws -> Number {
    let width = MemoryLayout<Number>.size
    guard remaining >= width else {
      throw failure("\(what()) takes \(width) bytes, but \(remaining) are left; the file is cut short")
    }
    defer { position += width }
    return Number(littleEndian: contents.loadUnaligned(fromByteOffset: position, as: Number.self))
  }

  /// The number of things that follow, each of at least `leastBytes`.
  mutating func count(_ what: @autoclosure () -> String, ofAtLeast leastBytes: Int) throws -> Int {
    let claimed = try number(UInt64.self, what())
    guard claimed <= UInt64(remaining / leastBytes) else {
      position -= 8
      throw failure(
        "\(what()) is \(claimed), but the \(remaining - 8) bytes that follow hold \((remaining - 8) / leastBytes) at "
          + "most; the file is cut short or damaged")
    }
    return Int(claimed)
  }

  /// The bytes of a text, behind their count.
  mutating func bytes(of what: @autoclosure () -> String) throws -> UnsafeRawBufferPointer {
    let count = try count("the length of \(what())", ofAtLeast: 1)
    defer { position += count }
    return slice(position..<position + count)
  }

  mutating func text(_ what: @autoclosure () -> String) throws -> String {
    let start = position
    let bytes = try bytes(of: what())
    guard let text = String(validating: bytes, as: UTF8.self) else {
      position = start
      throw failure("\(what()) is not UTF-8; texts must be")
    }
    return text
  }

  mutating func valueType(_ what: @autoclosure () -> String) throws -> GGUFValueType {
    let number = try number(UInt32.self, "the type of \(what())")
    guard let type = GGUFValueType(rawValue: number) else {
      position -= 4
      throw failure("the type of \(what()) is \(number); types are 0 to 12")
    }
    return type
  }

  /// A value that is no array.
  mutating func scalar(_ type: GGUFValueType, _ what: @autoclosure () -> String) throws -> GGUFValue {
    switch type {
    case .uint8: .uint8(try number(UInt8.self, what()))
    case .int8: .int8(try number(Int8.self, what()))
    case .uint16: .uint16(try number(UInt16.self, what()))
    case .int16: .int16(try number(Int16.self, what()))
    case .uint32: .uint32(try number(UInt32.self, what()))
    case .int32: .int32(try number(Int32.self, what()))
    case .uint64: .uint64(try number(UInt64.self, what()))
    case .int64: .int64(try number(Int64.self, what()))
    case .float32: .float32(Float(bitPattern: try number(UInt32.self, what())))
    case .float64: .float64(Double(bitPattern: try number(UInt64.self, what())))
    case .bool: .bool(try truth(what()))
    case .string: .string(try text(what()))
    case .array: preconditionFailure("GGUF: an array was read as a single value")
    }
  }

  private mutating func truth(_ what: @autoclosure () -> String) throws -> Bool {
    let byte = try number(UInt8.self, what())
    guard byte <= 1 else {
      position -= 1
      throw failure("\(what()) is the byte \(byte); true is 1 and false is 0")
    }
    return byte == 1
  }

  /// Steps over an array, checking all that it says. Nesting is limited, so that a file cannot exhaust the stack.
  mutating func skipArray(_ what: @autoclosure () -> String, depth: Int = 0) throws -> (GGUFValueType, Int) {
    guard depth < 4 else { throw failure("\(what()) nests arrays more than 4 deep") }
    let type = try valueType("the elements of \(what())")
    let count = try count("the number of elements of \(what())", ofAtLeast: type.leastBytes)
    switch type {
    case .array: for _ in 0..<count { _ = try skipArray(what(), depth: depth + 1) }
    case .string: for _ in 0..<count { _ = try bytes(of: "an element of \(what())") }
    case .bool: for _ in 0..<count { _ = try truth("an element of \(what())") }
    default: position += count * (type.byteWidth ?? 0)
    }
    return (type, count)
  }
}
