// One safetensors file, mapped and checked; its tensors are slices of the mapping.
// Once it is open nothing about its layout can fail any more, whoever wrote the file.

/// A safetensors file open for reading. The bytes live as long as this object.
public final class SafetensorsFile: Sendable {
  public typealias Entry = StoredEntry

  public let path: String
  /// What the header says of each tensor, by name.
  public let entries: [String: StoredEntry]
  /// The free text that the file carries under `__metadata__`.
  public let metadata: [String: String]
  /// The tensors' names in alphabetical order.
  public let names: [String]
  private let file: MappedFile

  /// Maps the file and checks its header; throws `CheckpointError` for whatever the format does not allow.
  public init(_ path: String) throws {
    file = try MappedFile(path)
    let header = try file.withBytes { try SafetensorsHeader($0, path: path) }
    (self.path, entries, metadata) = (path, header.entries, header.metadata)
    names = header.entries.keys.sorted()
  }

  /// What the file says about a tensor; throws a sentence with similar names when there is no such tensor.
  public func entry(named name: String) throws -> StoredEntry {
    guard let entry = entries[name] else { throw CheckpointError.missingTensor(name, in: path, having: names) }
    return entry
  }

  /// The bytes of a tensor, little endian and row-major, valid inside `body` only. Their address may be odd: read them
  /// with `loadUnaligned` or copy them.
  public func withBytes<Result>(of name: String, _ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
    try file.withBytes(in: entry(named: name).byteRange, body)
  }

  /// Gives the memory of what has been read back to the system, which reads it again when it is touched.
  public func giveBack() { file.giveBack() }

  /// The same bytes, in the mapping for as long as somebody holds them.
  public func mappedBytes(of name: String) throws -> MappedBytes {
    MappedBytes(file, try entry(named: name).byteRange)
  }
}
