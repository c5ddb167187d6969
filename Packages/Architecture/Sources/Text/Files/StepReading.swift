// From the steps of a tokenizer.json to the steps that run: normalizers and pre-tokenizers.
// What is not understood is refused by its key, with what would have been.
import JSON

extension JSONPlace {
  /// The steps of a place: none, one, or those of a (nested) Sequence, whose members stand under `key`.
  func steps(_ key: String) throws -> [JSONPlace] {
    if isMissing { return [] }
    guard try self["type"].string() == "Sequence" else { return [self] }
    return try self[key].list().flatMap { try $0.steps(key) }
  }

  /// Throws when the object has a key that is not among `known`; such a key may change what the step does.
  func requireKeys(_ known: String...) throws {
    for member in try members() {
      guard known.contains(member.name) || member.name == "type" else {
        throw error(
          "has the key '\(member.name.prefix(60))'; known here are \((["type"] + known).joined(separator: ", "))")
      }
    }
  }

  /// What a Split or a Replace looks for.
  enum Pattern {
    case literal([UInt8])
    case regex(PatternMatcher)
  }

  func pattern() throws -> Pattern {
    try requireKeys("String", "Regex")
    if !self["String"].isMissing { return .literal(try self["String"].bytes()) }
    let text = try self["Regex"].bytes()
    do { return .regex(try PatternMatcher(text)) } catch let problem as TokenizerError {
      throw error("cannot be used: \(problem.description)")
    }
  }

  /// A Replace, of a normalizer or of a decoder.
  func replacement() throws -> Replacement {
    try requireKeys("pattern", "content")
    let content = try self["content"].bytes()
    switch try self["pattern"].pattern() {
    case .literal(let text): return .literal(text, with: content)
    case .regex(let matcher): return .pattern(matcher, with: content)
    }
  }

  /// A behaviour, by its name in the file.
  func behavior(default fallback: SplitBehavior? = nil) throws -> SplitBehavior {
    if isMissing, let fallback { return fallback }
    let name = try string()
    guard let behavior = SplitBehavior(rawValue: name) else {
      let known = SplitBehavior.allCases.map(\.rawValue).joined(separator: ", ")
      throw error("is '\(name.prefix(60))'; known are \(known)")
    }
    return behavior
  }
}

/// Reads `normalizer`.
enum NormalizerReading {
  static func steps(of place: JSONPlace) throws -> [NormalizerStep] {
    let places = try place.steps("normalizers")
    guard places.count <= mostSteps else {
      throw place.error("has \(places.count) steps; at most \(mostSteps) are allowed")
    }
    let steps = try places.map(step)
    // Each step multiplies what the ones before it have made.
    let growth = steps.reduce(1) { min($0 * $1.growth, 1 << 30) }
    guard growth <= mostGrowth else {
      throw place.error("makes a text up to \(growth) times as long; at most \(mostGrowth) times is allowed")
    }
    return steps
  }

  private static let mostSteps = 100
  private static let mostGrowth = 256

  private static func step(_ place: JSONPlace) throws -> NormalizerStep {
    let type = try place["type"].string()
    if let form = UnicodeNormalization.Form(rawValue: type) { return .form(form) }
    switch type {
    case "Lowercase": return .lowercase
    case "StripAccents": return .stripAccents
    case "Nmt": return .nmt
    case "ByteLevel": return .byteAlphabet
    case "Strip":
      try place.requireKeys("strip_left", "strip_right")
      return .strip(left: try place["strip_left"].bool(), right: try place["strip_right"].bool())
    case "Prepend":
      try place.requireKeys("prepend")
      return .prepend(try place["prepend"].bytes())
    case "Replace": return .replace(try place.replacement())
    case "Precompiled":
      try place.requireKeys("precompiled_charsmap")
      let map = place["precompiled_charsmap"]
      let text = try map.bytes()
      do { return .characterMap(try CharacterMap(base64: text)) } catch let error as TokenizerError {
        throw map.error(error.description)
      }
    case "BertNormalizer":
      try place.requireKeys("clean_text", "handle_chinese_chars", "strip_accents", "lowercase")
      var settings = BertNormalization()
      settings.cleansText = try place["clean_text"].bool()
      settings.spacesIdeographs = try place["handle_chinese_chars"].bool()
      settings.lowercases = try place["lowercase"].bool()
      settings.stripsAccents = try place["strip_accents"].bool(default: settings.lowercases)
      return .bert(settings)
    default:
      throw place["type"].error(
        "is '\(type.prefix(60))'; known are Sequence, NFC, NFD, NFKC, NFKD, Lowercase, Strip, StripAccents, Replace, "
          + "Prepend, Nmt, BertNormalizer, Precompiled and ByteLevel")
    }
  }
}

