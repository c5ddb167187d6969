// Templates against jinja2 itself, set up as transformers sets it up; the goldens' script stands beside them.
import Foundation
import Jinja
import Testing

/// What `make_template_goldens.py` has written.
enum TemplateGoldens {
  static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "Goldens/templates")
  /// The moment at which the goldens were made.
  static let now = TemplateDate(Date(timeIntervalSince1970: 1_700_000_000), in: .gmt)

  static func cases() throws -> TemplateValue {
    try TemplateValue(json: try Data(contentsOf: folder.appending(path: "cases.json")))
  }
  static func source(_ file: String) throws -> String {
    try String(contentsOf: folder.appending(path: file), encoding: .utf8)
  }
  static func sources() throws -> [String] {
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".jinja") }
    return try names.sorted().map(source)
  }
}

extension TemplateValue {
  var items: [TemplateValue] {
    guard case .array(let items) = self else { return [] }
    return items
  }
  var table: [String: TemplateValue] {
    guard case .object(let members) = self else { return [:] }
    return Dictionary(members.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
  }
  var text: String? {
    guard case .string(let text) = self else { return nil }
    return text
  }
}

@Suite struct TemplateGoldenTests {
  @Test func smallTemplatesRenderAsJinja2RendersThem() throws {
    let goldens = try TemplateGoldens.cases()
    let variables = try #require(goldens["variables"]).table
    let cases = goldens["small"]?.items ?? []
    #expect(cases.count > 500)
    for item in cases {
      let source = try #require(item["template"]?.text)
      if let expected = item["text"]?.text {
        do {
          let text = try Template(source).render(variables, now: TemplateGoldens.now).text
          #expect(Array(text.unicodeScalars) == Array(expected.unicodeScalars), "\(source)")
        } catch { Issue.record("\(source): \(error); jinja2 renders \(expected)") }
      } else {
        let cause = item["fails"]?.text ?? ""
        #expect(throws: TemplateError.self, "\(source) must fail: \(cause)") {
          try Template(source).render(variables, now: TemplateGoldens.now)
        }
      }
    }
  }

  @Test func conversationsRenderAsTransformersRendersThem() throws {
    let cases = try TemplateGoldens.cases()["conversations"]?.items ?? []
    #expect(Set(cases.compactMap { $0["file"]?.text }).count >= 7)
    let tokens: [String: TemplateValue] = ["bos_token": "<s>", "eos_token": "</s>"]
    for item in cases {
      let file = try #require(item["file"]?.text)
      let template = try Template(TemplateGoldens.source(file))
      let given = try #require(item["variables"]).table
      let absent: [String: TemplateValue] = ["tools": nil, "documents": nil, "add_generation_prompt": true]
      let variables = given.merging(absent, uniquingKeysWith: { first, _ in first })
      if let expected = item["text"]?.text {
        let text = try template.render(variables, trusted: tokens, now: TemplateGoldens.now).text
        #expect(Array(text.unicodeScalars) == Array(expected.unicodeScalars), "\(file)")
      } else {
        #expect(throws: TemplateError.self) {
          try template.render(variables, trusted: tokens, now: TemplateGoldens.now)
        }
      }
    }
  }
}
