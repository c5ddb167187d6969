// From `decoder` and `post_processor` of a tokenizer.json to what decodes, and to the markers around a text.
import JSON

/// Reads `decoder`.
enum DecoderReading {
  /// The steps; a file without a decoder means a space between tokens.
  static func steps(of place: JSONPlace) throws -> [DecoderStep] {
    place.isMissing ? [.spaced] : try place.steps("decoders").map(step)
  }

  private static func step(_ place: JSONPlace) throws -> DecoderStep {
    let type = try place["type"].string()
    switch type {
    case "ByteLevel": return .byteLevel
    case "ByteFallback": return .byteFallback
    case "Fuse": return .fuse
    case "Metaspace":
      try place.requireKeys("replacement", "prepend_scheme", "split", "add_prefix_space", "str_rep")
      let replacement = Array(String(try place["replacement"].scalar()).utf8)
      return .metaspace(replacement: replacement, dropsFirst: try CutReading.prepending(place) != .never)
    case "Strip":
      try place.requireKeys("content", "start", "stop")
      return .strip(
        Array(String(try place["content"].scalar()).utf8), start: try place["start"].count(upTo: 1 << 20),
        stop: try place["stop"].count(upTo: 1 << 20))
    case "Replace": return .replace(try place.replacement())
    case "WordPiece":
      try place.requireKeys("prefix", "cleanup")
      return .wordPiece(prefix: try place["prefix"].bytes(), cleans: try place["cleanup"].bool())
    case "BPEDecoder":
      try place.requireKeys("suffix")
      return .endOfWord(suffix: try place["suffix"].bytes())
    default:
      throw place["type"].error(
        "is '\(type.prefix(60))'; known are Sequence, ByteLevel, Metaspace, ByteFallback, Fuse, Strip, Replace, "
          + "WordPiece and BPEDecoder")
    }
  }
}

/// Reads `post_processor`: which tokens the file wants before and behind a text.
enum MarkerReading {
  typealias Markers = (before: [TokenID], after: [TokenID])

  /// `largest` is the largest id that there is.
  static func markers(of place: JSONPlace, largest: Int) throws -> Markers {
    var markers: Markers = ([], [])
    for step in try place.steps("processors") {
      let (before, after) = try read(step, largest)
      markers = (before + markers.before, markers.after + after)
    }
    return markers
  }

  private static func read(_ place: JSONPlace, _ largest: Int) throws -> Markers {
    let type = try place["type"].string()
    switch type {
    case "ByteLevel": return ([], [])
    case "BertProcessing", "RobertaProcessing":
      try place.requireKeys("sep", "cls", "trim_offsets", "add_prefix_space")
      return ([try pair(place["cls"], largest)], [try pair(place["sep"], largest)])
    case "TemplateProcessing":
      try place.requireKeys("single", "pair", "special_tokens")
      return try template(place, largest)
    default:
      throw place["type"].error(
        "is '\(type.prefix(60))'; known are Sequence, TemplateProcessing, ByteLevel, BertProcessing and "
          + "RobertaProcessing")
    }
  }

  /// `["[CLS]", 101]`
  private static func pair(_ place: JSONPlace, _ largest: Int) throws -> TokenID {
    let parts = try place.list()
    guard parts.count == 2 else { throw place.error("has \(parts.count) parts; expected a text and an id") }
    return TokenID(try parts[1].count(upTo: largest))
  }

  private static func template(_ place: JSONPlace, _ largest: Int) throws -> Markers {
    var (before, after): ([TokenID], [TokenID]) = ([], [])
    var texts = 0
    for piece in try place["single"].list() {
      if !piece["Sequence"].isMissing {
        texts += 1
      } else {
        let name = try piece["SpecialToken"]["id"].string()
        let ids = try place["special_tokens"][name]["ids"].list().map { TokenID(try $0.count(upTo: largest)) }
        if texts == 0 { before += ids } else { after += ids }
      }
    }
    guard texts == 1 else { throw place["single"].error("takes the text \(texts) times; expected once") }
    return (before, after)
  }
}
