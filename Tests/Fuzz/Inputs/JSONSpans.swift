// Where the values of a JSON text lie, found without understanding more of it than brackets and quotation marks.
// Mutations cut and paste these stretches, so that damaged text stays close to JSON.

struct JSONSpans {
  /// Stretches of values: numbers, words, strings, lists and objects.
  private(set) var values: [Range<Int>] = []
  /// Stretches of "key": value.
  private(set) var members: [Range<Int>] = []
  /// Stretches of keys with their quotation marks.
  private(set) var keys: [Range<Int>] = []
  /// Stretches of values that are elements of lists.
  private(set) var elements: [Range<Int>] = []

  private let bytes: [UInt8]
  private var position = 0

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
    while position < bytes.count {
      let before = position
      _ = value(depth: 0)
      if position == before { position += 1 }
    }
  }

  private mutating func skipSpace() {
    while position < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) { position += 1 }
  }

  private mutating func take(_ mark: UInt8) -> Bool {
    skipSpace()
    guard position < bytes.count, bytes[position] == mark else { return false }
    position += 1
    return true
  }

  private mutating func value(depth: Int) -> Range<Int>? {
    skipSpace()
    guard position < bytes.count, depth < 100 else { return nil }
    let start = position
    switch bytes[position] {
    case UInt8(ascii: "{"): object(depth: depth)
    case UInt8(ascii: "["): list(depth: depth)
    case UInt8(ascii: "\""): string()
    default: word()
    }
    guard position > start else { return nil }
    values.append(start..<position)
    return start..<position
  }

  private mutating func object(depth: Int) {
    position += 1
    while position < bytes.count {
      if take(UInt8(ascii: "}")) { return }
      skipSpace()
      let start = position
      guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else { return }
      string()
      let key = start..<position
      guard take(UInt8(ascii: ":")), let value = value(depth: depth + 1) else { return }
      keys.append(key)
      members.append(start..<value.upperBound)
      if !take(UInt8(ascii: ",")) {
        _ = take(UInt8(ascii: "}"))
        return
      }
    }
  }

  private mutating func list(depth: Int) {
    position += 1
    while position < bytes.count {
      if take(UInt8(ascii: "]")) { return }
      guard let value = value(depth: depth + 1) else { return }
      elements.append(value)
      if !take(UInt8(ascii: ",")) {
        _ = take(UInt8(ascii: "]"))
        return
      }
    }
  }

  private mutating func string() {
    position += 1
    while position < bytes.count {
      let byte = bytes[position]
      position += byte == UInt8(ascii: "\\") ? 2 : 1
      if byte == UInt8(ascii: "\"") { break }
    }
    position = min(position, bytes.count)
  }

  private mutating func word() {
    let ends: Set<UInt8> = [0x20, 0x09, 0x0A, 0x0D, 0x2C, 0x3A, 0x5B, 0x5D, 0x7B, 0x7D, 0x22]
    while position < bytes.count, !ends.contains(bytes[position]) { position += 1 }
  }
}
