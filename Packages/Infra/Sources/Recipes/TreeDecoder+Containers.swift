// The three containers of the tree decoder: section, list, value.

struct SectionReader<Key: CodingKey>: KeyedDecodingContainerProtocol {
  let section: Questions.Section
  let questions: Questions
  var codingPath: [any CodingKey] { [] }
  var allKeys: [Key] { section.table.keys.sorted().compactMap(Key.init(stringValue:)) }

  private func ask(_ key: String) -> ConfigTree? {
    section.asked.insert(key)
    return section.table[key]
  }
  private func value(_ key: String) throws -> ConfigTree {
    if let value = ask(key) { return value }
    let others = section.table.keys.sorted().joined(separator: ", ")
    throw ConfigError(
      path: ConfigPath.join(section.path, key),
      problem: "is required, but this section has \(others.isEmpty ? "nothing" : "only: \(others)")")
  }
  private func reader(_ key: String) throws -> TreeReader {
    TreeReader(tree: try value(key), path: ConfigPath.join(section.path, key), questions: questions)
  }

  func contains(_ key: Key) -> Bool { ask(key.stringValue) != nil }
  func decodeNil(forKey key: Key) throws -> Bool { (ask(key.stringValue) ?? .null) == .null }
  func decode<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T {
    let tree = try value(key.stringValue)
    return try TreeDecoder.decode(type, from: tree, at: ConfigPath.join(section.path, key.stringValue))
  }
  func nestedContainer<N: CodingKey>(keyedBy type: N.Type, forKey key: Key) throws -> KeyedDecodingContainer<N> {
    try reader(key.stringValue).container(keyedBy: type)
  }
  func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
    try reader(key.stringValue).unkeyedContainer()
  }
  func superDecoder() throws -> any Decoder { try reader("super") }
  func superDecoder(forKey key: Key) throws -> any Decoder { try reader(key.stringValue) }
}

struct ListReader: UnkeyedDecodingContainer {
  let list: [ConfigTree]
  let path: String
  let questions: Questions
  var currentIndex = 0
  var codingPath: [any CodingKey] { [] }
  var count: Int? { list.count }
  var isAtEnd: Bool { currentIndex >= list.count }

  init(list: [ConfigTree], path: String, questions: Questions) {
    (self.list, self.path, self.questions) = (list, path, questions)
  }

  private func current() throws -> TreeReader {
    guard !isAtEnd else {
      throw ConfigError(path: path, problem: "expected more than \(list.count) entries, found a list of \(list.count)")
    }
    return TreeReader(tree: list[currentIndex], path: ConfigPath.join(path, currentIndex), questions: questions)
  }
  private mutating func next() throws -> TreeReader {
    let reader = try current()
    currentIndex += 1
    return reader
  }

  mutating func decodeNil() throws -> Bool {
    guard try current().tree == .null else { return false }
    currentIndex += 1
    return true
  }
  mutating func decode<T: Decodable>(_ type: T.Type) throws -> T {
    let reader = try next()
    return try TreeDecoder.decode(type, from: reader.tree, at: reader.path)
  }
  mutating func nestedContainer<N: CodingKey>(keyedBy type: N.Type) throws -> KeyedDecodingContainer<N> {
    try next().container(keyedBy: type)
  }
  mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer { try next().unkeyedContainer() }
  mutating func superDecoder() throws -> any Decoder { try next() }
}

struct ValueReader: SingleValueDecodingContainer {
  let tree: ConfigTree
  let path: String
  var codingPath: [any CodingKey] { [] }

  private func mismatch(_ expected: String) -> ConfigError {
    .mismatch(at: path, expected: expected, found: tree)
  }
  private func whole<I: FixedWidthInteger>(_ type: I.Type) throws -> I {
    guard case .int(let value) = tree else { throw mismatch("a whole number") }
    guard let exact = I(exactly: value) else { throw mismatch("a whole number from \(I.min) to \(I.max)") }
    return exact
  }

  func decodeNil() -> Bool { tree == .null }
  func decode(_ type: Bool.Type) throws -> Bool {
    guard case .bool(let value) = tree else { throw mismatch("true or false") }
    return value
  }
  func decode(_ type: String.Type) throws -> String {
    guard case .string(let value) = tree else { throw mismatch("text") }
    return value
  }
  func decode(_ type: Double.Type) throws -> Double {
    switch tree {
    case .double(let value): return value
    case .int(let value): return Double(value)
    case .null, .bool, .string, .list, .table: throw mismatch("a number")
    }
  }
  func decode(_ type: Float.Type) throws -> Float {
    let value = try decode(Double.self)
    guard Float(value).isFinite || !value.isFinite else {
      throw mismatch("a number up to \(Float.greatestFiniteMagnitude)")
    }
    return Float(value)
  }
  func decode(_ type: Int.Type) throws -> Int { try whole(type) }
  func decode(_ type: Int8.Type) throws -> Int8 { try whole(type) }
  func decode(_ type: Int16.Type) throws -> Int16 { try whole(type) }
  func decode(_ type: Int32.Type) throws -> Int32 { try whole(type) }
  func decode(_ type: Int64.Type) throws -> Int64 { try whole(type) }
  func decode(_ type: UInt.Type) throws -> UInt { try whole(type) }
  func decode(_ type: UInt8.Type) throws -> UInt8 { try whole(type) }
  func decode(_ type: UInt16.Type) throws -> UInt16 { try whole(type) }
  func decode(_ type: UInt32.Type) throws -> UInt32 { try whole(type) }
  func decode(_ type: UInt64.Type) throws -> UInt64 { try whole(type) }
  func decode<T: Decodable>(_ type: T.Type) throws -> T { try TreeDecoder.decode(type, from: tree, at: path) }
}
