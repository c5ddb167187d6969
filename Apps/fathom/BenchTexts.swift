// The texts of `fathom bench tokenizer`: one file, cut the same way on both sides.
import Foundation

/// Texts to encode, and how large they are.
struct BenchTexts: Sendable {
  let path: String
  let texts: [String]
  /// UTF-8 bytes of all texts.
  let bytes: Int

  /// Where a file without NUL bytes is cut: behind the line end that follows so many bytes.
  private static let piece = 4096

  /// Texts are what stands between NUL bytes; a file without any is cut into pieces of some kilobytes. Throws
  /// `CommandError` for a file that is empty or no UTF-8.
  init(_ path: String) throws {
    guard let data = FileManager.default.contents(atPath: path), !data.isEmpty else {
      throw CommandError("\(path): cannot be read or is empty; --text takes a file of UTF-8 text")
    }
    let whole = [UInt8](data)
    let parts = whole.contains(0) ? whole.split(separator: 0) : Self.pieces(of: whole)
    texts = try parts.map { part in
      guard let text = String(validating: part, as: UTF8.self) else {
        throw CommandError("\(path): is not UTF-8; --text takes a file of UTF-8 text")
      }
      return text
    }
    (self.path, bytes) = (path, parts.reduce(0) { $0 + $1.count })
  }

  private static func pieces(of whole: [UInt8]) -> [ArraySlice<UInt8>] {
    var parts: [ArraySlice<UInt8>] = []
    var start = 0
    while start < whole.count {
      let from = min(whole.count, start + piece - 1)
      let end = whole[from...].firstIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? whole.count
      parts.append(whole[start..<end])
      start = end
    }
    return parts
  }
}
