// Rows of text in aligned columns, for results that people read.

/// A table with a title over every column.
struct TextTable {
  enum Alignment { case left, right }
  struct Column {
    let title: String
    let alignment: Alignment
    static func left(_ title: String) -> Column { Column(title: title, alignment: .left) }
    static func right(_ title: String) -> Column { Column(title: title, alignment: .right) }
  }
  private let columns: [Column]
  private var rows: [[String]] = []

  init(_ columns: Column...) { self.columns = columns }

  /// Adds a row; cells that are missing stay empty, those too many are dropped.
  mutating func add(_ cells: String...) {
    rows.append(columns.indices.map { cells.indices.contains($0) ? cells[$0] : "" })
  }

  var isEmpty: Bool { rows.isEmpty }

  /// The table's lines, each ending in a line break, without spaces at their ends.
  var text: String {
    let titles = columns.map(\.title)
    let widths = columns.indices.map { column in ([titles] + rows).map { $0[column].count }.max() ?? 0 }
    let hasTitles = titles.contains { !$0.isEmpty }
    let rule = widths.map { String(repeating: "─", count: $0) }
    return ((hasTitles ? [titles, rule] : []) + rows).map { line($0, widths) + "\n" }.joined()
  }

  private func line(_ cells: [String], _ widths: [Int]) -> String {
    let padded = columns.indices.map { column in
      let space = String(repeating: " ", count: widths[column] - cells[column].count)
      return columns[column].alignment == .left ? cells[column] + space : space + cells[column]
    }
    let line = padded.joined(separator: "  ")
    return String(line.reversed().drop { $0 == " " }.reversed())
  }
}
