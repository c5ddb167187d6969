// What one stage hands to the next: a small record that names a directory and what is in it.

/// A finished piece of work on disk. Encoded as JSON beside the stage that made it, so that a rerun can return it.
public protocol Artifact: Sendable, Codable {
  /// The kind of port it fits, for example "corpus" or "checkpoint"; shown in wiring errors.
  static var kind: String { get }
  /// The directory that holds it, absolute.
  var directory: String { get }
  /// SHA-256 (hex) of what it depends on or contains; equal fingerprints mean equal content.
  var fingerprint: String { get }
}
