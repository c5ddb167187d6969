// The JSON reader and writer against Foundation's: the same texts are accepted, and they mean the same.
import Foundation
import JSON
import Testing

/// What Foundation reads, written with names in order; nil where it refuses.
private func judge(_ text: String) -> String? {
  guard let value = try? JSONSerialization.jsonObject(with: Data(text.utf8), options: .fragmentsAllowed),
    let data = try? JSONSerialization.data(withJSONObject: value, options: [.sortedKeys, .fragmentsAllowed])
  else { return nil }
  return String(decoding: data, as: UTF8.self)
}

private func read(_ text: String, _ limits: JSONLimits = JSONLimits()) throws -> JSONValue {
  try JSONValue(reading: Array(text.utf8), limits: limits)
}

/// Steps over a text without building anything.
private func skip(_ bytes: [UInt8], _ limits: JSONLimits = JSONLimits()) throws {
  try bytes.withUnsafeBytes { buffer in
    var scanner = JSONScanner(buffer, limits: limits)
    try scanner.skip()
    try scanner.expectEnd()
  }
}

/// The error of `work`; nil when it has none.
private func mistake(_ work: () throws -> Any) -> JSONError? {
  do {
    _ = try work()
    return nil
  } catch { return error as? JSONError }
}

private let accepted = [
  "{}", "{ }", "[]", " [ 1 , 2 ] ", "0", "-0", "-1", "12345678901", "1.5", "0.0", "-0.25e-3", "1E3", "2e+2", "true",
  "false", "null", "\"\"", #""a\"\\\/\b\f\n\r\tz""#, #""\u00e9\u4e2d\ud83d\udc4d\uD83D\uDE00""#,
  "\"é中👍\u{2028}\u{7F}\"", "[[[[]],{}]]", #"{"a":{"b":[null,true,{"c":"d"}]},"":0}"#, "\r\n\t{\"a\" : 1}\n",
  "\t[\n]\r ", "9223372036854775807", "-9223372036854775808", "[1,[2,[3,[4]]]]", #"{"e\u0301":"x"}"#, "1e-320",
]

private let refused = [
  "", " ", "[", "]", "{", "[,1]", "[1 2]", "{\"a\"}", "{\"a\" 1}", "{\"a\":}", "{a:1}",
  "{'a':1}", "{1:2}", "tru", "nul", "True", "+1", ".5", "1.", "1.e3", "1e", "1.5e", "1e+", "-", "--1", "00", "01",
  "-01", "0x10", "\"", "\"\\\"", "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "\"\\u00\"", #""\ud83d""#,
  #""\udc4d\ud83d""#, #""\ud83dx""#, #""\ud83d\u0041""#, #""\ud83d\n""#, "\"a\nb\"", "\"a\u{0}b\"", "\"a\u{1}\"",
  "1 2", "{}{}", "[1]]", "{\"a\":1}}", "NaN", "Infinity", "// 1", "nullx", "1-2", "1.5.5", "1e5e5", "[1;2]",
]

@Suite struct JSONTests {
  @Test(arguments: accepted) func whatFoundationReadsIsReadAlike(text: String) throws {
    let value = try read(text)
    #expect(try #require(judge(value.text)) == #require(judge(text)), "\(text) became \(value.text)")
    #expect(try read(value.text) == value, "reading what was written gives the same")
    try skip(Array(text.utf8))
  }

  @Test(arguments: refused) func whatFoundationRefusesIsRefused(text: String) {
    #expect(judge(text) == nil, "Foundation reads it")
    #expect(throws: JSONError.self) { try read(text) }
    #expect(throws: JSONError.self) { try skip(Array(text.utf8)) }
  }

  /// Foundation reads some of these, the grammar has none.
  @Test(arguments: ["[1,]", "{\"a\":1,}", "[1,,2]", "{,}", "[,]", "{\"a\":1,,\"b\":2}"])
  func aCommaStandsBetweenTwoValuesOnly(text: String) {
    #expect(throws: JSONError.self) { try read(text) }
    #expect(throws: JSONError.self) { try skip(Array(text.utf8)) }
  }

  @Test func everyCutOfADocumentIsRefused() throws {
    let text = Array(#"{"a": [1.5e3, "\u00e9\ud83d\udc4d", true, null, {"b": -0}], "c": "d"}"#.utf8)
    _ = try JSONValue(reading: text)
    for end in 0..<text.count {
      #expect(throws: JSONError.self, "cut at \(end)") { try JSONValue(reading: Array(text[..<end])) }
      #expect(throws: JSONError.self, "cut at \(end)") { try skip(Array(text[..<end])) }
    }
  }

  @Test func wholeNumbersStayExactWhereTheyFit() throws {
    #expect(try read("[1, 1.0, 1e2, -0, true]") == [1, .number(1), .number(100), 0, true])
    for value in [Int.max, .max - 1, .min, .min + 1, 1 << 53 + 1] {
      #expect(try read("\(value)") == .integer(value))
    }
    // Beyond 64 bits: the nearest floating-point number.
    #expect(try read("9223372036854775808") == .number(9_223_372_036_854_775_808))
    #expect(try read("-9223372036854775809") == .number(-9_223_372_036_854_775_808))
    #expect(try read(String(repeating: "9", count: 308)) == .number(1e308))
    for text in ["1e400", "-1e400", String(repeating: "9", count: 400)] {
      #expect(throws: JSONError.self, "\(text)") { try read(text) }
    }
  }

  @Test func fractionsComeBackBitForBit() throws {
    var random = Seeded(7)
    for _ in 0..<2000 {
      let value = Double(bitPattern: random.next())
      guard value.isFinite else { continue }
      guard case .number(let again) = try read(JSONValue.number(value).text) else {
        Issue.record("\(value) is no fraction")
        return
      }
      #expect(again.bitPattern == value.bitPattern)
    }
  }

  @Test func depthIsBoundedAlikeForValuesAndForWhatIsSkipped() throws {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
      let deepest = String(repeating: open, count: 64) + "1" + String(repeating: close, count: 64)
      _ = try read(deepest)
      try skip(Array(deepest.utf8))
      let deeper = open + deepest + close
      #expect(mistake({ try read(deeper) })?.kind == .depth)
      #expect(mistake({ try skip(Array(deeper.utf8)) })?.kind == .depth)
      let hostile = String(repeating: open, count: 200_000)
      #expect(mistake({ try read(hostile) })?.kind == .depth)
    }
    // Neighbours are not deeper than each other.
    #expect(try read("[" + String(repeating: "[],{},", count: 100) + "1]", JSONLimits(depth: 2)).text.count == 603)
  }

