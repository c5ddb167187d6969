// Writes tensors as safetensors, in one file or in shards with an index, never holding more than one piece in memory.
// The order in a file is widest type first, then as given: every tensor is aligned to its own numbers.
import Foundation
import JSON

/// One tensor on its way into a file.
public struct TensorToStore: Sendable {
  /// Takes the next piece of a tensor's bytes.
  public typealias Sink = (UnsafeRawBufferPointer) throws -> Void
  public let name: String
  public let type: StoredType
  public let shape: [Int]
  let provide: @Sendable (Sink) throws -> Void

  /// `provide` hands all bytes, little endian and row-major, to the sink, in as many pieces as it likes.
  public init(
    _ name: String, _ type: StoredType, _ shape: [Int], provide: @escaping @Sendable (Sink) throws -> Void
  ) {
    (self.name, self.type, self.shape, self.provide) = (name, type, shape, provide)
  }

  /// A tensor whose bytes are in memory, little endian and row-major.
  public init(_ name: String, _ type: StoredType, _ shape: [Int], _ bytes: [UInt8]) {
    self.init(name, type, shape) { sink in try bytes.withUnsafeBytes { try sink($0) } }
  }
}

/// Writes safetensors files. Each is put in place whole, or not at all.
public struct SafetensorsWriter: Sendable {
  /// Free text for `__metadata__`; many readers want `format`.
  public var metadata: [String: String]
  public init(metadata: [String: String] = ["format": "pt"]) { self.metadata = metadata }

  /// Writes one file at `path`, whose directory must exist.
  public func write(_ tensors: [TensorToStore], to path: String) throws {
    let sizes = try checkedSizes(tensors, path)
    let order = tensors.indices.sorted { a, b in
      (-tensors[a].type.byteWidth, a) < (-tensors[b].type.byteWidth, b)
    }
    let file = try AsideFile(for: path)
    defer { file.discard() }
    let header = try self.header(order.map { (tensors[$0], sizes[$0]) }, path)
    try header.withUnsafeBytes { try file.write($0) }
    for index in order { try stream(tensors[index], sizes[index], into: file) }
    try file.publish()
  }

  /// Writes `stem.safetensors`, or shards of at most `shardBytes` bytes of data (a larger tensor gets one of its own)
  /// with their index, into `directory`, which must exist and hold no weights of that name. Returns the file names.
  @discardableResult
  public func write(
    _ tensors: [TensorToStore], in directory: String, stem: String = "model", shardBytes: Int? = nil
  ) throws -> [String] {
    if let shardBytes, shardBytes < 1 {
      throw CheckpointError(directory, "shards of \(shardBytes) bytes were asked for; at least 1 byte is needed")
    }
    let sizes = try checkedSizes(tensors, directory)
    let shards = SafetensorsWriter.cut(sizes, at: shardBytes ?? .max)
    for name in ["\(stem).safetensors", "\(stem).safetensors.index.json"] {
      let path = "\(directory)/\(name)"
      if FileManager.default.fileExists(atPath: path) {
        throw CheckpointError(path, "it already exists; write a checkpoint into a directory of its own")
      }
    }
    if shards.count == 1 {
      try write(tensors, to: "\(directory)/\(stem).safetensors")
      return ["\(stem).safetensors"]
    }
    let names = shards.indices.map { "\(stem)-\(fiveDigits($0 + 1))-of-\(fiveDigits(shards.count)).safetensors" }
    for (shard, name) in zip(shards, names) { try write(Array(tensors[shard]), to: "\(directory)/\(name)") }
    // The index comes last: until it is there, the directory holds no checkpoint.
    let index = SafetensorsWriter.index(tensors, shards, names, totalBytes: sizes.reduce(0, +))
    try DurableFile.write(index, to: "\(directory)/\(stem).safetensors.index.json")
    return names
  }

