// Small files that are there whole or not at all: config.json, artifacts, results.

/// Writing a file aside, making it durable and putting it in place.
public enum DurableFile {
  /// Replaces the file at `path`, whose directory must exist, by one of these bytes.
  public static func write(_ bytes: [UInt8], to path: String) throws {
    let file = try AsideFile(for: path)
    defer { file.discard() }
    try bytes.withUnsafeBytes { try file.write($0) }
    try file.publish()
  }

  /// Replaces the file at `path` by one of this text in UTF-8.
  public static func write(_ text: String, to path: String) throws { try write(Array(text.utf8), to: path) }
}
