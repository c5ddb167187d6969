// The JSON reader and writer against Foundation's: the same texts are accepted, and they mean the same.
import Foundation
import Testing

@testable import HTTPServing

@Suite struct JSONParsingTests {
  static let accepted = [
    "{}", "[]", " [ 1 , 2 ] ", "0", "-0", "-1", "12345678901", "1.5", "-0.25e-3", "1E3", "2e+2", "true", "false",
    "null",
    "\"\"", #""a\"\\\/\b\f\n\r\tz""#, #""\u00e9\u4e2d\ud83d\udc4d""#, "\"é中👍\u{2028}\u{7F}\"", "[[[[]]],{}]",
    #"{"a":{"b":[null,true,{"c":"d"}]},"":0}"#, "\r\n\t{\"a\" : 1}\n", "9223372036854775807", "-9223372036854775808",
    "[1,[2,[3,[4]]]]", #"{"e\u0301":"x"}"#, "1e-320",
  ]

  static let refused = [
    "", " ", "[", "]", "{", "[1,]", "[,1]", "[1 2]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "{'a':1}", "tru",
    "nul",
    "True", "+1", ".5", "1.", "1.e3", "1e", "1e+", "-", "--1", "0x10", "\"", "\"\\\"", "\"\\x\"", "\"\\u12\"",
    "\"\\u12g4\"",
    #""\ud83d""#, #""\udc4d\ud83d""#, #""\ud83dx""#, "\"a\nb\"", "\"a\u{0}b\"", "1 2", "{}{}", "[1]]", "NaN",
    "Infinity", "// 1",
    "1e400", "nullx",
  ]

  @Test(arguments: accepted) func whatFoundationReadsIsReadAlike(text: String) throws {
    let value = try JSONValue(parsing: Array(text.utf8))
    #expect(try JSON(value.text) == JSON(text), "\(text) became \(value.text)")
    #expect(try JSONValue(parsing: Array(value.text.utf8)) == value, "reading what was written gives the same")
  }

  @Test(arguments: refused) func whatIsNoJSONIsRefusedWithAReason(text: String) {
    #expect(throws: APIError.self) { try JSONValue(parsing: Array(text.utf8)) }
  }

  @Test func everyCutOfADocumentIsRefused() throws {
    let text = Array(#"{"a": [1.5e3, "\u00e9\ud83d\udc4d", true, null, {"b": -0}], "c": "d"}"#.utf8)
    _ = try JSONValue(parsing: text)
    for end in 0..<text.count {
      #expect(throws: APIError.self, "cut at \(end)") { try JSONValue(parsing: Array(text[..<end])) }
    }
  }

  @Test func numbersKeepTheirKind() throws {
    #expect(try JSONValue(parsing: Array("[1, 1.0, 1e2, true]".utf8)) == [1, .number(1), .number(100), true])
    // Beyond 64 bits: the nearest floating-point number.
    #expect(try JSONValue(parsing: Array("9223372036854775808".utf8)) == .number(9_223_372_036_854_775_808))
  }

  @Test func depthAndNumberOfValuesAreBounded() throws {
    let deepest = String(repeating: "[", count: 64) + String(repeating: "]", count: 64)
    _ = try JSONValue(parsing: Array(deepest.utf8))
    #expect(throws: APIError.self) { try JSONValue(parsing: Array("[\(deepest)]".utf8)) }
    let most = "[" + String(repeating: "1,", count: 299_998) + "1]"
    _ = try JSONValue(parsing: Array(most.utf8))
    #expect(throws: APIError.self) { try JSONValue(parsing: Array("[1,\(most)]".utf8)) }
  }
}
