// Standard output, written at once and in order. A reader that has gone ends the command quietly.
import Foundation

/// Writes to file descriptors without buffering.
enum Output {
  /// Writes all of `text` to standard output. Throws `ReaderHasGone` when nobody reads any more.
  static func write(_ text: String) throws {
    guard write(text, to: STDOUT_FILENO) else { throw ReaderHasGone() }
  }

  /// Writes a line to standard output.
  static func line(_ text: String) throws { try write("\(text)\n") }

  /// Writes a value as one line of JSON with sorted keys named in snake case.
  static func json(_ value: some Encodable, isPretty: Bool = false) throws {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    if isPretty { encoder.outputFormatting.insert(.prettyPrinted) }
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    try line(String(decoding: try encoder.encode(value), as: UTF8.self))
  }

  /// Whether all of `text` could be written.
  static func write(_ text: String, to descriptor: Int32) -> Bool {
    var text = text
    return text.withUTF8 { bytes in
      var rest = UnsafeRawBufferPointer(bytes)
      while let start = rest.baseAddress, !rest.isEmpty {
        let written = Foundation.write(descriptor, start, rest.count)
        if written < 0 && errno == EINTR { continue }
        guard written > 0 else { return false }
        rest = UnsafeRawBufferPointer(rebasing: rest[written...])
      }
      return true
    }
  }
}

/// Standard output has been closed, as by `| head`.
struct ReaderHasGone: Error {}
