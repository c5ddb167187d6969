// Templates that nobody would write: mutations of real ones, the same in every run. None may trap or hang.
import Jinja
import Testing

/// Numbers that look random and are the same everywhere (splitmix64, Steele et al. 2014).
private struct Numbers {
  var state: UInt64
  mutating func below(_ bound: Int) -> Int {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return Int((z ^ (z >> 31)) % UInt64(bound))
  }
}

@Suite struct TemplateFuzzTests {
  private static let scraps = [
    "{{", "}}", "{%", "%}", "{#", "#}", "-", "+", "(", ")", "[", "]", "{", "}", "'", "\"", "|", ".", ":", ",", " if ",
    " else ", " for ", " in ", " is ", " not ", "*", "**", "//", "%", "~", "==", "<", "1", "0", "-1",
    "9223372036854775807",
    "1e308", "none", "true", "messages", "loop", "namespace()", "range(9)", "|tojson", "|list", "|int", "|sort",
    "|items",
    "|join", "|first", "|batch(2)", ".items()", ".split('a')", "[::-1]", "[-5:5]", "{% set x = ", "{% endif %}",
    "{% endfor %}", "{% break %}", "{% macro m(x) %}", "{% endmacro %}", "m(m)", "\n", "\u{0}", "\u{10FFFF}", "é", "\\",
  ]

  @Test func mutatedTemplatesNeverTrapOrHang() throws {
    let goldens = try TemplateGoldens.cases()
    let small = goldens["small"]?.items.compactMap { $0["template"]?.text } ?? []
    let seeds = try (TemplateGoldens.sources() + small).map { Array($0.unicodeScalars) }
    let known = try #require(goldens["variables"]).table
    var limits = TemplateLimits()
    (limits.steps, limits.units, limits.output) = (3000, 100_000, 50_000)
    var (numbers, read, rendered) = (Numbers(state: 1), 0, 0)
    for round in 0..<6000 {
      var source = seeds[round % seeds.count]
      for _ in 0...numbers.below(3) {
        let place = numbers.below(source.count + 1)
        switch numbers.below(4) {
        case 0: source.removeSubrange(place..<min(source.count, place + 1 + numbers.below(6)))
        case 1:
          let other = seeds[numbers.below(seeds.count)]
          let start = numbers.below(other.count)
          source.insert(contentsOf: other[start..<min(other.count, start + 1 + numbers.below(20))], at: place)
        default: source.insert(contentsOf: Self.scraps[numbers.below(Self.scraps.count)].unicodeScalars, at: place)
        }
      }
      guard let template = try? Template(String(String.UnicodeScalarView(source))) else { continue }
      read += 1
      if (try? template.render(known, now: TemplateGoldens.now, limits: limits)) != nil { rendered += 1 }
    }
    #expect(read > 600 && rendered > 300, "\(read) of 6000 were templates, \(rendered) rendered")
  }
}
