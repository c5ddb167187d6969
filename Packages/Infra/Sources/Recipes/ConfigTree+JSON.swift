// One text per tree: what fingerprints are taken of, and what JSON consumers read.

extension ConfigTree {
  /// JSON with sorted keys and no spaces. Equal trees give equal text; whole numbers and fractions stay apart (1, 1.0).
  /// JSON has no infinity: those become the texts `.inf`, `-.inf` and `.nan`.
  public var canonicalJSON: String {
    switch self {
    case .null: "null"
    case .bool(let value): "\(value)"
    case .int(let value): "\(value)"
    case .double(let value): value.isFinite ? "\(value)" : "\"\(Self.yamlText(value))\""
    case .string(let value): Self.quoted(value)
    case .list(let list): "[\(list.map(\.canonicalJSON).joined(separator: ","))]"
    case .table(let table): "{\(table.sorted { $0.key < $1.key }.map(Self.member).joined(separator: ","))}"
    }
  }

  private static func member(_ key: String, _ value: ConfigTree) -> String { "\(quoted(key)):\(value.canonicalJSON)" }

  private static func quoted(_ text: String) -> String {
    var json = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": json += "\\\""
      case "\\": json += "\\\\"
      case "\n": json += "\\n"
      case "\u{0}"..<" ":
        let hex = String(scalar.value, radix: 16)
        json += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
      default: json.unicodeScalars.append(scalar)
      }
    }
    return json + "\""
  }
}
