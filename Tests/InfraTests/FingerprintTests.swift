// SHA-256 against the vectors of FIPS 180-2, and the ways to feed it against each other.
import Checkpoints
import Foundation
import Testing

@Suite struct FingerprintTests {
  private static let millionAs = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"

  @Test(arguments: [
    ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
  ])
  func publishedVectors(text: String, digest: String) {
    #expect(Fingerprint.sha256(Array(text.utf8)) == digest)
    #expect(Fingerprint.sha256(text) == digest)
  }

  @Test func aMillionLettersInOnePieceAndInMany() {
    let letters = [UInt8](repeating: UInt8(ascii: "a"), count: 1_000_000)
    #expect(Fingerprint.sha256(letters) == FingerprintTests.millionAs)
    var stream = FingerprintStream()
    // Pieces of 0, 7, 14, … bytes, the last one shorter.
    var (fed, size) = (0, 0)
    while fed < letters.count {
      let piece = min(size, letters.count - fed)
      stream.update(Array(letters[fed..<fed + piece]))
      (fed, size) = (fed + piece, size + 7)
    }
    #expect(stream.finish() == FingerprintTests.millionAs)
  }

  @Test func aFileHasTheFingerprintOfItsBytes() throws {
    let path = FileManager.default.temporaryDirectory.path + "/fingerprint-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: path) }
    // Longer than one reading buffer, and not a multiple of it.
    let bytes = (0..<(1 << 21) + 12_345).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    try DurableFile.write(bytes, to: path)
    #expect(try Fingerprint.sha256(file: path) == Fingerprint.sha256(bytes))
    try DurableFile.write([], to: path)
    #expect(try Fingerprint.sha256(file: path) == Fingerprint.sha256(""))
  }

  @Test func aMissingFileAndADirectoryAreErrors() {
    #expect(throws: CheckpointError.self) { try Fingerprint.sha256(file: "/nonexistent/file") }
    #expect(throws: CheckpointError.self) { try Fingerprint.sha256(file: "/") }
  }
}
