// Damage to JSON as JSON: values of another type or an extreme one, members that vanish, repeat, change their name.

struct JSONMutation {
  let partner: [UInt8]

  func apply(to whole: [UInt8], _ draws: inout Draws) -> [UInt8] {
    var bytes = whole
    for _ in 0..<(1 + draws.below(3)) {
      let spans = JSONSpans(bytes)
      guard !spans.values.isEmpty else { return ByteMutation(partner: partner).apply(to: bytes, &draws) }
      step(&bytes, spans, &draws)
    }
    return bytes
  }

  private func step(_ bytes: inout [UInt8], _ spans: JSONSpans, _ draws: inout Draws) {
    let value = draws.one(of: spans.values)
    switch draws.below(10) {
    case 0, 1, 2: bytes.replaceSubrange(value, with: Self.hostile(&draws))
    case 3: bytes.replaceSubrange(value, with: nudged(Array(bytes[value]), &draws))
    case 4: bytes.replaceSubrange(value, with: bytes[draws.one(of: spans.values)])
    case 5: remove(&bytes, spans, &draws)
    case 6: duplicate(&bytes, spans, &draws)
    case 7: rename(&bytes, spans, &draws)
    case 8:
      let others = JSONSpans(partner).values
      if !others.isEmpty { bytes.replaceSubrange(value, with: partner[draws.one(of: others)]) }
    default:
      let wrapping = draws.one(of: [("[", "]"), ("{\"a\":", "}"), ("\"", "\""), ("", ","), ("-", ""), ("", "e9")])
      bytes.replaceSubrange(value, with: Array(wrapping.0.utf8) + bytes[value] + Array(wrapping.1.utf8))
    }
  }

  private func remove(_ bytes: inout [UInt8], _ spans: JSONSpans, _ draws: inout Draws) {
    let pieces = spans.members + spans.elements
    guard !pieces.isEmpty else { return }
    let piece = draws.one(of: pieces)
    // The comma behind it goes as well, mostly.
    let comma = piece.upperBound < bytes.count && bytes[piece.upperBound] == UInt8(ascii: ",") && !draws.once(in: 8)
    bytes.removeSubrange(piece.lowerBound..<(piece.upperBound + (comma ? 1 : 0)))
  }

  private func duplicate(_ bytes: inout [UInt8], _ spans: JSONSpans, _ draws: inout Draws) {
    let pieces = spans.members + spans.elements
    guard !pieces.isEmpty else { return }
    let piece = Array(bytes[draws.one(of: pieces)]) + [UInt8(ascii: ",")]
    let target = draws.one(of: pieces).lowerBound
    let times = draws.once(in: 10) ? 1 + draws.below(2000) : 1
    bytes.insert(contentsOf: (0..<min(times, 1 + (1 << 18) / piece.count)).flatMap { _ in piece }, at: target)
  }

  private func rename(_ bytes: inout [UInt8], _ spans: JSONSpans, _ draws: inout Draws) {
    guard !spans.keys.isEmpty else { return }
    let key = draws.one(of: spans.keys)
    switch draws.below(3) {
    case 0: bytes.replaceSubrange(key, with: bytes[draws.one(of: spans.keys)])
    case 1: bytes.insert(UInt8(ascii: "x"), at: key.lowerBound + 1)
    default: bytes.replaceSubrange(key, with: Self.text(&draws))
    }
  }

  /// A number near the one that is there, or a string with something strange in it.
  private func nudged(_ value: [UInt8], _ draws: inout Draws) -> [UInt8] {
    let text = String(decoding: value, as: UTF8.self)
    if let number = Int(text) {
      let next = [
        number &+ 1, number &- 1, 0 &- number, number &* 2, number &* 1000, number / 2, number ^ 1 << draws.below(63),
      ]
      return Array(String(draws.one(of: next)).utf8)
    }
    if let number = Double(text) { return Array("\(draws.one(of: [-number, number * 1e300, number / 1e300, 0]))".utf8) }
    guard value.first == UInt8(ascii: "\""), value.count >= 2 else { return Self.hostile(&draws) }
    var changed = value
    let scrap = Array(draws.one(of: Self.scraps).utf8)
    changed.insert(contentsOf: scrap, at: 1 + draws.below(value.count - 1))
    return changed
  }

  static func hostile(_ draws: inout Draws) -> [UInt8] {
    switch draws.below(12) {
    case 0...5: Array(draws.one(of: words).utf8)
    case 6...8: text(&draws)
    case 9: nested(&draws)
    case 10: Array("\(Int64(bitPattern: draws.one(of: ByteMutation.extremes)))".utf8)
    default: Array("[\(String(repeating: "0,", count: draws.length(upTo: 4096)))1]".utf8)
    }
  }

  private static func nested(_ draws: inout Draws) -> [UInt8] {
    let depth = draws.one(of: [3, 30, 63, 64, 65, 127, 128, 129, 300, 511, 512, 513, 2000, 100_000])
    let (open, close) = draws.once(in: 2) ? ("[", "]") : ("{\"a\":", "}")
    let isOpen = draws.once(in: 4)
    return Array(
      (String(repeating: open, count: depth) + "1" + (isOpen ? "" : String(repeating: close, count: depth))).utf8)
  }

  private static func text(_ draws: inout Draws) -> [UInt8] {
    let scrap = draws.one(of: scraps)
    let times = draws.once(in: 6) ? draws.length(upTo: 1000) : 1
    return Array("\"\(String(repeating: scrap, count: times))\"".utf8)
  }

  /// Inside quotation marks.
  static let scraps = [
    "", "x", "\\u0000", "\\n", "\\r\\n", "\\u001b[2J", "\\u2028", "\\u202e", "\\ud800", "\\ud83d\\ude00", "é",
    "e\\u0301",
    "👩‍👩‍👧", "\\\\", "\\\"", "../../etc/passwd", "/", "%s%n", "{{ x }}", "{% for %}", "<|end▁of▁sentence|>", "</s>",
    "\\p{L}+", "(a+)+$", "(a|a)*b", "(?<=a{1,1000})", "[", "(", "(?R)", "$A", "▁", "##", "Ġ", "<0x41>", "<0xFF>",
    "NaN", "1e999", "true", "null", "0x10", "aaaaaaaaaaaaaaaaaaaaaaaa", "\u{0}", "\u{1}", "\u{7F}", "\t", "ﬁ", "İ", "ß",
  ]

  private static let words = [
    "null", "true", "false", "0", "1", "2", "-1", "-0", "0.5", "-0.5", "1e-320", "1e38", "1e39", "1e308", "1e309",
    "-1e309", "1.0", "3.0", "2147483647", "2147483648", "4294967295", "4294967296", "9007199254740993",
    "9223372036854775807", "9223372036854775808", "-9223372036854775808", "18446744073709551615",
    "18446744073709551616", "1000000000", "16777216", "1048576", "65536", "4096", "256", "64", "7", "[]", "{}", "[[]]",
    "[null]", "[0]", "[-1]", "NaN", "Infinity", "nan", "1e", "00", "+1", ".5", "'a'", "{\"a\":1}", "[\"a\",\"b\"]",
    "[\"a\",1]",
  ]
}