  @Test func theNumberOfValuesIsBounded() throws {
    let limits = JSONLimits(values: 6)
    #expect(try read(#"[1, {"a": 2}, "x", null]"#, limits) != .null)
    #expect(mistake({ try read(#"[1, {"a": 2}, "x", null, 3]"#, limits) })?.kind == .count)
    #expect(mistake({ try skip(Array("[1,2,3,4,5,6]".utf8), limits) })?.kind == .count)
  }

  @Test func namesKeepTheirOrderAndOfEqualOnesTheLastCounts() throws {
    let value = try read(#"{"b": 1, "a": 2, "b": 3}"#)
    #expect(value == ["b": 1, "a": 2, "b": 3])
    #expect(value["b"] == 3 && value["a"] == 2 && value["c"] == nil)
    #expect(JSONValue.array([value])["b"] == nil)
  }

  @Test func namesThatLookAlikeAreDifferent() throws {
    let value = try read(#"{"\u00e9": 1, "e\u0301": 2}"#)
    #expect(value["\u{e9}"] == 1 && value["e\u{301}"] == 2)
  }

  @Test func aByteOrderMarkIsSteppedOverOnce() throws {
    #expect(try read("\u{FEFF} [1]") == [1])
    #expect(throws: JSONError.self) { try read("\u{FEFF}\u{FEFF}[1]") }
    #expect(mistake({ try read("\u{FEFF} ") })?.kind == .empty)
  }

  @Test(
    arguments: [
      [0xFF], [0xC3], [0xC3, 0x28], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0x80],
      // The halves of a character around an escape.
      [0xC3] + Array("\\u00a9".utf8), Array("\\n".utf8) + [0xE4, 0xB8],
    ] as [[UInt8]])
  func aStringThatIsNotUTF8IsRefused(content: [UInt8]) {
    let text = Array("[\"".utf8) + content + Array("\"]".utf8)
    #expect(mistake({ try JSONValue(reading: text) })?.kind == .encoding)
    #expect(mistake({ try skip(text) })?.kind == .encoding)
  }

  @Test(
    arguments: [
      ("[1, 2", 5, "expected ',' or ']', found the end"), ("{\"a\" 1}", 5, "expected ':', found '1'"),
      ("{\"a\": 1 \u{7}}", 8, "expected ',' or '}', found byte 7"), ("{\"a\": x}", 6, "expected a value, found 'x'"),
      ("[1.x]", 3, "expected a digit"), ("[ 01]", 2, "a leading zero"), ("[1e999]", 1, "too large"),
      ("[nulp]", 1, "the word null"), ("{} x", 3, "expected the end, found 'x'"), ("  ", 2, "the text is empty"),
      ("[\"a\\q\"]", 5, "an escape that JSON does not have"), ("[\"\\ud800\"]", 8, "half a character"),
      ("[\"a\u{1}\"]", 3, "a control character"), ("[\"a", 3, "a string that does not end"),
    ])
  func anErrorSaysWhereAndWhat(text: String, byte: Int, says: String) throws {
    let error = try #require(#expect(throws: JSONError.self) { try read(text) })
    #expect(error.byte == byte && error.problem.contains(says), "\(error)")
  }

  @Test func whatIsWrittenIsReadByFoundation() throws {
    let text = String(String.UnicodeScalarView((0..<0x300).compactMap { Unicode.Scalar($0) })) + "👍\u{2028}\u{FFFF}"
    let data = Data(JSONValue.quoted(text).utf8)
    let again = try JSONSerialization.jsonObject(with: data, options: .fragmentsAllowed) as? String
    #expect(again.map { Array($0.unicodeScalars) } == Array(text.unicodeScalars))
    #expect(JSONValue.array([.number(.nan), .number(-.infinity), .number(2)]).text == "[null,null,2.0]")
  }

  @Test func aHeaderIsWalkedWithoutBuildingIt() throws {
    let text = Array(#" {"w": {"shape": [2, 3], "more": [{}, "x", 1e5]}, "n": "y"} "#.utf8)
    try text.withUnsafeBytes { buffer in
      var scanner = JSONScanner(buffer)
      var (seen, shape): ([String], [Int]) = ([], [])
      try scanner.object { scanner, name in
        seen.append(name)
        guard name == "w" else { return seen.append(try scanner.string()) }
        try scanner.object { scanner, key in
          guard key == "shape" else { return try scanner.skip() }
          try scanner.array { shape.append(try $0.count()) }
        }
      }
      try scanner.expectEnd()
      #expect(seen == ["w", "n", "y"] && shape == [2, 3])
    }
  }
}

/// SplitMix64, for numbers that follow from a seed.
private struct Seeded {
  private var state: UInt64
  init(_ seed: UInt64) { state = seed }
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