/// Reads `pre_tokenizer`.
enum CutReading {
  /// The steps, with runs of known patterns as the known ways that they stand for.
  static func steps(of place: JSONPlace) throws -> [CutStep] {
    let places = try place.steps("pretokenizers")
    let patterns = try places.map(isolatedPattern)
    var steps: [CutStep] = []
    var index = 0
    while index < places.count {
      let run = patterns[index...].prefix { $0 != nil }.compactMap { $0 }
      if let way = PreTokenizer.known(atStartOf: run) {
        steps.append(.known(way))
        index += way.patterns.count
      } else {
        steps += try read(places[index])
        index += 1
      }
    }
    return steps
  }

  /// The pattern of a Split that isolates what a regular expression matches.
  private static func isolatedPattern(_ place: JSONPlace) throws -> String? {
    guard try place["type"].string() == "Split", !place["pattern"]["Regex"].isMissing,
      try place["behavior"].string() == "Isolated", try !place["invert"].bool(default: false)
    else { return nil }
    try place.requireKeys("pattern", "behavior", "invert")
    return try place["pattern"]["Regex"].string()
  }

  private static func read(_ place: JSONPlace) throws -> [CutStep] {
    let type = try place["type"].string()
    switch type {
    case "Split": return [try split(place)]
    case "ByteLevel":
      try place.requireKeys("add_prefix_space", "trim_offsets", "use_regex")
      return (try place["add_prefix_space"].bool() ? [.prefixSpace] : [])
        + (try place["use_regex"].bool(default: true) ? [.known(.gpt2)] : []) + [.byteAlphabet]
    case "Metaspace":
      try place.requireKeys("replacement", "prepend_scheme", "split", "add_prefix_space", "str_rep")
      return [
        .metaspace(
          replacement: Array(String(try place["replacement"].scalar()).utf8), try prepending(place),
          splits: try place["split"].bool(default: true))
      ]
    case "Digits":
      try place.requireKeys("individual_digits")
      return [.digits(individual: try place["individual_digits"].bool(default: false))]
    case "Punctuation":
      try place.requireKeys("behavior")
      return [.punctuation(try place["behavior"].behavior(default: .isolated))]
    case "Whitespace": return [.words]
    case "WhitespaceSplit": return [.whitespaceSplit]
    case "BertPreTokenizer": return [.whitespaceSplit, .punctuation(.isolated)]
    case "CharDelimiterSplit":
      try place.requireKeys("delimiter")
      return [.delimiter(Array(String(try place["delimiter"].scalar()).utf8))]
    case "FixedLength":
      try place.requireKeys("length")
      let length = try place["length"].isMissing ? 5 : place["length"].count(upTo: 1 << 20)
      guard length > 0 else { throw place["length"].error("is 0; expected at least 1") }
      return [.fixedLength(length)]
    default:
      throw place["type"].error(
        "is '\(type.prefix(60))'; known are Sequence, Split, ByteLevel, Metaspace, Digits, Punctuation, Whitespace, "
          + "WhitespaceSplit, BertPreTokenizer, CharDelimiterSplit and FixedLength")
    }
  }

  private static func split(_ place: JSONPlace) throws -> CutStep {
    try place.requireKeys("pattern", "behavior", "invert")
    let behavior = try place["behavior"].behavior()
    let inverted = try place["invert"].bool(default: false)
    switch try place["pattern"].pattern() {
    case .literal(let text): return .literal(text, behavior, inverted: inverted)
    case .regex(let matcher): return .pattern(matcher, behavior, inverted: inverted)
    }
  }

  /// When a Metaspace puts a space in front; older files say it with add_prefix_space.
  static func prepending(_ place: JSONPlace) throws -> CutStep.Prepending {
    let addsSpace = try place["add_prefix_space"].bool(default: true)
    guard let name = try place["prepend_scheme"].optionalString() else { return addsSpace ? .always : .never }
    guard let scheme = CutStep.Prepending(rawValue: name) else {
      throw place["prepend_scheme"].error("is '\(name.prefix(60))'; known are always, first and never")
    }
    guard addsSpace || scheme == .never else {
      throw place["prepend_scheme"].error("is '\(name)' while add_prefix_space is false; they must agree")
    }
    return scheme
  }
}
