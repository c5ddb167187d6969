// The table that says which shard holds which tensor: `model.safetensors.index.json`.
// It comes from outside like the weights do, so the shards it names must be files of its own directory.
import JSON

/// The index of a checkpoint in several files.
struct CheckpointIndex {
  /// Tensor name to the shard's file name.
  private(set) var shardOfTensor: [String: String] = [:]
  private let path: String

  init(_ path: String) throws {
    self.path = path
    let file = try MappedFile(path)
    guard file.count <= SafetensorsHeader.largestByteCount else {
      throw CheckpointError(path, "the index has \(file.count) bytes; an index of tensors is smaller than 100 MB")
    }
    do {
      try file.withBytes { try read($0) }
    } catch let error as JSONError {
      throw CheckpointError(path, "this is not an index of tensors: \(error)")
    }
  }

  private mutating func read(_ json: UnsafeRawBufferPointer) throws {
    var scanner = JSONScanner(json)
    var hasMap = false
    try scanner.object { scanner, key in
      guard key == "weight_map" else { return try scanner.skip() }
      if hasMap { throw CheckpointError(path, "the index has two 'weight_map'; one is allowed") }
      hasMap = true
      try readMap(&scanner)
    }
    try scanner.expectEnd()
    guard hasMap else { throw CheckpointError(path, "the index has no 'weight_map' from tensor names to file names") }
  }

  private mutating func readMap(_ scanner: inout JSONScanner) throws {
    try scanner.object { scanner, name in
      let shard = try scanner.string()
      guard !shard.isEmpty, shard != ".", shard != "..", !shard.utf8.contains(where: { $0 == 0x2F || $0 == 0 }) else {
        throw CheckpointError(
          path, tensor: name,
          "the index places it in '\(CheckpointError.shortened(shard))'; a file name without a directory was expected")
      }
      if shardOfTensor.updateValue(shard, forKey: name) != nil {
        throw CheckpointError(path, tensor: name, "the index has it twice; names must be different")
      }
    }
  }
}
