// What is known of a parser between workers: the next iteration, the kinds of outcome that were seen, and their inputs.
import Foundation

struct Ledger {
  static let mostParents = 400

  private let path: String
  private(set) var kinds: Set<String> = []
  private(set) var parents: [Lineage] = []

  /// Reads what earlier workers wrote. A line is a lineage, a tab and a kind.
  init(_ path: String) {
    self.path = path
    let text = FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) } ?? ""
    for line in text.split(separator: "\n") {
      let parts = line.split(separator: "\t", maxSplits: 1)
      guard parts.count == 2, let lineage = Lineage(parts[0]) else { continue }
      kinds.insert(String(parts[1]))
      if lineage.iterations.count < Lineage.deepest { parents.append(lineage) }
    }
  }

  /// Remembers an input when its outcome is of a new kind.
  mutating func note(_ kind: String, _ lineage: Lineage) {
    let kind = String(kind.map { $0.isNewline || $0 == "\t" ? " " : $0 })
    guard kinds.count < Self.mostParents, kinds.insert(kind).inserted else { return }
    if lineage.iterations.count < Lineage.deepest { parents.append(lineage) }
    append("\(lineage)\t\(kind)\n", to: path)
  }
}

/// Adds a line to a file, which is made where there is none.
func append(_ line: String, to path: String) {
  guard let file = fopen(path, "a") else { return }
  fputs(line, file)
  fclose(file)
}
