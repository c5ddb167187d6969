// The four Unicode normalization forms, in the version that published tokenizers were made with: Unicode 9.
// Newer characters pass unchanged and bind nothing, so that a text has the same tokens everywhere.
import Foundation

/// Canonical and compatibility decomposition and canonical composition (Unicode Standard Annex 15).
struct UnicodeNormalization: Sendable {
  /// A normalization form.
  enum Form: String, Sendable {
    case nfc = "NFC"
    case nfd = "NFD"
    case nfkc = "NFKC"
    case nfkd = "NFKD"
    var composes: Bool { self == .nfc || self == .nfkc }
    var isCompatible: Bool { self == .nfkc || self == .nfkd }
  }

  /// The tables; built once.
  static let standard = UnicodeNormalization()

  /// Decompositions that differ from the character itself, by scalar value.
  private var canonical: [UInt32: [UInt32]] = [:]
  private var compatible: [UInt32: [UInt32]] = [:]
  /// Two scalars that compose, in one number, to what they make.
  private var compositions: [UInt64: UInt32] = [:]

  private init() {
    // No character outside these ranges decomposes, Hangul apart, which is arithmetic.
    let ranges: [Range<UInt32>] = [
      0xA0..<0x3400, 0xA640..<0xAC00, 0xF900..<0x10000, 0x11000..<0x12000, 0x1D000..<0x1F300, 0x2F800..<0x2FA20,
    ]
    for value in ranges.joined() {
      guard let scalar = Unicode.Scalar(value), let age = scalar.properties.age, age.major <= 9 else { continue }
      let text = String(scalar)
      let full = Self.values(text.decomposedStringWithCanonicalMapping)
      if full != [value] { canonical[value] = full }
      let wide = Self.values(text.decomposedStringWithCompatibilityMapping)
      if wide != [value] { compatible[value] = wide }
    }
    for (value, parts) in canonical {
      guard let scalar = Unicode.Scalar(value), !scalar.properties.isFullCompositionExclusion else { continue }
      // A full decomposition's first part composes step by step: all but the last, then the last.
      let head = parts.dropLast()
      let first = head.count == 1 ? head.first : primary(of: Array(head))
      if let first, let last = parts.last { compositions[UInt64(first) << 32 | UInt64(last)] = value }
    }
  }

  private static func values(_ text: String) -> [UInt32] { text.unicodeScalars.map(\.value) }

  /// The composite that decomposes into exactly these scalars.
  private func primary(of parts: [UInt32]) -> UInt32? {
    canonical.first {
      $0.value == parts && Unicode.Scalar($0.key)?.properties.isFullCompositionExclusion == false
    }?.key
  }

  /// `bytes` in the given form. Stretches that every form leaves alone are copied.
  func normalize(_ bytes: [UInt8], to form: Form) -> [UInt8] {
    guard let firstOther = bytes.firstIndex(where: { $0 >= 0x80 }) else { return bytes }
    var result = Array(bytes[..<firstOther])
    result.reserveCapacity(bytes.count + bytes.count / 8)
    bytes.withUnsafeBufferPointer { bytes in
      // The character before the first other one may be a letter that a mark joins.
      var index = firstOther
      if index > 0 {
        index -= 1
        result.removeLast()
      }
      var segment: [UInt32] = []
      while index < bytes.count {
        let value = scalarValue(in: bytes, at: index)
        let length = lengthOfCharacter(bytes[index])
        if isInert(value, in: form) {
          // Inert characters do not change, but the last of a run may still take a mark.
          flush(&segment, form, into: &result)
          segment.append(value)
        } else {
          segment.append(value)
        }
        index += length
      }
      flush(&segment, form, into: &result)
    }
    return result
  }

