// Encodes any `Encodable` as a `ConfigTree`. Containers write into slots, so that nested ones need no copying back.

/// A place in the tree under construction.
final class Slot {
  enum Content {
    case empty
    case leaf(ConfigTree)
    case list([Slot])
    case table([String: Slot])
  }
  var content = Content.empty
  /// An override replaces this value as a whole instead of being merged into it: enums, whose one key names the case,
  /// and among them free-form subtrees.
  let isWhole: Bool

  init(isWhole: Bool = false) { self.isWhole = isWhole }

  /// The finished tree. A value that encoded nothing at all is an empty section.
  var tree: ConfigTree {
    switch content {
    case .empty: .table([:])
    case .leaf(let tree): tree
    case .list(let slots): .list(slots.map(\.tree))
    case .table(let slots): .table(slots.mapValues(\.tree))
    }
  }

  /// These defaults with what `other` says in their place. Keys unknown here survive: whoever decodes the result knows
  /// which keys it reads and refuses the rest.
  func overlaid(by other: ConfigTree) -> ConfigTree {
    guard !isWhole, case .table(let theirs) = other else { return other }
    switch content {
    case .table(let mine):
      let merged = theirs.map { key, value in (key, mine[key]?.overlaid(by: value) ?? value) }
      return .table(mine.mapValues(\.tree).merging(merged) { $1 })
    case .empty, .leaf, .list: return other
    }
  }
}

enum TreeEncoder {
  static func slot(encoding value: some Encodable, at path: String) throws -> Slot {
    let slot = Slot(isWhole: Mirror(reflecting: value).displayStyle == .enum)
    try fill(slot, with: value, at: path)
    return slot
  }

  static func fill(_ slot: Slot, with value: some Encodable, at path: String) throws {
    if let tree = value as? ConfigTree {
      slot.content = .leaf(tree)
      return
    }
    do {
      try value.encode(to: TreeWriter(slot: slot, path: path))
    } catch let error as EncodingError {
      guard case .invalidValue(_, let context) = error else { throw error }
      throw ConfigError(path: path, problem: context.debugDescription)
    }
  }

  /// Shortest decimal that reads back as this Float, so that 0.1 is written 0.1.
  static func number(_ value: Float) -> ConfigTree {
    guard let short = Double("\(value)"), Float(short) == value else { return .double(Double(value)) }
    return .double(short)
  }
}

struct TreeWriter: Encoder {
  let slot: Slot
  let path: String
  var codingPath: [any CodingKey] { [] }
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
    KeyedEncodingContainer(SectionWriter<Key>(slot: slot, path: path))
  }
  func unkeyedContainer() -> any UnkeyedEncodingContainer { ListWriter(slot: slot, path: path) }
  func singleValueContainer() -> any SingleValueEncodingContainer { ValueWriter(slot: slot, path: path) }
}
