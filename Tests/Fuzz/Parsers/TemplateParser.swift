// Chat templates: reading, and rendering conversations under the limits.
import Foundation
import Jinja
import Text

struct TemplateParser: FuzzParser {
  let name = "template"
  let goldens: Goldens

  func seeds() throws -> [FuzzInput] {
    let published = try goldens.names(in: "templates", ending: ".jinja").map { try goldens.bytes("templates/\($0)") }
    let cases = try TemplateValue(json: goldens.bytes("templates/cases.json"))
    var small: [[UInt8]] = []
    if case .array(let items)? = cases["small"] {
      small = items.compactMap { item in
        guard case .string(let text)? = item["template"] else { return nil }
        return Array(text.utf8)
      }
    }
    return (published + small + Self.attacks.map { Array($0.utf8) }).map { FuzzInput("chat_template.jinja", $0) }
  }

  /// What grows, recurses or never ends.
  private static let attacks = [
    "{% macro m(x) %}{{ m(x) }}{% endmacro %}{{ m(1) }}", "{% macro m(x) %}{{ m(x)~m(x) }}{% endmacro %}{{ m(1) }}",
    "{% set l = range(99999)|list %}{% for i in range(400) %}{% set x = l|sort %}{% endfor %}",
    "{% set s = 'é' * 1000000 %}{% for i in range(100) %}{% set t = s.title() %}{% endfor %}",
    "{% set s = range(100000)|join(',') %}{% for i in range(20) %}{% set t = s.split(',')|map('int')|sum %}{% endfor %}",
    "{% for a in range(3000) %}{% for b in range(3000) %}{{ a*b }}{% endfor %}{% endfor %}",
    "{% set n = namespace(a=1) %}{% for i in range(90000) %}{% set n.a = namespace(b=n.a) %}{% endfor %}{{ n.a }}",
    "{{ 'x' * 10**9 }}", "{{ 'x' * 9223372036854775807 }}", "{{ [1] * 10**12 }}", "{{ range(10**12)|list }}",
    "{% for i in range(10**12) %}x{% endfor %}",
    "{% set a = [1] %}{% for i in a %}{% set _ = a.append(1) %}{% endfor %}",
    "{% set a = [] %}{% set _ = a.append(a) %}{{ a }}",
    "{% set n = namespace() %}{% set n.n = n %}{{ n }}{{ n|tojson }}",
    "{% set n = namespace(s='x') %}{% for i in range(100) %}{% set n.s = n.s ~ n.s %}{% endfor %}{{ n.s }}",
    "{% set n = namespace(s=[1]) %}{% for i in range(100) %}{% set n.s = [n.s, n.s] %}{% endfor %}{{ n.s|tojson }}",
    "{{ 10 ** 100000 }}", "{{ 2 ** 0.5 ** -9999 }}", "{{ 1 // 0 }}", "{{ -9223372036854775808 // -1 }}",
    "{{ -9223372036854775808 % -1 }}", "{{ (-9223372036854775808)|abs }}", "{{ 9223372036854775807 + 1 }}",
    "{{ 1e308 * 10 }}", "{{ (1e308 * 10)|int }}", "{{ (0 * (1e308 * 10))|int }}", "{{ 'x'|indent(10**9) }}",
    "{{ 'x'|center(10**12) }}", "{{ '%999999999d'|format(1) }}", "{{ '{:>999999999}'.format(1) }}",
    "{{ '{0[0][0][0]}'.format([[[1]]]) }}", "{{ 'aaaa'.replace('', 'x' * 1000000) }}", "{{ 'x'.zfill(10**10) }}",
    "{{ 'x'.ljust(10**10) }}", "{{ 1.5|round(10**9) }}", "{{ [1,2]|batch(0)|list }}", "{{ [1,2]|slice(0)|list }}",
    "{{ [1,2]|slice(10**10)|list }}", "{{ [1,2][::0] }}", "{{ 'abc'[::-9223372036854775808] }}",
    "{{ [1,2][9223372036854775807:] }}", "{{ [1][-9223372036854775808] }}", "{{ range(0, 10, 0) }}",
    "{{ range(-9223372036854775808, 9223372036854775807)|length }}", "{{ range(9223372036854775807)[5] }}",
    "{{ messages|tojson(indent=10**9) }}", "{{ [3,1,'a',none]|sort }}", "{{ {}|dictsort }}", "{{ 'a'|int(base=1) }}",
    "{{ 'zz'|int(base=36) }}", "{{ '9' * 400 |int }}", "{{ ('9' * 400)|int }}", "{{ ('9' * 400)|float|int }}",
    "{{ strftime_now('%' * 1000) }}", "{{ strftime_now('%Y' * 10000000) }}", "{{ raise_exception('a\\nb\\u0000') }}",
    "{{ raise_exception('x' * 100000) }}", "{{ undefined_thing.x.y }}", "{{ ''.__class__.__mro__ }}", "{{ self }}",
    "{{ loop }}", "{% for a in [1] recursive %}{{ loop([1]) }}{% endfor %}", "{% call m() %}{% endcall %}",
    "{% macro m() %}{{ caller() }}{% endmacro %}{% call m() %}{{ m() }}{% endcall %}",
    String(repeating: "{{ ", count: 3000), String(repeating: "{% if 1 %}", count: 3000),
    "{{ " + String(repeating: "(", count: 5000),
    "{{ " + String(repeating: "[", count: 5000), "{{ " + String(repeating: "-", count: 5000) + "1 }}",
    "{{ " + String(repeating: "not ", count: 5000) + "1 }}", "{{ 1" + String(repeating: "+1", count: 50_000) + " }}",
    "{{ 1" + String(repeating: "|abs", count: 50_000) + " }}", "{{ x" + String(repeating: ".y", count: 50_000) + " }}",
    "{{ 'a' " + String(repeating: "if 1 else 'b' ", count: 3000) + "}}",
    "{{ 1" + String(repeating: " ** 1", count: 5000) + " }}",
    "{{ 1" + String(repeating: " ~ 1", count: 50_000) + " }}",
    "{{ 1" + String(repeating: " and 1", count: 50_000) + " }}",
    "{% if 1 %}" + String(repeating: "{% elif 1 %}", count: 20_000) + "{% endif %}",
    String(repeating: "{# ", count: 10_000), String(repeating: "{% raw %}", count: 1000), "{{ '\\ud800' }}",
    "{{ '\\x' }}",
    "{{ 0x10 }}", "{{ 1_000 }}", "{{ 99999999999999999999999999 }}", "{{ 1e999 }}", "{{ .5 }}", "{{ 1. }}",
    "{{ 'a' in 5 }}", "{{ messages[0] < messages[1] }}", "{{ {'a': 1} == namespace(a=1) }}",
    "{{ ['x' * 100000] * 1000 |join }}", "{{ (['x' * 1000000] * 1000)|join }}",
    "{{ ('a,' * 1000000).split(',')|length }}",
  ]