  /// A starter that no form changes and that joins nothing before it.
  private func isInert(_ value: UInt32, in form: Form) -> Bool {
    if value < 0x80 { return true }
    if (0x400..<0x483).contains(value), form.composes { return canonical[value] == nil || form == .nfc }
    return (0x4E00..<0xA000).contains(value) || (0x3041..<0x3094).contains(value) && canonical[value] == nil
      || (0x30A1..<0x30F4).contains(value) && canonical[value] == nil || (0x3001..<0x3020).contains(value)
  }

  private func flush(_ segment: inout [UInt32], _ form: Form, into result: inout [UInt8]) {
    defer { segment.removeAll(keepingCapacity: true) }
    if segment.count == 1, isInert(segment[0], in: form) { return Self.append(segment[0], to: &result) }
    var decomposed: [(value: UInt32, order: UInt8)] = []
    for value in segment { decompose(value, form, into: &decomposed) }
    sortMarks(&decomposed)
    let values = form.composes ? composed(decomposed) : decomposed.map(\.value)
    for value in values { Self.append(value, to: &result) }
  }

  private static func append(_ value: UInt32, to result: inout [UInt8]) {
    guard let scalar = Unicode.Scalar(value) else { return }
    result.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
  }
}

// MARK: - The algorithm

extension UnicodeNormalization {
  private func decompose(_ value: UInt32, _ form: Form, into output: inout [(value: UInt32, order: UInt8)]) {
    if (0xAC00..<0xD7A4).contains(value) {
      let index = value - 0xAC00
      output.append((0x1100 + index / 588, 0))
      output.append((0x1161 + index % 588 / 28, 0))
      if index % 28 > 0 { output.append((0x11A7 + index % 28, 0)) }
      return
    }
    guard let parts = form.isCompatible ? compatible[value] : canonical[value] else {
      return output.append((value, order(of: value)))
    }
    for part in parts { output.append((part, order(of: part))) }
  }

  /// The canonical combining class; 0 for characters that Unicode 9 did not have.
  private func order(of value: UInt32) -> UInt8 {
    guard value >= 0x300, let properties = Unicode.Scalar(value)?.properties else { return 0 }
    let order = properties.canonicalCombiningClass.rawValue
    guard order > 0, let age = properties.age, age.major <= 9 else { return 0 }
    return order
  }

  /// Sorts each run of marks by class, keeping the order within a class.
  private func sortMarks(_ characters: inout [(value: UInt32, order: UInt8)]) {
    var index = 0
    while index < characters.count {
      guard characters[index].order > 0 else {
        index += 1
        continue
      }
      var end = index
      while end < characters.count, characters[end].order > 0 { end += 1 }
      let run = characters[index..<end].enumerated().sorted {
        ($0.element.order, $0.offset) < ($1.element.order, $1.offset)
      }
      characters.replaceSubrange(index..<end, with: run.map(\.element))
      index = end
    }
  }

  private func composed(_ characters: [(value: UInt32, order: UInt8)]) -> [UInt32] {
    var result: [UInt32] = []
    var starter = -1  // where the last starter stands in the result
    var lastOrder = -1  // the class of the last character kept behind it; -1 when there is none
    for (value, order) in characters {
      if starter >= 0, lastOrder < Int(order), let whole = composition(result[starter], value) {
        result[starter] = whole
        continue
      }
      if order == 0 {
        (starter, lastOrder) = (result.count, -1)
      } else {
        lastOrder = Int(order)
      }
      result.append(value)
    }
    return result
  }

  private func composition(_ left: UInt32, _ right: UInt32) -> UInt32? {
    if (0x1100..<0x1113).contains(left), (0x1161..<0x1176).contains(right) {
      return 0xAC00 + ((left - 0x1100) * 21 + right - 0x1161) * 28
    }
    if (0xAC00..<0xD7A4).contains(left), (left - 0xAC00) % 28 == 0, (0x11A8..<0x11C3).contains(right) {
      return left + right - 0x11A7
    }
    return compositions[UInt64(left) << 32 | UInt64(right)]
  }
}