  /// The byte count of every tensor; throws for names and shapes that no reader would take.
  private func checkedSizes(_ tensors: [TensorToStore], _ path: String) throws -> [Int] {
    var seen: Set<String> = []
    var total = 0
    return try tensors.map { tensor in
      guard tensor.name != SafetensorsHeader.metadataKey else {
        throw CheckpointError(path, tensor: tensor.name, "the format keeps this name for itself; choose another")
      }
      guard seen.insert(tensor.name).inserted else {
        throw CheckpointError(path, tensor: tensor.name, "it was given twice; names must be different")
      }
      let size = tensor.type.byteCount(ofShape: tensor.shape)
      guard let size, case let (sum, overflows) = total.addingReportingOverflow(size), !overflows else {
        throw CheckpointError(
          path, tensor: tensor.name,
          "its shape \(tensor.shape) is negative or too large to count; none of it is written")
      }
      total = sum
      return size
    }
  }

  private func stream(_ tensor: TensorToStore, _ size: Int, into file: AsideFile) throws {
    var written = 0
    try tensor.provide { piece in
      written += piece.count
      if written <= size { try file.write(piece) }
    }
    guard written == size else {
      throw CheckpointError(
        file.destination, tensor: tensor.name,
        "\(written) bytes were given, but \(tensor.type.rawValue) of shape \(tensor.shape) takes \(size)")
    }
  }

  /// Header length and header, padded with spaces so that the data begins at a multiple of eight bytes.
  private func header(_ tensors: [(tensor: TensorToStore, size: Int)], _ path: String) throws -> [UInt8] {
    var fields: [String] = []
    if !metadata.isEmpty {
      let pairs = metadata.sorted { $0.key < $1.key }.map { "\(JSONValue.quoted($0)):\(JSONValue.quoted($1))" }
      fields.append("\"\(SafetensorsHeader.metadataKey)\":{\(pairs.joined(separator: ","))}")
    }
    var offset = 0
    for (tensor, size) in tensors {
      let shape = tensor.shape.map(String.init).joined(separator: ",")
      fields.append(
        "\(JSONValue.quoted(tensor.name)):{\"dtype\":\"\(tensor.type.rawValue)\",\"shape\":[\(shape)],"
          + "\"data_offsets\":[\(offset),\(offset + size)]}")
      offset += size
    }
    var json = Array("{\(fields.joined(separator: ","))}".utf8)
    json += [UInt8](repeating: 0x20, count: (8 - json.count % 8) % 8)
    guard json.count <= SafetensorsHeader.largestByteCount else {
      throw CheckpointError(path, "its header would have \(json.count) bytes, more than the format allows; use shards")
    }
    return withUnsafeBytes(of: UInt64(json.count).littleEndian) { Array($0) } + json
  }

  /// Runs of tensors, in the order given, whose bytes fit a shard; at least one run.
  private static func cut(_ sizes: [Int], at limit: Int) -> [Range<Int>] {
    var shards: [Range<Int>] = []
    var (start, sum) = (0, 0)
    for (index, size) in sizes.enumerated() {
      if index > start && size > limit - sum {
        shards.append(start..<index)
        (start, sum) = (index, 0)
      }
      // A tensor above the limit fills its shard; what follows begins another.
      sum = min(limit, sum + size)
    }
    return shards + [start..<sizes.count]
  }

  private static func index(
    _ tensors: [TensorToStore], _ shards: [Range<Int>], _ names: [String], totalBytes: Int
  ) -> String {
    var lines: [String] = []
    for (shard, file) in zip(shards, names) {
      lines += tensors[shard].map { "    \(JSONValue.quoted($0.name)): \(JSONValue.quoted(file))" }
    }
    let map = lines.sorted().joined(separator: ",\n")
    return "{\n  \"metadata\": {\"total_size\": \(totalBytes)},\n  \"weight_map\": {\n\(map)\n  }\n}\n"
  }

  private func fiveDigits(_ number: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, 5 - digits.count)) + digits
  }
}
