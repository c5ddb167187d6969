// The reader of JSON under all others, by its laws: the walk takes what the value takes, and what is written reads back.
import JSON

struct JSONParser: FuzzParser {
  let name = "json"

  func seeds() throws -> [FuzzInput] {
    [
      #"{"a": [1.5e3, "\u00e9\ud83d\udc4d", true, null, {"b": -0}], "c": "d", "é中👍": [9223372036854775807]}"#,
      #"[[], {}, "\\\/\b\f\n\r\t", 0.25, -1E-5, 12e+3, false, {"x": {"y": {"z": [1, 2, 3]}}}, -9223372036854775808]"#,
      #"{"w": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, "__metadata__": {"format": "pt"}}"#,
      "\u{FEFF} \"a\u{7F}\u{2028}\"\n", "[1e308, 1e-400, 0.1, 123456789012345678901234567890, 1e400]",
      String(repeating: "[", count: 64) + String(repeating: "]", count: 64), String(repeating: "[", count: 100_000),
      String(repeating: "{\"a\":", count: 100_000), "\"" + String(repeating: "\\ud800", count: 1000) + "\"", "",
    ].map { FuzzInput("a.json", $0) }
  }

  func attempt(_ input: FuzzInput, in directory: String) async throws -> String {
    let bytes = input["a.json"]
    let walked = Self.canWalk(bytes)
    let value: JSONValue
    do { value = try JSONValue(reading: bytes) } catch let error as JSONError {
      // A walk does not ask what a number is worth.
      if walked && !error.problem.contains("too large") { throw Violation("a walk takes what no value is read from") }
      throw error
    }
    guard walked else { throw Violation("a walk refuses what a value is read from") }
    let text = value.text
    guard try JSONValue(reading: Array(text.utf8)).text.utf8.elementsEqual(text.utf8) else {
      throw Violation("what is written reads back as something else")
    }
    return "read"
  }

  private static func canWalk(_ bytes: [UInt8]) -> Bool {
    bytes.withUnsafeBytes { buffer in
      var scanner = JSONScanner(buffer)
      do {
        try scanner.skip()
        try scanner.expectEnd()
        return true
      } catch { return false }
    }
  }
}
