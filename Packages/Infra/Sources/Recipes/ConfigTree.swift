// What YAML, JSON and `--set a.b=1` all become before anything typed looks at them.
// One plain value, so that defaults, recipes and overrides can be compared and merged without knowing their types.

/// A setting, a list of settings, or a section of named settings.
public indirect enum ConfigTree: Sendable, Equatable {
  case null
  case bool(Bool)
  case int(Int)
  case double(Double)
  case string(String)
  case list([ConfigTree])
  case table([String: ConfigTree])

  /// The setting called `key`, when this is a section that has it.
  public subscript(key: String) -> ConfigTree? {
    guard case .table(let table) = self else { return nil }
    return table[key]
  }

  /// What this is, in the words of an error message: "the number 3", "the text 'adam'", "a list of 2".
  public var summary: String {
    switch self {
    case .null: "nothing"
    case .bool(let value): "\(value)"
    case .int(let value): "the number \(value)"
    case .double(let value): "the number \(value)"
    case .string(let value): "the text '\(value)'"
    case .list(let list): "a list of \(list.count)"
    case .table(let table) where table.isEmpty: "an empty section"
    case .table(let table): "a section (\(table.keys.sorted().joined(separator: ", ")))"
    }
  }
}

/// The address of a setting as people write it: `stages.base.layers[2]`.
enum ConfigPath {
  static func join(_ path: String, _ key: String) -> String {
    if path.isEmpty || key.isEmpty { return path + key }
    return key.hasPrefix("[") ? path + key : "\(path).\(key)"
  }
  static func join(_ path: String, _ index: Int) -> String { "\(path)[\(index)]" }
}

extension ConfigTree: Codable {
  /// Reads whatever the format holds. JSON does not tell 1.0 from 1: both arrive as whole numbers.
  public init(from decoder: any Decoder) throws {
    let value = try decoder.singleValueContainer()
    if value.decodeNil() {
      self = .null
    } else if let bool = try? value.decode(Bool.self) {
      self = .bool(bool)
    } else if let int = try? value.decode(Int.self) {
      self = .int(int)
    } else if let double = try? value.decode(Double.self) {
      self = .double(double)
    } else if let string = try? value.decode(String.self) {
      self = .string(string)
    } else if let list = try? value.decode([ConfigTree].self) {
      self = .list(list)
    } else {
      self = .table(try value.decode([String: ConfigTree].self))
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var value = encoder.singleValueContainer()
    switch self {
    case .null: try value.encodeNil()
    case .bool(let bool): try value.encode(bool)
    case .int(let int): try value.encode(int)
    case .double(let double): try value.encode(double)
    case .string(let string): try value.encode(string)
    case .list(let list): try value.encode(list)
    case .table(let table): try value.encode(table)
    }
  }
}
