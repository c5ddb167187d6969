// A promise that an input broke, told once however many inputs break it in the same way.
import Foundation

struct Finding {
  let parser: String
  let seed: UInt64
  let lineage: Lineage
  /// What happened.
  let problem: String
  /// What tells it from others of the parser.
  let kind: String

  /// Puts the input where a person can look at it; the directory.
  func save(_ input: FuzzInput, under directory: String) throws -> String {
    let path = "\(directory)/\(parser)-\(seed)-\(lineage)"
    try input.write(to: path)
    return path
  }

  var command: String { "fathom-fuzz --parser \(parser) --seed \(seed) --iteration \(lineage)" }
}

/// What a crash has in common with others of its kind: the functions on top of its stack, without numbers.
enum CrashKind {
  static func of(_ trace: String, cause: String) -> String {
    let lines = trace.split(whereSeparator: \.isNewline).map(String.init)
    let words = lines.filter {
      $0.contains("Fatal error") || $0.contains("Precondition") || $0.contains("precondition")
    }
    let frames = lines.compactMap { line -> String? in
      guard let range = line.range(of: #"^\s*\d+ .* in "#, options: .regularExpression) else { return nil }
      let rest = String(line[range.upperBound...])
      return rest.range(of: " at /").map { String(rest[..<$0.lowerBound]) } ?? rest
    }
    let place = frames.filter { !$0.contains("Swift runtime failure") }.prefix(4).joined(separator: " < ")
    let kind = (words.prefix(1) + [place]).joined(separator: " ")
    return cause + ": " + String(kind.filter { !$0.isNumber }.prefix(600))
  }
}
