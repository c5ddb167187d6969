// The header of a GGUF file: keys with values, then the directory of tensors, all checked against the file's size.
// Format: "GGUF", version, counts, pairs, directory; the data begin at the next multiple of the alignment.
import BlockFormats
import Checkpoints

/// One tensor of a file.
public struct GGUFTensor: Sendable, Hashable {
  public let name: String
  public let type: GGUFTensorType
  /// Extents, outermost first as everywhere here; the file has them the other way round.
  public let shape: [Int]
  /// Its bytes, counted from the beginning of its part of the file.
  public let byteRange: Range<Int>
  /// Which part of a file in several parts it is in, counted from 0.
  public internal(set) var part = 0

  /// Numbers in a row: the last extent.
  public var width: Int { shape.last ?? 1 }
  /// Rows of `width` numbers.
  public var rows: Int { shape.dropLast().reduce(1, *) }
  /// The stored form; nil for types that are not read here.
  public var format: BlockFormat? { BlockFormat(type) }
}

/// What a header says, after everything it says has been checked.
struct GGUFHeader {
  static let magic: UInt32 = 0x4655_4747
  static let alignmentKey = "general.alignment"
  /// What the format allows for a key.
  static let longestKey = 65_535
  static let mostDimensions = 4

  private(set) var version: UInt32 = 0
  private(set) var alignment = 32
  private(set) var metadata: [String: GGUFValue] = [:]
  /// The keys in the order of the file.
  private(set) var keys: [String] = []
  /// The tensors in the order of the file.
  private(set) var tensors: [GGUFTensor] = []
  private let path: String

  /// A tensor as the directory has it, before its place is known.
  private struct Listed {
    let name: String
    let type: GGUFTensorType
    let shape: [Int]
    let size: Int
    let offset: UInt64
  }

  /// Reads the header of a file whose whole contents are `bytes`. Throws `CheckpointError`.
  init(_ bytes: UnsafeRawBufferPointer, of file: MappedFile) throws {
    path = file.path
    var cursor = GGUFCursor(bytes, path: path)
    try readBeginning(&cursor)
    let tensorCount = try cursor.count("the number of tensors", ofAtLeast: 24)
    let pairCount = try cursor.count("the number of keys", ofAtLeast: 13)
    for index in 0..<pairCount { try readPair(&cursor, index, file) }
    try readAlignment()
    var names: Set<String> = []
    let listed = try (0..<tensorCount).map { try readEntry(&cursor, $0, &names) }
    let dataStart = (cursor.position + alignment - 1) / alignment * alignment
    tensors = try listed.map { try place($0, dataStart: dataStart, fileCount: bytes.count) }
    try refuseOverlaps(dataStart)
  }

  private mutating func readBeginning(_ cursor: inout GGUFCursor) throws {
    let magic = try cursor.number(UInt32.self, "the mark 'GGUF'")
    guard magic == GGUFHeader.magic else {
      throw CheckpointError(path, "the file does not begin with 'GGUF', so this is not a GGUF file")
    }
    version = try cursor.number(UInt32.self, "the version")
    guard version == 2 || version == 3 else {
      let isSwapped = version.byteSwapped == 2 || version.byteSwapped == 3
      throw CheckpointError(
        path,
        isSwapped
          ? "the file is big endian; only little-endian GGUF is read"
          : "the file has GGUF version \(version); versions 2 and 3 are read")
    }
  }

  private mutating func readPair(_ cursor: inout GGUFCursor, _ index: Int, _ file: MappedFile) throws {
    let start = cursor.position
    let key = try cursor.text("key \(index)")
    guard !key.isEmpty, key.utf8.count <= GGUFHeader.longestKey else {
      cursor.position = start
      throw cursor.failure("key \(index) has \(key.utf8.count) bytes; 1 to \(GGUFHeader.longestKey) are allowed")
    }
    let place = "the value of '\(CheckpointError.shortened(key))'"
    let type = try cursor.valueType(place)
    let value: GGUFValue
    if type == .array {
      let start = cursor.position
      let (elements, count) = try cursor.skipArray(place)
      value = .array(GGUFArray(elements, count: count, in: file, start..<cursor.position))
    } else {
      value = try cursor.scalar(type, place)
    }
    guard metadata.updateValue(value, forKey: key) == nil else {
      cursor.position = start
      throw cursor.failure("the key '\(CheckpointError.shortened(key))' stands a second time; keys must be different")
    }
    keys.append(key)
  }

