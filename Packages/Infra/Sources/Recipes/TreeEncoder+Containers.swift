// The three containers of the tree encoder: section, list, value.

struct SectionWriter<Key: CodingKey>: KeyedEncodingContainerProtocol {
  let slot: Slot
  let path: String
  var codingPath: [any CodingKey] { [] }

  init(slot: Slot, path: String) {
    (self.slot, self.path) = (slot, path)
    if case .table = slot.content { return }
    slot.content = .table([:])
  }

  private func put(_ child: Slot, _ key: String) {
    guard case .table(var table) = slot.content else { return }
    table[key] = child
    slot.content = .table(table)
  }
  private func nested(_ key: String) -> TreeWriter {
    let child = Slot()
    put(child, key)
    return TreeWriter(slot: child, path: ConfigPath.join(path, key))
  }

  func encodeNil(forKey key: Key) throws {
    let child = Slot()
    child.content = .leaf(.null)
    put(child, key.stringValue)
  }
  func encode(_ value: some Encodable, forKey key: Key) throws {
    put(try TreeEncoder.slot(encoding: value, at: ConfigPath.join(path, key.stringValue)), key.stringValue)
  }
  func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type, forKey key: Key) -> KeyedEncodingContainer<Nested>
  {
    nested(key.stringValue).container(keyedBy: type)
  }
  func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
    nested(key.stringValue).unkeyedContainer()
  }
  func superEncoder() -> any Encoder { nested("super") }
  func superEncoder(forKey key: Key) -> any Encoder { nested(key.stringValue) }
}

struct ListWriter: UnkeyedEncodingContainer {
  let slot: Slot
  let path: String
  var codingPath: [any CodingKey] { [] }
  var count: Int { items.count }

  init(slot: Slot, path: String) {
    (self.slot, self.path) = (slot, path)
    if case .list = slot.content { return }
    slot.content = .list([])
  }

  private var items: [Slot] {
    guard case .list(let items) = slot.content else { return [] }
    return items
  }
  private func append(_ child: Slot) { slot.content = .list(items + [child]) }
  private func nested() -> TreeWriter {
    let child = Slot()
    let childPath = ConfigPath.join(path, count)
    append(child)
    return TreeWriter(slot: child, path: childPath)
  }

  func encodeNil() throws {
    let child = Slot()
    child.content = .leaf(.null)
    append(child)
  }
  func encode(_ value: some Encodable) throws {
    append(try TreeEncoder.slot(encoding: value, at: ConfigPath.join(path, count)))
  }
  func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) -> KeyedEncodingContainer<Nested> {
    nested().container(keyedBy: type)
  }
  func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { nested().unkeyedContainer() }
  func superEncoder() -> any Encoder { nested() }
}

struct ValueWriter: SingleValueEncodingContainer {
  let slot: Slot
  let path: String
  var codingPath: [any CodingKey] { [] }

  private func put(_ tree: ConfigTree) { slot.content = .leaf(tree) }
  private func putWhole(_ value: some BinaryInteger) throws {
    guard let int = Int(exactly: value) else {
      throw ConfigError(path: path, problem: "\(value) is larger than the largest setting, \(Int.max)")
    }
    put(.int(int))
  }

  func encodeNil() throws { put(.null) }
  func encode(_ value: Bool) throws { put(.bool(value)) }
  func encode(_ value: String) throws { put(.string(value)) }
  func encode(_ value: Double) throws { put(.double(value)) }
  func encode(_ value: Float) throws { put(TreeEncoder.number(value)) }
  func encode(_ value: Int) throws { put(.int(value)) }
  func encode(_ value: Int8) throws { try putWhole(value) }
  func encode(_ value: Int16) throws { try putWhole(value) }
  func encode(_ value: Int32) throws { try putWhole(value) }
  func encode(_ value: Int64) throws { try putWhole(value) }
  func encode(_ value: UInt) throws { try putWhole(value) }
  func encode(_ value: UInt8) throws { try putWhole(value) }
  func encode(_ value: UInt16) throws { try putWhole(value) }
  func encode(_ value: UInt32) throws { try putWhole(value) }
  func encode(_ value: UInt64) throws { try putWhole(value) }
  func encode(_ value: some Encodable) throws { try TreeEncoder.fill(slot, with: value, at: path) }
}
