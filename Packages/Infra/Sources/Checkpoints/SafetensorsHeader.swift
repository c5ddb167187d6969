// The header of a safetensors file: parsed strictly, because everything after it is read on its word.
// Format: 8 bytes of header length (little endian), the header as a JSON object, the tensors' bytes without gaps.
import JSON

/// Where one tensor of a file is, and what it is.
public struct StoredEntry: Sendable, Hashable {
  public let type: StoredType
  /// Extents, outermost first; none for a single number.
  public let shape: [Int]
  /// Its bytes, counted from the beginning of the file.
  public let byteRange: Range<Int>
  public init(type: StoredType, shape: [Int], byteRange: Range<Int>) {
    (self.type, self.shape, self.byteRange) = (type, shape, byteRange)
  }
}

/// What a header says, after everything it says has been checked against the file.
struct SafetensorsHeader {
  /// The largest header that the format allows.
  static let largestByteCount = 100_000_000
  static let metadataKey = "__metadata__"

  private(set) var entries: [String: StoredEntry] = [:]
  private(set) var metadata: [String: String] = [:]
  private let path: String
  private let dataStart: Int
  private let fileCount: Int

  /// Reads the header of the file at `path`, whose whole contents are `file`.
  init(_ file: UnsafeRawBufferPointer, path: String) throws {
    guard file.count >= 8 else {
      throw CheckpointError(path, "the file has \(file.count) bytes; safetensors begins with 8 bytes of header length")
    }
    let length = UInt64(littleEndian: file.loadUnaligned(as: UInt64.self))
    guard length <= UInt64(SafetensorsHeader.largestByteCount) else {
      throw CheckpointError(
        path,
        "the header claims \(length) bytes; the format allows \(SafetensorsHeader.largestByteCount), "
          + "so this is probably not a safetensors file")
    }
    guard Int(length) <= file.count - 8 else {
      throw CheckpointError(
        path,
        "the header claims \(length) bytes, but only \(file.count - 8) follow; the file is cut short or is not "
          + "a safetensors file")
    }
    (self.path, dataStart, fileCount) = (path, 8 + Int(length), file.count)
    let json = UnsafeRawBufferPointer(rebasing: file[8..<dataStart])
    guard json.first == UInt8(ascii: "{") else {
      throw CheckpointError(path, "the header does not begin with '{'; a safetensors header is a JSON object")
    }
    var scanner = JSONScanner(json)
    do {
      try readEntries(&scanner)
      try scanner.expectEnd()
    } catch let error as JSONError {
      throw CheckpointError(path, "the header is not what the format asks for: \(error)")
    }
    try checkCoverage()
  }

  private mutating func readEntries(_ scanner: inout JSONScanner) throws {
    var hasMetadata = false
    // Ninety bytes is a short entry: reserving by it never asks for more memory than the header took.
    entries.reserveCapacity((dataStart - 8) / 90)
    try scanner.object { scanner, name in
      if name == SafetensorsHeader.metadataKey {
        if hasMetadata { throw CheckpointError(path, "the header has two '\(name)'; one is allowed") }
        hasMetadata = true
        metadata = try readMetadata(&scanner)
      } else {
        let entry = try readEntry(&scanner, name)
        if entries.updateValue(entry, forKey: name) != nil {
          throw CheckpointError(path, tensor: name, "the header has it twice; names must be different")
        }
      }
    }
  }

  private func readMetadata(_ scanner: inout JSONScanner) throws -> [String: String] {
    var result: [String: String] = [:]
    try scanner.object { scanner, key in
      if result.updateValue(try scanner.string(), forKey: key) != nil {
        throw CheckpointError(path, "the metadata has '\(CheckpointError.shortened(key))' twice; once is allowed")
      }
    }
    return result
  }

