// What a template cannot be, and what a hostile one may do: every end is a sentence.
import Foundation
import Jinja
import Testing

@Suite struct TemplateErrorTests {
  private func error(
    _ source: String, _ variables: [String: TemplateValue] = [:], _ limits: TemplateLimits = TemplateLimits()
  ) -> TemplateError? {
    do {
      _ = try Template(source).render(variables, now: TemplateGoldens.now, limits: limits)
      return nil
    } catch { return error as? TemplateError }
  }

  @Test(arguments: [
    ("{{ a b }}", 1, 6, "'}}'"), ("x\n  {% frob %}", 2, 6, "'frob'"), ("{% if a %}\n{{ b", 2, 1, "'}}'"),
    ("{% for x in y %}{% endif %}", 1, 20, "'endfor'"), ("é{{ x | frob }}", 1, 9, "filter 'frob'"),
    ("{{ x is frob }}", 1, 9, "test 'frob'"), ("{% include 'a' %}", 1, 4, "not supported"),
    ("{% for x in y recursive %}{% endfor %}", 1, 15, "recursive"), ("a\n{# b", 2, 1, "comment"),
    ("{{ 'a }}", 1, 4, "string"), ("{{ (1] }}", 1, 6, "']'"), ("{{ a $ b }}", 1, 6, "'$'"),
    ("{{ 99999999999999999999 }}", 1, 4, "too large"), ("{{ '\\N{DASH}' }}", 1, 5, "\\N"),
  ])
  func mistakesAreNamedWithTheirPlace(_ source: String, _ line: Int, _ column: Int, _ word: String) throws {
    let found = try #require(error(source), "\(source)")
    #expect(found.kind == .syntax && found.line == line && found.column == column, "\(source): \(found)")
    #expect(found.message.contains(word), "\(found)")
  }

  @Test(arguments: [
    ("{{ 1 }}\n{{ x.y.z }}", 2, "'x' is undefined"), ("{{ nil.a.b }}", 1, "'None' has no attribute 'a'"),
    ("{{ 's' + 1 }}", 1, "str and int"), ("{{ [].append(1) }}", 1, "unsafe"),
    ("{{ 's'.encode() }}", 1, "not supported"),
    ("{{ range(3) | map('string') }}", 1, "| list"), ("{{ 9223372036854775807 + 1 }}", 1, "64 bits"),
    ("{{ '%d' % 'x' }}", 1, "whole number"), ("{{ x | tojson }}", 1, "'x' is undefined"),
    ("\n\n{{ 1 // 0 }}", 3, "zero"), ("{{ strftime_now('%Q') }}", 1, "%Q"),
  ])
  func failuresAreNamedWithTheirPlace(_ source: String, _ line: Int, _ words: String) throws {
    let found = try #require(error(source, ["nil": nil]), "\(source)")
    #expect(found.kind == .evaluation && found.line == line, "\(source): \(found)")
    #expect(found.message.contains(words), "\(found)")
  }

  @Test func aTemplatesOwnRefusalKeepsItsWords() throws {
    let found = try #require(error("{{ raise_exception('roles must alternate') }}"))
    #expect(found.kind == .raised && found.message == "roles must alternate")
  }

