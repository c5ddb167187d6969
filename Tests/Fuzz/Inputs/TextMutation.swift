// Damage to texts that people write: templates, recipes, requests, corpora. Lines move and repeat, and scraps of the
// language at hand come in where they do not belong.

struct TextMutation {
  private let partner: [UInt8]
  private let scraps: [String]
  private let kind: String

  init(_ kind: String, partner: [UInt8]) {
    (self.kind, self.partner) = (kind, partner)
    scraps =
      switch kind {
      case "jinja": Self.template
      case "yaml": Self.recipe
      case "http": Self.request
      default: Self.plain
      }
  }

  func apply(to whole: [UInt8], _ draws: inout Draws) -> [UInt8] {
    var text = Array(String(decoding: whole, as: UTF8.self).unicodeScalars)
    for _ in 0..<(1 + draws.below(3)) {
      let place = draws.below(text.count + 1)
      switch draws.below(8) {
      case 0: if !text.isEmpty { text.removeSubrange(draws.range(in: text.count, upTo: 8)) }
      case 1: splice(into: &text, at: place, &draws)
      case 2: changeLine(&text, &draws)
      case 3: if !text.isEmpty { changeWord(&text, &draws) }
      case 4:
        guard !text.isEmpty else { break }
        let piece = text[draws.range(in: text.count, upTo: 40)]
        let times = draws.once(in: 8) ? draws.length(upTo: 500) : 1
        text.insert(contentsOf: (0..<times).flatMap { _ in piece }, at: place)
      default: text.insert(contentsOf: Array(draws.one(of: scraps).unicodeScalars), at: place)
      }
    }
    var view = String.UnicodeScalarView()
    view.append(contentsOf: text)
    return Array(String(view).utf8)
  }

  private func splice(into text: inout [Unicode.Scalar], at place: Int, _ draws: inout Draws) {
    let other = Array(String(decoding: partner, as: UTF8.self).unicodeScalars)
    guard !other.isEmpty else { return }
    text.insert(contentsOf: other[draws.range(in: other.count, upTo: 80)], at: place)
  }

  /// A line vanishes, repeats, moves to the right, or changes its value.
  private func changeLine(_ text: inout [Unicode.Scalar], _ draws: inout Draws) {
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(Array.init)
    let index = draws.below(lines.count)
    switch draws.below(5) {
    case 0: lines.remove(at: index)
    case 1: lines.insert(lines[index], at: draws.below(lines.count + 1))
    case 2: lines[index].insert(contentsOf: Array(repeating: " ", count: 1 + draws.below(4)), at: 0)
    case 3: lines.swapAt(index, draws.below(lines.count))
    default:
      guard let colon = lines[index].firstIndex(of: ":") else { break }
      lines[index].removeSubrange((colon + 1)...)
      lines[index] += Array((" " + draws.one(of: scraps + Self.numbers)).unicodeScalars)
    }
    text = Array(lines.joined(separator: ["\n" as Unicode.Scalar]))
  }

  /// A run of letters or digits becomes another one, or a number.
  private func changeWord(_ text: inout [Unicode.Scalar], _ draws: inout Draws) {
    func isWord(_ scalar: Unicode.Scalar) -> Bool { scalar.properties.isAlphabetic || ("0"..."9").contains(scalar) }
    func word(at place: Int) -> Range<Int> {
      var (start, end) = (place, place)
      while start > 0, isWord(text[start - 1]) { start -= 1 }
      while end < text.count, isWord(text[end]) { end += 1 }
      return start..<end
    }
    let range = word(at: draws.below(text.count))
    let replacement =
      draws.once(in: 2)
      ? Array(text[word(at: draws.below(text.count))])
      : Array(draws.one(of: Self.numbers + scraps).unicodeScalars)
    text.replaceSubrange(range, with: replacement)
  }

  private static let numbers = [
    "0", "-1", "1", "2147483648", "9223372036854775807", "-9223372036854775808", "9223372036854775808", "1e308",
    "1e999", "0.5", ".nan", ".inf", "1000000000000", "999999999", "65536",
  ]

  private static let template = [
    "{{", "}}", "{%", "%}", "{#", "#}", "-", "+", "(", ")", "[", "]", "{", "}", "'", "\"", "|", ".", ":", ",", " if ",
    " else ", " for ", " in ", " is ", " not ", "*", "**", "//", "%", "~", "==", "<", "1", "0", "-1",
    "9223372036854775807", "1e308", "none", "true", "messages", "loop", "namespace()", "range(9)", "range(10**12)",
    "|tojson", "|list", "|int", "|sort", "|items", "|join", "|first", "|batch(2)", ".items()", ".split('a')", "[::-1]",
    "[-5:5]", "{% set x = ", "{% endif %}", "{% endfor %}", "{% break %}", "{% macro m(x) %}", "{% endmacro %}", "m(m)",
    "\n", "\u{0}", "\u{10FFFF}", "é", "\\", "'x'*1000000000", "|indent(999999999)", "|center(999999999)", "|round(400)",
    "|format(1,2)", "'%*d'|format(9999999,1)", "'{:>999999999}'.format(1)", ".replace('','x')", "|slice(0)",
    "|batch(0)", "[::0]", "|int(base=99)", "10**9999", "0**-1", "1/0", "1%0", "1//0", "|string|length",
    "loop.cycle()", "{% call m() %}", "{% filter upper %}", "{% raw %}", "{% set ns = namespace(x=1) %}", "ns.x",
    "strftime_now('%Q%')", "raise_exception('a\nb')", "{% generation %}", "{% include 'x' %}", "\\u0000", "'\\ud800'",
  ]

  private static let recipe = [
    "&a ", "*a", "<<: *a", "!!binary ", "!!int ", "? ", "- ", "{", "}", "[", "]", ": ", "|\n", ">\n", "#", "\t",
    "---\n",
    "...\n", "%YAML 9.9\n", "'", "\"", "\"\\x00\"", "\"\\uD800\"", "null", "~", "[]", "{}", "yes", "0x", "0o9", "1_000",
    "from: base", "stage: grpo", "stage: nothing", "name: ../../x", "seed: -1", "{name: accuracy}", "\u{0}", "\u{85}",
    "\u{FEFF}", "&a [*a, *a]", "é", "\u{1F469}", "[[[[[[[[[[[[[[[[[[[[",
  ]

  private static let request = [
    "\r\n", "GET ", "POST ", "HTTP/9.9", "Content-Length: 0\r\n", "Content-Length: 99999999999999999999\r\n",
    "Transfer-Encoding: chunked\r\n", "Expect: 100-continue\r\n", "Authorization: Bearer x\r\n", "/v1/models", "/",
    "/v1/completions", "/v1/chat/completions", "%00", "%ff", "?a=b&a=c", "..", "//", "\u{0}", "é",
    "x-request-id: \t\r\n",
    "Connection: keep-alive\r\n", "Host: \r\n", "/runs/../x", "/api/runs/latest", "Upgrade: websocket\r\n",
  ]

  private static let plain = [
    "\u{0}", "\u{1B}[2J", "\r", "\n", "\u{2028}", "\u{85}", "é", "e\u{301}", "👩‍👩‍👧", "\u{202E}", "\u{10FFFF}", "\u{FEFF}",
    "<|endoftext|>", "<think>", "</think>", "<answer>", "</answer>", "{\"text\": 1}", "{\"text\": \"x\"}", "\"", "\\",
    "[", "{", "}", "]", "0", "-", "\t", "ﬁ", "İ", "ß", "▁", "Ġ", "<s>",
  ]
}
