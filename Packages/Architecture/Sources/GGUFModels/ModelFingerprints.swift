// The SHA-256 of every tensor of a model as it stands on the disk, and lists of them to hold it against.
import Checkpoints
import Foundation
import GGUF

/// One tensor's fingerprint.
public struct TensorFingerprint: Sendable, Equatable {
  public let name: String
  /// SHA-256 of its bytes in the file, 64 hexadecimal digits.
  public let fingerprint: String
  public init(name: String, fingerprint: String) { (self.name, self.fingerprint) = (name, fingerprint) }
}

/// Fingerprints of a model's tensors, by name.
public struct ModelFingerprints: Sendable, Equatable {
  /// In the order of the file, or of the list.
  public let tensors: [TensorFingerprint]

  /// Reads all tensors of a GGUF file or of a directory with safetensors, piece by piece. `report` is called with each.
  /// Throws `CheckpointError` for files that cannot be read, `CancellationError` in a cancelled task, and what `report`
  /// throws.
  public init(of path: String, report: (TensorFingerprint) throws -> Void = { _ in }) throws {
    var tensors: [TensorFingerprint] = []
    func add(_ name: String, _ fingerprint: String) throws {
      let tensor = TensorFingerprint(name: name, fingerprint: fingerprint)
      try report(tensor)
      tensors.append(tensor)
    }
    if path.hasSuffix(".gguf") {
      let file = try GGUFFile(path)
      for tensor in file.tensors {
        let count = tensor.byteRange.count
        try add(
          tensor.name, Self.fingerprint(count, giveBack: file.giveBack) { try file.withBytes(of: tensor.name, $0) })
      }
    } else {
      let files = try CheckpointFiles(path)
      for name in files.names {
        let count = try files.entry(named: name).byteRange.count
        try add(name, Self.fingerprint(count, giveBack: files.giveBack) { try files.withBytes(of: name, $0) })
      }
    }
    self.tensors = tensors
  }

  /// Reads lines "fingerprint  name …", as `fathom convert` prints and keeps them; lines that begin otherwise are not
  /// about tensors. Throws `CheckpointError` for a file without any, and for a name that stands twice.
  public init(list path: String) throws {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw CheckpointError(path, "cannot be read; a list of checksums was expected")
    }
    var (tensors, seen) = ([TensorFingerprint](), Set<String>())
    for line in String(decoding: data, as: UTF8.self).split(whereSeparator: \.isNewline) {
      let words = line.split(separator: " ", maxSplits: 2)
      guard words.count > 1, words[0].utf8.count == 64, words[0].utf8.allSatisfy(Self.isHexadecimal) else { continue }
      guard seen.insert(String(words[1])).inserted else {
        throw CheckpointError(
          path, "'\(CheckpointError.shortened(String(words[1])))' stands twice; a list has a line for each tensor")
      }
      tensors.append(TensorFingerprint(name: String(words[1]), fingerprint: words[0].lowercased()))
    }
    guard !tensors.isEmpty else {
      throw CheckpointError(
        path, "has no line of 64 hexadecimal digits and a tensor's name, as `fathom convert` prints")
    }
    self.tensors = tensors
  }

  private static func isHexadecimal(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x41...0x46).contains(byte) || (0x61...0x66).contains(byte)
  }

  /// SHA-256 of the `count` bytes that `withBytes` shows, which are given back on the way.
  private static func fingerprint(
    _ count: Int, giveBack: () -> Void, _ withBytes: ((UnsafeRawBufferPointer) -> Void) throws -> Void
  ) throws -> String {
    var stream = FingerprintStream()
    let piece = 1 << 24
    for start in stride(from: 0, to: count, by: piece) {
      try Task.checkCancellation()
      try withBytes { stream.update(UnsafeRawBufferPointer(rebasing: $0[start..<min(start + piece, count)])) }
      giveBack()
    }
    return stream.finish()
  }

  /// What is wrong with this model by a list, in sentences without an end; empty when every tensor is as listed.
  public func differences(from list: ModelFingerprints) -> [String] {
    var expected = Dictionary(uniqueKeysWithValues: list.tensors.map { ($0.name, $0.fingerprint) })
    var wrong: [String] = []
    for tensor in tensors {
      switch expected.removeValue(forKey: tensor.name) {
      case tensor.fingerprint: continue
      case nil: wrong.append("'\(tensor.name)' is not in the list")
      case .some: wrong.append("'\(tensor.name)' has other bytes")
      }
    }
    return wrong + expected.keys.sorted().map { "'\($0)' is missing" }
  }
}
