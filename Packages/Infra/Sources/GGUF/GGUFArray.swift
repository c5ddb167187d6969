// An array of a GGUF file: checked when the file is opened, decoded when it is asked for.
import Checkpoints

/// Values of one type, in the bytes that the format gives them. Reading an element never fails for a reason that the
/// check at opening could have found; only texts may still turn out not to be UTF-8.
public struct GGUFArray: Sendable {
  public let elementType: GGUFValueType
  public let count: Int
  private let store: Store
  /// Type, count and elements.
  private let range: Range<Int>

  private enum Store: Sendable {
    case file(MappedFile)
    case memory([UInt8])
  }

  /// An array of `file` that lies at `range`, which has been checked.
  init(_ elementType: GGUFValueType, count: Int, in file: MappedFile, _ range: Range<Int>) {
    (self.elementType, self.count, store, self.range) = (elementType, count, .file(file), range)
  }

  private init(_ elementType: GGUFValueType, count: Int, _ elements: [UInt8]) {
    let bytes = littleEndian(elementType.rawValue) + littleEndian(UInt64(count)) + elements
    (self.elementType, self.count, store, range) = (elementType, count, .memory(bytes), 0..<bytes.count)
  }

  public init(_ texts: [String]) { self.init(.string, count: texts.count, texts.flatMap(encodedText)) }
  public init(_ numbers: [Int32]) { self.init(.int32, count: numbers.count, numbers.flatMap(littleEndian)) }
  public init(_ numbers: [UInt32]) { self.init(.uint32, count: numbers.count, numbers.flatMap(littleEndian)) }
  public init(_ numbers: [Float]) {
    self.init(.float32, count: numbers.count, numbers.flatMap { littleEndian($0.bitPattern) })
  }
  public init(_ flags: [Bool]) { self.init(.bool, count: flags.count, flags.map { $0 ? 1 : 0 }) }

  /// Type, count and elements as the format puts them, valid inside `body` only.
  func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
    switch store {
    case .file(let file): try file.withBytes(in: range, body)
    case .memory(let bytes): try bytes.withUnsafeBytes(body)
    }
  }

  /// Calls `body` with a cursor that stands at the first element.
  private func read<Result>(_ body: (inout GGUFCursor) throws -> Result) throws -> Result {
    try withBytes { bytes in
      var cursor = GGUFCursor(bytes, path: path)
      cursor.position = 12
      return try body(&cursor)
    }
  }
  private var path: String {
    switch store {
    case .file(let file): file.path
    case .memory: "array"
    }
  }

  /// The elements as bytes of text, whatever their encoding; nil when they are no texts.
  public func byteStrings() throws -> [[UInt8]]? {
    guard elementType == .string else { return nil }
    return try read { cursor in try (0..<count).map { _ in try Array(cursor.bytes(of: "an element")) } }
  }

  /// The elements when they are texts. Throws `CheckpointError` for one that is not UTF-8.
  public func texts() throws -> [String]? {
    guard elementType == .string else { return nil }
    return try read { cursor in try (0..<count).map { try cursor.text("element \($0)") } }
  }

  /// One element when they are texts. Throws `CheckpointError` when it is not UTF-8 or not there.
  public func text(at index: Int) throws -> String? {
    guard elementType == .string, (0..<count).contains(index) else { return nil }
    return try read { cursor in
      for _ in 0..<index { _ = try cursor.bytes(of: "an element") }
      return try cursor.text("element \(index)")
    }
  }

  /// The elements when all are whole numbers that fit an `Int`.
  public func integers() throws -> [Int]? {
    guard elementType.byteWidth != nil else { return nil }
    // A vocabulary has a hundred thousand of these.
    if elementType == .int32 {
      return withBytes { bytes in
        (0..<count).map { Int(Int32(littleEndian: bytes.loadUnaligned(fromByteOffset: 12 + 4 * $0, as: Int32.self))) }
      }
    }
    let numbers = try elements().compactMap(\.integer)
    return numbers.count == count ? numbers : nil
  }

  /// The elements when they are numbers.
  public func numbers() throws -> [Double]? {
    guard elementType.byteWidth != nil else { return nil }
    let numbers = try elements().compactMap(\.number)
    return numbers.count == count ? numbers : nil
  }

  /// All elements. An element that is an array holds its own copy of the bytes.
  public func elements() throws -> [GGUFValue] {
    try read { cursor in
      try (0..<count).map { index in
        guard elementType == .array else { return try cursor.scalar(elementType, "element \(index)") }
        let start = cursor.position
        let (type, count) = try cursor.skipArray("element \(index)")
        let bytes = cursor.slice(start + 12..<cursor.position)
        return .array(GGUFArray(type, count: count, Array(bytes)))
      }
    }
  }
}

extension GGUFArray: Equatable {
  /// Whether both hold the same bytes.
  public static func == (a: Self, b: Self) -> Bool {
    a.withBytes { a in b.withBytes { b in a.count == b.count && a.elementsEqual(b) } }
  }
}