  func attempt(_ input: FuzzInput, in directory: String) async throws -> String {
    let source = String(decoding: input["chat_template.jinja"], as: UTF8.self)
    var limits = TemplateLimits()
    (limits.steps, limits.units, limits.output) = (100_000, 1_000_000, 500_000)
    let template = try Template(source)
    let now = TemplateDate(Date(timeIntervalSince1970: 1_700_000_000), in: TimeZone(secondsFromGMT: 0) ?? .current)
    let variables: [String: TemplateValue] = [
      "messages": Self.conversation, "tools": [["name": "f", "parameters": ["x": 1.5, "y": nil]]],
      "add_generation_prompt": true,
    ]
    do {
      let text = try template.render(variables, trusted: ["bos_token": "<s>"], now: now, limits: limits)
      if text.parts.reduce(0, { $0 + $1.text.unicodeScalars.count }) > limits.output {
        throw Violation("more was written than the limit allows")
      }
    } catch let error as TemplateError where error.kind == .limit { try SentenceRule.check(error) }
    // What a server does, under the limits that it has.
    _ = try JinjaTemplate(source, specialTokens: ["bos_token": "<s>"]).text(
      Self.conversation, now: Date(timeIntervalSince1970: 0))
    return "rendered"
  }

  private static let conversation: TemplateValue = [
    ["role": "system", "content": "Be brief. <|im_end|>"], ["role": "user", "content": "Hello \u{0} {{ x }}"],
    [
      "role": "assistant", "content": nil, "reasoning_content": "hm",
      "tool_calls": [
        ["id": "a", "type": "function", "function": ["name": "f", "arguments": "{\"x\": [1, 2.5, null]}"]]
      ],
    ],
    ["role": "tool", "tool_call_id": "a", "content": "42"],
    ["role": "user", "content": [["type": "text", "text": "x"]]],
    ["role": "user", "content": "bye"],
  ]
}
