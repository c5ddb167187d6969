// What is read of a body: bounds of its own, and every mistake as an answer for the client.
import JSON
import Testing

@testable import HTTPServing

@Suite struct RequestBodyTests {
  private func complaint(_ body: [UInt8]) -> APIError? {
    #expect(throws: APIError.self) { try JSONValue(body: body) }
  }

  @Test func depthAndNumberOfValuesAreBounded() throws {
    let deepest = String(repeating: "[", count: 64) + String(repeating: "]", count: 64)
    _ = try JSONValue(body: Array(deepest.utf8))
    #expect(complaint(Array("[\(deepest)]".utf8))?.message.contains("64 levels") == true)
    let most = "[" + String(repeating: "1,", count: 299_998) + "1]"
    _ = try JSONValue(body: Array(most.utf8))
    #expect(complaint(Array("[1,\(most)]".utf8))?.message.contains("300000 values") == true)
  }

  @Test(
    arguments: [
      ("", "the body is empty"), (" \n", "the body is empty"), ("{\"a\": }", "found '}' at byte 6"),
      ("{\"a\": 1e400}", "too large"), ("{} {}", "expected the end"),
    ])
  func aMistakeIsAnAnswerThatSaysWhere(body: String, says: String) throws {
    let error = try #require(complaint(Array(body.utf8)))
    #expect(error.type == "invalid_request_error" && error.message.contains(says), "\(error.message)")
  }

  @Test func bytesThatAreNoUTF8AreNamed() throws {
    let error = try #require(complaint(Array("{\"a\": \"".utf8) + [0xC3, 0x28] + Array("\"}".utf8)))
    #expect(error.message.contains("not UTF-8"), "\(error.message)")
  }
}
