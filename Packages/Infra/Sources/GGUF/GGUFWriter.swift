// Writes GGUF files: the header first, then tensor by tensor, never holding more than one piece in memory.
// Version 3, little endian, alignment 32, every tensor at the next multiple of it in the order given.
import BlockFormats
import Checkpoints

/// One tensor on its way into a file.
public struct GGUFTensorToStore: Sendable {
  /// Takes the next piece of a tensor's bytes.
  public typealias Sink = (UnsafeRawBufferPointer) throws -> Void
  public let name: String
  public let format: BlockFormat
  /// Extents, outermost first. The last one is made of whole blocks.
  public let shape: [Int]
  let provide: @Sendable (Sink) throws -> Void

  /// `provide` hands all bytes to the sink, in as many pieces as it likes.
  public init(
    _ name: String, _ format: BlockFormat, _ shape: [Int], provide: @escaping @Sendable (Sink) throws -> Void
  ) {
    (self.name, self.format, self.shape, self.provide) = (name, format, shape, provide)
  }

  /// Rows that are brought into `format` as they are read.
  public init(_ name: String, _ format: BlockFormat, _ rows: FloatRows) {
    self.init(name, format, rows.shape) { sink in try rows.forEachStoredPiece(as: format, sink) }
  }
}

extension FloatRows {
  /// Calls `sink` with all rows in order, in a stored form. Throws `QuantisationError` with the place of a number that
  /// does not fit, counted from the first of all rows.
  public func forEachStoredPiece(as format: BlockFormat, _ sink: (UnsafeRawBufferPointer) throws -> Void) throws {
    var bytes: [UInt8] = []
    var done = 0
    try forEachPiece { numbers in
      let size = format.byteCount(of: numbers.count)
      if bytes.count < size { bytes = [UInt8](repeating: 0, count: size) }
      try bytes.withUnsafeMutableBytes { bytes in
        let piece = UnsafeMutableRawBufferPointer(rebasing: bytes[..<size])
        do throws(QuantisationError) {
          try format.quantiseInParallel(numbers, into: piece)
        } catch {
          throw error.moved(by: done)
        }
        try sink(UnsafeRawBufferPointer(piece))
      }
      done += numbers.count
    }
  }
}

/// Writes GGUF files. Each is put in place whole, or not at all.
public struct GGUFWriter: Sendable {
  static let alignment = 32
  /// The longest name that other readers take, in bytes.
  static let longestName = 63
  /// Keys with their values, in the order of the file.
  public var metadata: [(key: String, value: GGUFValue)]

  public init(metadata: [(key: String, value: GGUFValue)] = []) { self.metadata = metadata }

  /// Writes a file at `path`, whose directory must exist. Throws `CheckpointError` for what no reader would take, and
  /// whatever a tensor throws; nothing is left behind then.
  public func write(_ tensors: [GGUFTensorToStore], to path: String) throws {
    let sizes = try checkedSizes(tensors, path)
    try checkKeys(path)
    let file = try AsideFile(for: path)
    defer { file.discard() }
    try header(tensors, sizes).withUnsafeBytes { try file.write($0) }
    for (tensor, size) in zip(tensors, sizes) { try stream(tensor, size, into: file) }
    try file.publish()
  }

  private func stream(_ tensor: GGUFTensorToStore, _ size: Int, into file: AsideFile) throws {
    var written = 0
    do {
      try tensor.provide { piece in
        written += piece.count
        if written <= size { try file.write(piece) }
      }
    } catch let error as QuantisationError {
      throw CheckpointError(file.destination, tensor: tensor.name, error.description)
    }
    guard written == size else {
      throw CheckpointError(
        file.destination, tensor: tensor.name,
        "\(written) bytes were given, but \(tensor.format.rawValue) of shape \(tensor.shape) takes \(size)")
    }
    try [UInt8](repeating: 0, count: GGUFWriter.padding(after: size)).withUnsafeBytes { try file.write($0) }
  }

  private static func padding(after count: Int) -> Int { (alignment - count % alignment) % alignment }

  private func header(_ tensors: [GGUFTensorToStore], _ sizes: [Int]) -> [UInt8] {
    var bytes = littleEndian(GGUFHeader.magic) + littleEndian(UInt32(3))
    bytes += littleEndian(UInt64(tensors.count)) + littleEndian(UInt64(metadata.count))
    for (key, value) in metadata { bytes += encodedText(key) + littleEndian(value.type.rawValue) + value.encoded }
    var offset = 0
    for (tensor, size) in zip(tensors, sizes) {
      bytes += encodedText(tensor.name) + littleEndian(UInt32(tensor.shape.count))
      for extent in tensor.shape.reversed() { bytes += littleEndian(UInt64(extent)) }
      bytes += littleEndian(tensor.format.type.rawValue) + littleEndian(UInt64(offset))
      offset += size + GGUFWriter.padding(after: size)
    }
    return bytes + [UInt8](repeating: 0, count: GGUFWriter.padding(after: bytes.count))
  }

  private func checkKeys(_ path: String) throws {
    var seen: Set<String> = []
    for (key, _) in metadata {
      guard seen.insert(key).inserted else {
        throw CheckpointError(path, "the key '\(key)' was given twice; keys must be different")
      }
      guard (1...GGUFHeader.longestKey).contains(key.utf8.count), key != GGUFHeader.alignmentKey else {
        throw CheckpointError(
          path,
          "the key '\(CheckpointError.shortened(key))' cannot be written; keys have 1 to "
            + "\(GGUFHeader.longestKey) bytes, and '\(GGUFHeader.alignmentKey)' is the writer's")
      }
    }
  }

  /// The byte count of every tensor; throws for names and shapes that no reader would take.
  private func checkedSizes(_ tensors: [GGUFTensorToStore], _ path: String) throws -> [Int] {
    var seen: Set<String> = []
    var total = 0
    return try tensors.map { tensor in
      func reject(_ problem: String) -> CheckpointError { CheckpointError(path, tensor: tensor.name, problem) }
      guard seen.insert(tensor.name).inserted else { throw reject("it was given twice; names must be different") }
      guard (1...GGUFWriter.longestName).contains(tensor.name.utf8.count) else {
        throw reject("its name has \(tensor.name.utf8.count) bytes; 1 to \(GGUFWriter.longestName) are allowed")
      }
      guard tensor.shape.count <= GGUFHeader.mostDimensions else {
        throw reject("its shape \(tensor.shape) has more than \(GGUFHeader.mostDimensions) extents")
      }
      guard (tensor.shape.last ?? 1) % tensor.format.blockLength == 0 else {
        throw reject(
          "has rows of \(tensor.shape.last ?? 1) numbers; \(tensor.format.rawValue) stores them in blocks of "
            + "\(tensor.format.blockLength)")
      }
      guard let size = tensor.format.type.byteCount(ofShape: tensor.shape),
        case let (sum, overflows) = total.addingReportingOverflow(size), !overflows, sum < 1 << 60
      else { throw reject("its shape \(tensor.shape) has an extent below 1 or is too large to count") }
      total = sum
      return size
    }
  }
}
