// One GGUF file, in one part or in several, mapped and checked: metadata by key, tensors by name, numbers a few rows at
// a time, or bytes as they stand.
// Once it is open nothing about its layout can fail any more, whoever wrote the file.
import BlockFormats
import Checkpoints

/// A GGUF file open for reading. The bytes live as long as this object.
public final class GGUFFile: Sendable {
  public let path: String
  /// 2 or 3.
  public let version: UInt32
  /// Every tensor's data begin at a multiple of this.
  public let alignment: Int
  public let metadata: [String: GGUFValue]
  /// The keys in the order of the file.
  public let keys: [String]
  /// The tensors in the order of the file.
  public let tensors: [GGUFTensor]
  private let indices: [String: Int]
  private let files: [MappedFile]

  /// Maps the file and checks its header; throws `CheckpointError` for whatever the format does not allow. The first of
  /// several parts stands for all of them; their tensors follow each other.
  public init(_ path: String) throws {
    let first = try GGUFPart(path)
    let others = try first.others()
    let header = first.header
    (self.path, version, alignment) = (path, header.version, header.alignment)
    files = [first.file] + others.map(\.file)
    (metadata, keys) = (header.metadata, header.keys)
    tensors = try GGUFPart.joined([first] + others)
    indices = Dictionary(uniqueKeysWithValues: tensors.enumerated().map { ($1.name, $0) })
  }

  /// The paths of all parts, in order; one for a whole file.
  public var partPaths: [String] { files.map(\.path) }

  /// Whether there is a tensor of this name.
  public func contains(_ name: String) -> Bool { indices[name] != nil }

  /// A tensor by name; throws a sentence with similar names when there is none.
  public func tensor(named name: String) throws -> GGUFTensor {
    guard let index = indices[name] else {
      throw CheckpointError.missingTensor(name, in: path, having: tensors.map(\.name))
    }
    return tensors[index]
  }

  /// The bytes of a tensor as they are stored, valid inside `body` only. No alignment of their address is promised.
  public func withBytes<Result>(of name: String, _ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
    let tensor = try tensor(named: name)
    return try files[tensor.part].withBytes(in: tensor.byteRange, body)
  }

  /// Gives the memory of what has been read back to the system, which reads it again when it is touched.
  public func giveBack() { for file in files { file.giveBack() } }

  /// Rows of a tensor as they are stored, in the mapping itself: nothing is read before it is touched. Throws for types
  /// that are not read here and for rows outside of the tensor.
  public func storedRows(_ rows: Range<Int>, of name: String) throws -> MappedBytes {
    let tensor = try tensor(named: name)
    let rowBytes = try format(of: tensor).byteCount(of: tensor.width)
    guard rows.lowerBound >= 0, rows.upperBound <= tensor.rows else {
      throw CheckpointError(path, tensor: name, "has \(tensor.rows) rows; \(rows) are not all among them")
    }
    let start = tensor.byteRange.lowerBound
    return MappedBytes(
      files[tensor.part], start + rows.lowerBound * rowBytes..<start + rows.upperBound * rowBytes)
  }

  private func format(of tensor: GGUFTensor) throws -> BlockFormat {
    guard let format = tensor.format else {
      let known = BlockFormat.allCases.map(\.rawValue).joined(separator: ", ")
      throw CheckpointError(path, tensor: tensor.name, "has type \(tensor.type.name); numbers are read from \(known)")
    }
    return format
  }

  /// A tensor's numbers, read a few rows at a time. Throws for types that are not dequantised here.
  public func rows(of name: String) throws -> FloatRows {
    let tensor = try tensor(named: name)
    let (format, file) = (try format(of: tensor), files[tensor.part])
    let (start, rowBytes) = (tensor.byteRange.lowerBound, format.byteCount(of: tensor.width))
    return FloatRows(shape: tensor.shape) { rows, numbers in
      let range = start + rows.lowerBound * rowBytes..<start + rows.upperBound * rowBytes
      file.withBytes(in: range) { format.dequantise($0, into: numbers) }
    }
  }

  /// The value of a key that must be there and be a whole number of at least 0 and less than 2³¹.
  public func count(_ key: String) throws -> Int {
    try required(key, "a whole number from 0 to 2147483647") { value in
      value.integer.flatMap { (0...Int(Int32.max)).contains($0) ? $0 : nil }
    }
  }
  /// The value of a key that must be there and be a finite number.
  public func number(_ key: String) throws -> Double {
    try required(key, "a finite number") { value in value.number.flatMap { $0.isFinite ? $0 : nil } }
  }
  /// The value of a key that must be there and be a text.
  public func text(_ key: String) throws -> String { try required(key, "a text") { $0.text } }
  /// The value of a key that must be there and be true or false.
  public func flag(_ key: String) throws -> Bool { try required(key, "true or false") { $0.flag } }

  private func required<Value>(_ key: String, _ wanted: String, _ read: (GGUFValue) -> Value?) throws -> Value {
    guard let value = metadata[key] else { throw CheckpointError(path, "has no key '\(key)'; \(wanted) was expected") }
    guard let found = read(value) else {
      throw CheckpointError(path, "the key '\(key)' is \(value.summary); \(wanted) was expected")
    }
    return found
  }
}
