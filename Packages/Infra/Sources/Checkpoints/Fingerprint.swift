// SHA-256 of bytes and files: how stages tell whether what they depend on has changed.
// The digest is libcrypto's, which uses the processor's instructions for it.
import CLibCrypto
import Foundation

/// SHA-256 as 64 lower-case hexadecimal digits.
public enum Fingerprint {
  public static func sha256(_ bytes: [UInt8]) -> String {
    bytes.withUnsafeBytes { sha256(of: $0) }
  }

  /// Of the text's UTF-8.
  public static func sha256(_ text: String) -> String { sha256(Array(text.utf8)) }

  public static func sha256(of buffer: UnsafeRawBufferPointer) -> String {
    var stream = FingerprintStream()
    stream.update(buffer)
    return stream.finish()
  }

  /// Of a file's contents, read piece by piece: files may be larger than memory.
  public static func sha256(file path: String) throws -> String {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw CheckpointError.system("open", path, errno) }
    defer { close(descriptor) }
    var stream = FingerprintStream()
    var buffer = [UInt8](repeating: 0, count: 1 << 20)
    while true {
      let count = buffer.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
      if count == 0 { return stream.finish() }
      if count < 0 {
        if errno == EINTR { continue }
        throw CheckpointError.system("read", path, errno)
      }
      buffer.withUnsafeBytes { stream.update(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
    }
  }
}

/// A SHA-256 that is fed piece by piece; how the pieces are cut does not change it.
/// Sendable although it holds a pointer: the value cannot be copied, so its context has one owner at any time.
public struct FingerprintStream: ~Copyable, @unchecked Sendable {
  private let context: OpaquePointer

  public init() {
    guard let context = EVP_MD_CTX_new(), EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1 else {
      preconditionFailure("libcrypto gives no SHA-256: out of memory, or a build of it without the digest")
    }
    self.context = context
  }

  deinit { EVP_MD_CTX_free(context) }

  public mutating func update(_ bytes: UnsafeRawBufferPointer) {
    let isAdded = EVP_DigestUpdate(context, bytes.baseAddress, bytes.count) == 1
    precondition(isAdded, "SHA-256: libcrypto refused \(bytes.count) bytes")
  }

  public mutating func update(_ bytes: [UInt8]) { bytes.withUnsafeBytes { update($0) } }

  /// Of the text's UTF-8. Lengths are not part of it: separate fields that could run together.
  public mutating func update(_ text: String) { update(Array(text.utf8)) }

  /// The digest of everything that was fed.
  public consuming func finish() -> String {
    var digest = [UInt8](repeating: 0, count: 32)
    var count: UInt32 = 0
    let isDone = EVP_DigestFinal_ex(context, &digest, &count) == 1
    precondition(isDone && count == 32, "SHA-256: libcrypto returned \(count) bytes instead of 32")
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }
}