  private mutating func readAlignment() throws {
    guard let value = metadata[GGUFHeader.alignmentKey] else { return }
    guard case .uint32(let number) = value, number > 0, number & (number - 1) == 0 else {
      throw CheckpointError(
        path, "'\(GGUFHeader.alignmentKey)' is \(value.summary); a power of two as uint32 was expected")
    }
    alignment = Int(number)
  }

  private func readEntry(_ cursor: inout GGUFCursor, _ index: Int, _ names: inout Set<String>) throws -> Listed {
    let start = cursor.position
    let name = try cursor.text("the name of tensor \(index)")
    func reject(_ problem: String) -> CheckpointError { CheckpointError(path, tensor: name, problem) }
    guard names.insert(name).inserted else {
      throw reject("the directory has it twice, at last at byte \(start); names must be different")
    }
    let dimensions = try cursor.number(UInt32.self, "the number of extents of tensor \(index)")
    guard dimensions <= UInt32(GGUFHeader.mostDimensions) else {
      throw reject("has \(dimensions) extents; at most \(GGUFHeader.mostDimensions) are allowed")
    }
    var shape: [Int] = []
    for _ in 0..<dimensions {
      let extent = try cursor.number(UInt64.self, "an extent of tensor \(index)")
      guard extent > 0, let extent = Int(exactly: extent) else {
        throw reject("has the extent \(extent); extents are at least 1 and can be counted")
      }
      shape.insert(extent, at: 0)
    }
    let code = try cursor.number(UInt32.self, "the type of tensor \(index)")
    guard let type = GGUFTensorType(rawValue: code) else {
      let known = GGUFTensorType.allCases.map { "\($0.rawValue)" }.joined(separator: ", ")
      throw reject("has the type \(code); known are \(known)")
    }
    let offset = try cursor.number(UInt64.self, "the offset of tensor \(index)")
    guard let size = type.byteCount(ofShape: shape) else {
      throw reject(
        (shape.last ?? 1) % type.blockLength == 0
          ? "its shape \(shape) takes more bytes than 64 bits can count"
          : "has rows of \(shape.last ?? 1) numbers; \(type.name) stores them in blocks of \(type.blockLength)")
    }
    return Listed(name: name, type: type, shape: shape, size: size, offset: offset)
  }

  private func place(_ entry: Listed, dataStart: Int, fileCount: Int) throws -> GGUFTensor {
    func reject(_ problem: String) -> CheckpointError { CheckpointError(path, tensor: entry.name, problem) }
    guard entry.offset % UInt64(alignment) == 0 else {
      throw reject("its data begin at offset \(entry.offset), which is not a multiple of the alignment \(alignment)")
    }
    let available = max(0, fileCount - dataStart)
    guard entry.size <= available, entry.offset <= UInt64(available - entry.size) else {
      throw reject(
        "its \(entry.size) bytes (\(entry.type.name) \(entry.shape)) at offset \(entry.offset) reach beyond the "
          + "\(available) bytes of data in the file; the file is cut short or damaged")
    }
    let start = dataStart + Int(entry.offset)
    return GGUFTensor(
      name: entry.name, type: entry.type, shape: entry.shape, byteRange: start..<start + entry.size)
  }

  private func refuseOverlaps(_ dataStart: Int) throws {
    let placed = tensors.sorted { $0.byteRange.lowerBound < $1.byteRange.lowerBound }
    for (before, after) in zip(placed, placed.dropFirst())
    where after.byteRange.lowerBound < before.byteRange.upperBound {
      throw CheckpointError(
        path, tensor: after.name,
        "its data begin at offset \(after.byteRange.lowerBound - dataStart), inside those of "
          + "'\(CheckpointError.shortened(before.name))', which end at \(before.byteRange.upperBound - dataStart)")
    }
  }
}
