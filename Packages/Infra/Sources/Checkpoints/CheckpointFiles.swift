// The weights of a directory in Hugging Face layout, in one file or in shards, read as if they were one.
// Everything is opened and checked at once, so that a bad shard shows before an hour of loading.
import Foundation

/// `model.safetensors`, or the shards that `model.safetensors.index.json` lists.
public struct CheckpointFiles: Sendable {
  public let directory: String
  /// All tensors' names in alphabetical order.
  public let names: [String]
  /// The files, in alphabetical order.
  public let files: [SafetensorsFile]
  private let fileOfTensor: [String: Int]

  /// Opens the weights called `stem` in `directory`. When both layouts are there the single file is meant, as
  /// everywhere in the field.
  public init(_ directory: String, stem: String = "model") throws {
    self.directory = directory
    let single = "\(directory)/\(stem).safetensors"
    let index = single + ".index.json"
    if FileManager.default.fileExists(atPath: single) {
      let file = try SafetensorsFile(single)
      (files, names) = ([file], file.names)
      fileOfTensor = file.entries.mapValues { _ in 0 }
    } else if FileManager.default.fileExists(atPath: index) {
      (files, fileOfTensor) = try CheckpointFiles.openShards(of: CheckpointIndex(index), index, in: directory)
      names = fileOfTensor.keys.sorted()
    } else {
      throw CheckpointFiles.nothing(in: directory, stem)
    }
  }

  /// What the files say about a tensor; throws a sentence with similar names when there is no such tensor.
  public func entry(named name: String) throws -> StoredEntry { try file(of: name).entry(named: name) }

  /// Whether there is a tensor of this name.
  public func contains(_ name: String) -> Bool { fileOfTensor[name] != nil }

  /// The bytes of a tensor, valid inside `body` only; see `SafetensorsFile.withBytes`.
  public func withBytes<Result>(of name: String, _ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
    try file(of: name).withBytes(of: name, body)
  }

  /// Gives the memory of what has been read back to the system, which reads it again when it is touched.
  public func giveBack() { for file in files { file.giveBack() } }

  /// The same bytes, in the mapping for as long as somebody holds them.
  public func mappedBytes(of name: String) throws -> MappedBytes { try file(of: name).mappedBytes(of: name) }

  private func file(of name: String) throws -> SafetensorsFile {
    guard let file = fileOfTensor[name] else {
      throw CheckpointError.missingTensor(name, in: directory, having: names)
    }
    return files[file]
  }

  private static func openShards(
    of index: CheckpointIndex, _ indexPath: String, in directory: String
  ) throws -> ([SafetensorsFile], [String: Int]) {
    let shards = Set(index.shardOfTensor.values).sorted()
    let files = try shards.map { shard in
      let path = "\(directory)/\(shard)"
      guard FileManager.default.fileExists(atPath: path) else {
        throw CheckpointError(path, "this shard is missing; \(indexPath) lists it among \(shards.count)")
      }
      return try SafetensorsFile(path)
    }
    let numbers = Dictionary(uniqueKeysWithValues: zip(shards, 0...))
    var fileOfTensor: [String: Int] = [:]
    fileOfTensor.reserveCapacity(index.shardOfTensor.count)
    for (name, shard) in index.shardOfTensor {
      guard let number = numbers[shard], files[number].entries[name] != nil else {
        throw CheckpointError(
          "\(directory)/\(shard)", tensor: name,
          "\(indexPath) places it in this shard, which does not have it; index "
            + "and shards are not of the same checkpoint")
      }
      fileOfTensor[name] = number
    }
    return (files, fileOfTensor)
  }

  private static func nothing(in directory: String, _ stem: String) -> CheckpointError {
    guard let found = try? FileManager.default.contentsOfDirectory(atPath: directory) else {
      return CheckpointError(directory, "there is no such directory; a directory with \(stem).safetensors was expected")
    }
    let few = found.sorted().prefix(5).joined(separator: ", ")
    let holds = found.isEmpty ? "is empty" : "holds \(few)\(found.count > 5 ? " and \(found.count - 5) more" : "")"
    return CheckpointError(
      directory, "there is no \(stem).safetensors and no \(stem).safetensors.index.json; the directory \(holds)")
  }
}