  private static let deep = String(repeating: "(", count: 5000)
  private static let hostile = [
    "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
    "{% set n = namespace(x='ab') %}{% for a in range(99) %}{% set n.x = n.x ~ n.x %}{% endfor %}{{ n.x }}",
    "{% set n = namespace(x=[1]) %}{% for a in range(99) %}{% set n.x = n.x + n.x %}{% endfor %}",
    "{% set n = namespace(x=[1]) %}{% for a in range(9999) %}{% set n.x = [n.x] %}{% endfor %}{{ n.x }}",
    "{% set n = namespace(x=[1]) %}{% for a in range(90) %}{% set n.x = [n.x, n.x] %}{% endfor %}{{ n.x }}",
    "{% set n = namespace(x=(1,)) %}{% for a in range(90) %}{% set n.x = (n.x, n.x) %}{% endfor %}{{ {n.x: 1} }}",
    "{% set n = namespace(x=[1]) %}{% for a in range(90) %}{% set n.x = [n.x, n.x] %}{% endfor %}{{ n.x == n.x + [] }}"
      + "{{ n.x | tojson }}",
    "{% set s = 'é' * 100000 %}{% for i in range(10) %}{% set t = s.title() %}{% endfor %}",
    "{% set s = ('a ' * 40000) %}{% for i in range(10) %}{% set t = s.split() %}{% endfor %}",
    "{% set n = namespace() %}{% set n.n = n %}{{ n }}", "{{ strftime_now('%Y' * 1000000) }}",
    "{% set n = namespace() %}{% for a in range(9999) %}{% set n.n = namespace(up=n.n) %}{% endfor %}{{ n.n }}",
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "{% macro m(f) %}{{ f(f) }}{% endmacro %}{{ m(m) }}",
    "{{ 'x' * 999999999999 }}", "{{ [0] * 999999999999 }}", "{{ 'x'.center(999999999999) }}", "{{ '%999999999d' % 1 }}",
    "{{ '{:999999999}'.format(1) }}", "{{ 'x' | indent(999999999999) }}", "{{ range(0, 9223372036854775807) | list }}",
    "{{ ('x' * 9000).replace('', 'y' * 9000) }}", "{{ [1] | batch(999999999999, 0) | list }}",
    "{{ [1] | slice(999999999999) | list }}", "{{ 'x' | tojson(indent=999999) }}", "{{ 2 ** 999999 }}",
    "{{ -9223372036854775808 // -1 }}",
    "{{ (0 - 9223372036854775807 - 1) | abs }}", "{{ (1e308 * 10) | int }}",
    "{{ 'x'.center(0 - 9223372036854775807 - 1) ~ [1][9:][0].x }}",
    "{% for x in range(9999) %}{{ 'x' * 9999 }}{% endfor %}", "{{ \(deep)",
    "{{ " + String(repeating: "-", count: 5000) + "1 }}",
    "{{ 1" + String(repeating: " + 1", count: 5000) + " }}", "{{ a" + String(repeating: ".b", count: 5000) + " }}",
    "{{ 1" + String(repeating: " | string", count: 5000) + " }}",
    "{{ not " + String(repeating: "not ", count: 5000) + "1 }}",
    String(repeating: "{% if 1 %}", count: 5000), String(repeating: "{% for x in y %}", count: 5000),
    "{{ 1 " + String(repeating: "if 1 else 1 ", count: 5000) + "}}",
    "{% set " + String(repeating: "(", count: 5000) + " %}",
  ]

  @Test(arguments: hostile.indices)
  func hostileTemplatesEndWithASentence(_ index: Int) throws {
    var limits = TemplateLimits()
    (limits.steps, limits.units, limits.output) = (100_000, 4_000_000, 1_000_000)
    let found = try #require(error(Self.hostile[index], [:], limits), "\(Self.hostile[index].prefix(120))")
    #expect(found.description.count < 300)
  }

  @Test func aRefusalIsOneLineWhateverTheTemplateWrites() throws {
    let found = try #require(error("{{ raise_exception('a\\nb\\u0000\\u2028c' ~ 'x' * 9000) }}"))
    #expect(
      found.description.hasPrefix("line 1, column ") && found.description.contains(": a b  cxxx")
        && found.description.count < 400, "\(found)")
  }

  @Test func longChainsOfHeldScopesAreReleased() throws {
    let chain =
      "{% set n = namespace() %}{% for a in range(50000) %}{% set old = n.m %}{% macro f() %}{% endmacro %}"
      + "{% set n.m = f %}{% set n.n = namespace(up=n.n) %}{% endfor %}done"
    #expect(try Template(chain).render([:], now: TemplateGoldens.now).text == "done")
  }

  @Test func jsonKeepsItsOrderAndNamesItsMistakes() throws {
    let value = try TemplateValue(json: Data(#"{"b": 1, "a": [1.5, "\ud83d\ude42é", null, true], "b": 2}"#.utf8))
    #expect(
      try Template("{{ x | tojson }}").render(["x": value], now: TemplateGoldens.now).text
        == #"{"b": 2, "a": [1.5, "🙂é", null, true]}"#)
    for text in ["", "{", "[1,]", "{\"a\" 1}", "nul", "01", "\"\\x\"", "\"\\ud800\"", "[1] 2", "\"\n\"", "1e999", "-"] {
      #expect(throws: TemplateError.self, "\(text)") { try TemplateValue(json: text.utf8) }
    }
    #expect(throws: TemplateError.self) { try TemplateValue(json: String(repeating: "[", count: 99_999).utf8) }
  }
}