  private func readEntry(_ scanner: inout JSONScanner, _ name: String) throws -> StoredEntry {
    func reject(_ problem: String) -> CheckpointError { CheckpointError(path, tensor: name, problem) }
    var (typeName, shape, offsets): (String?, [Int]?, [Int]?) = (nil, nil, nil)
    do {
      try scanner.object { scanner, key in
        switch key {
        case "dtype" where typeName == nil: typeName = try scanner.string()
        case "shape" where shape == nil: shape = try readCounts(&scanner)
        case "data_offsets" where offsets == nil: offsets = try readCounts(&scanner)
        case "dtype", "shape", "data_offsets": throw reject("it has '\(key)' twice; once is allowed")
        default: try scanner.skip()
        }
      }
    } catch let error as JSONError {
      throw reject("its entry is not what the format asks for: \(error)")
    }
    guard let typeName, let shape, let offsets else {
      let missing = typeName == nil ? "dtype" : shape == nil ? "shape" : "data_offsets"
      throw reject("it has no '\(missing)'; dtype, shape and data_offsets are needed")
    }
    guard let type = StoredType(rawValue: typeName) else {
      let known = StoredType.allCases.map(\.rawValue).joined(separator: ", ")
      throw reject("its dtype is '\(CheckpointError.shortened(typeName))'; known are \(known)")
    }
    return StoredEntry(type: type, shape: shape, byteRange: try checkedRange(offsets, type, shape, reject))
  }

  private func readCounts(_ scanner: inout JSONScanner) throws -> [Int] {
    var result: [Int] = []
    try scanner.array { scanner in
      guard result.count < 64 else { throw scanner.failure("found more than 64 numbers where a shape has a few") }
      result.append(try scanner.count())
    }
    return result
  }

  /// The range in the file that `offsets` name, when it is one and has the size that type and shape ask for.
  private func checkedRange(
    _ offsets: [Int], _ type: StoredType, _ shape: [Int], _ reject: (String) -> CheckpointError
  ) throws -> Range<Int> {
    guard let byteCount = type.byteCount(ofShape: shape) else {
      throw reject("its shape \(brief(shape)) of \(type.rawValue) is more bytes than 64 bits can count")
    }
    guard offsets.count == 2 else {
      throw reject("its data_offsets are \(offsets.count) numbers; a beginning and an end are needed")
    }
    let (begin, end) = (offsets[0], offsets[1])
    guard begin <= end else { throw reject("its data_offsets begin at \(begin) and end before, at \(end)") }
    guard end <= fileCount - dataStart else {
      throw reject(
        "its bytes end at \(end), but the file holds \(fileCount - dataStart) bytes of data; it is cut short")
    }
    guard end - begin == byteCount else {
      throw reject(
        "its data_offsets span \(end - begin) bytes, but \(type.rawValue) of shape \(brief(shape)) takes \(byteCount)")
    }
    return dataStart + begin..<dataStart + end
  }

  private func brief(_ shape: [Int]) -> String {
    shape.count <= 8 ? "\(shape)" : "[\(shape.prefix(8).map(String.init).joined(separator: ", ")), …]"
  }

  /// The tensors cover the data exactly: no overlap, no hole, nothing behind the last one.
  private func checkCoverage() throws {
    let inOrder = entries.values.map(\.byteRange).sorted { a, b in
      (a.lowerBound, a.upperBound) < (b.lowerBound, b.upperBound)
    }
    var covered = dataStart
    for range in inOrder {
      let begin = range.lowerBound
      if begin != covered {
        let what = begin < covered ? "overlaps the one before it, which ends" : "leaves a hole after the one that ends"
        throw CheckpointError(
          path, tensor: entries.first { $0.value.byteRange == range }?.key,
          "it begins at data offset \(begin - dataStart) and \(what) at \(covered - dataStart); tensors must follow "
            + "each other without gaps")
      }
      covered = range.upperBound
    }
    guard covered == fileCount else {
      throw CheckpointError(
        path,
        "the tensors end at byte \(covered), but the file has \(fileCount); a safetensors file ends with its "
          + "last tensor")
    }
  }
}
