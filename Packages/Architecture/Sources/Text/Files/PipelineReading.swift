// From a tokenizer.json, whatever its parts are, to a tokenizer. The whole file is checked before anything runs.
import Foundation
import JSON

extension TokenizerPipeline {
  /// Reads a tokenizer.json, or the one in a directory. The tokenizer_config.json beside it, where there is one, names
  /// the tokens that begin and end a sequence. Throws `TokenizerError`.
  public init(contentsOf path: String) throws {
    let (file, configuration) = try TokenizerConfiguration.located(at: path)
    guard let data = FileManager.default.contents(atPath: file) else {
      throw TokenizerError("\(file) cannot be read; it must be an existing, readable file")
    }
    try self.init(json: data, named: file, configuration: configuration)
  }

  /// Reads the bytes of a tokenizer.json, called `name` in errors. Throws `TokenizerError`.
  public init(
    json: Data, named name: String = "tokenizer.json", configuration: TokenizerConfiguration = TokenizerConfiguration()
  ) throws {
    do {
      let value = try json.withUnsafeBytes { try JSONValue(reading: $0) }
      self.init(try Self.parts(of: JSONPlace(value, at: ""), configuration))
    } catch let error as JSONError {
      throw TokenizerError("\(name): the file is not JSON: \(error); expected a JSON object")
    } catch let error as TokenizerError {
      throw TokenizerError("\(name): \(error.description)")
    }
  }

  private static func parts(of file: JSONPlace, _ configuration: TokenizerConfiguration) throws -> TokenizerParts {
    guard case .object? = file.value else { throw TokenizerError("the file is no JSON object; expected one") }
    if let version = try file["version"].optionalString(), version != "1.0" {
      throw file["version"].error("is '\(version.prefix(60))'; expected '1.0'")
    }
    let listed = try AddedTokenReading.tokens(of: file["added_tokens"])
    let type = try ModelReading.type(of: file["model"])
    let fileVocabulary = try ModelReading.vocabulary(of: file["model"], type: type, added: listed.count)
    var vocabulary = fileVocabulary
    for token in listed { try AddedTokenReading.add(token, to: &vocabulary) }
    let normalizers = try NormalizerReading.steps(of: file["normalizer"])
    let special = Set(listed.filter(\.isSpecial).map(\.id.rawValue))
    let reading = ModelReading(file["model"], type: type, vocabulary: fileVocabulary, hidden: special)

    var cuts = try CutReading.steps(of: file["pre_tokenizer"])
    var endsInBytes = false
    if case .byteAlphabet? = cuts.last { endsInBytes = true }
    let (model, isOverBytes) = try reading.model(overBytes: endsInBytes)
    if isOverBytes { cuts.removeLast() }

    let added = listed.map { (token: $0, form: AddedTokenReading.form(of: $0, normalizers)) }
    var spellings = vocabulary.spellings
    for (token, form) in added where token.isNormalized { spellings[Int(token.id.rawValue)] = form }
    var parts = TokenizerParts(
      model: model,
      decoding: TokenDecoding(
        spellings: spellings, special: special, steps: try DecoderReading.steps(of: file["decoder"])))
    (parts.added, parts.normalizers, parts.cuts, parts.idsByName) = (added, normalizers, cuts, vocabulary.ids)
    parts.markers = try MarkerReading.markers(of: file["post_processor"], largest: max(0, spellings.count - 1))
    parts.beginning = try marker(configuration.beginningOfSequence, "beginning", in: vocabulary.ids)
    parts.end = try marker(configuration.endOfSequence, "end", in: vocabulary.ids)
    return parts
  }

  private static func marker(_ name: String?, _ role: String, in ids: ByteStringMap) throws -> TokenID? {
    guard let name else { return nil }
    guard let id = ids[Array(name.utf8)] else {
      throw TokenizerError("the \(role)-of-sequence token '\(name)' is not in the vocabulary; name one that is")
    }
    return TokenID(rawValue: id)
  }
}

/// Reads `added_tokens`.
enum AddedTokenReading {
  static func tokens(of place: JSONPlace) throws -> [AddedToken] {
    if place.isMissing { return [] }
    var tokens: [AddedToken] = []
    var seen = ByteStringTable()
    for entry in try place.list() {
      try entry.requireKeys("id", "content", "single_word", "lstrip", "rstrip", "normalized", "special")
      let content = try entry["content"].string()
      guard !content.isEmpty else { throw entry["content"].error("is empty; a token needs a text") }
      guard seen.insert(Array(content.utf8)) == tokens.count else {
        throw entry["content"].error("is '\(content.prefix(60))', which is listed twice; tokens must differ")
      }
      var token = AddedToken(id: TokenID(try entry["id"].count(upTo: 1 << 30)), content: content)
      token.isSpecial = try entry["special"].bool(default: false)
      token.standsAlone = try entry["single_word"].bool(default: false)
      token.stripsLeft = try entry["lstrip"].bool(default: false)
      token.stripsRight = try entry["rstrip"].bool(default: false)
      token.isNormalized = try entry["normalized"].bool(default: !token.isSpecial)
      tokens.append(token)
    }
    return tokens
  }

  /// Joins a token to the vocabulary, or checks that it is there already under its id.
  static func add(_ token: AddedToken, to vocabulary: inout FileVocabulary) throws {
    let content = Array(token.content.utf8)
    guard let known = vocabulary.ids[content] else {
      return try vocabulary.add(content, id: Int(token.id.rawValue), at: "added_tokens")
    }
    guard known == token.id.rawValue else {
      throw TokenizerError(
        "'added_tokens' gives '\(token.content.prefix(80))' the id \(token.id), but 'model.vocab' gives it \(known); "
          + "they must agree")
    }
  }

  /// What is looked for in a text.
  static func form(of token: AddedToken, _ normalizers: [NormalizerStep]) -> [UInt8] {
    let content = Array(token.content.utf8)
    guard token.isNormalized else { return content }
    var stretch = NormalizerStep.Stretch(bytes: content, beginsInput: true)
    for step in normalizers { step.apply(to: &stretch) }
    return stretch.bytes
  }
}
