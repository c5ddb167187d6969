// From tokenizer.json to a tokenizer: what is understood, what is tolerated, and what is refused by name.
import Foundation

extension BytePairEncoding {
  /// Reads a tokenizer.json, or the one in a directory. The tokenizer_config.json beside it, where there is one, names
  /// the tokens that begin and end a sequence. Throws `TokenizerError`.
  public init(contentsOf path: String) throws {
    let (file, configuration) = try TokenizerConfiguration.located(at: path)
    try self.init(try readJSON(TokenizerFile.self, from: file), configuration, named: file)
  }

  /// Reads the bytes of a tokenizer.json, called `name` in errors. Throws `TokenizerError`.
  public init(
    json: Data, named name: String = "tokenizer.json", configuration: TokenizerConfiguration = TokenizerConfiguration()
  ) throws {
    try self.init(try decodeJSON(TokenizerFile.self, from: json, named: name), configuration, named: name)
  }

  private init(_ file: TokenizerFile, _ configuration: TokenizerConfiguration, named name: String) throws {
    do {
      try file.refuseWhatChangesEncoding()
      try self.init(
        entries: try file.entries(), merges: try file.merges(), preTokenizer: try file.wayToCut(),
        beginningOfSequence: configuration.beginningOfSequence, endOfSequence: configuration.endOfSequence)
    } catch let error as TokenizerError {
      throw TokenizerError("\(name): \(error.description)")
    }
  }
}

extension TokenizerFile {
  /// Throws at the first setting that would make plain text encode differently from this implementation.
  fileprivate func refuseWhatChangesEncoding() throws {
    func require(_ holds: Bool, _ key: String, _ found: String, _ expected: String) throws {
      if !holds { throw TokenizerError("'\(key)' is \(found); \(expected)") }
    }
    let type = model.type ?? "BPE"
    try require(type == "BPE", "model.type", "'\(type)'", "only 'BPE' is understood")
    try require((model.dropout ?? 0) == 0, "model.dropout", "set", "only null or 0 is understood")
    try require(
      (model.subwordPrefix ?? "").isEmpty, "model.continuing_subword_prefix", "set", "only an empty one is understood")
    try require((model.wordSuffix ?? "").isEmpty, "model.end_of_word_suffix", "set", "only an empty one is understood")
    try require(model.ignoresMerges != true, "model.ignore_merges", "true", "only false is understood")
    let normalizers = normalizer.map { $0.flattened(\.normalizers) } ?? []
    try require(
      normalizers.isEmpty, "normalizer", "'\(normalizers.first?.type ?? "")'", "only null is understood")
    for step in postProcessor?.flattened(\.processors) ?? [] {
      try require(
        ["ByteLevel", "TemplateProcessing"].contains(step.type), "post_processor", "'\(step.type)'",
        "only 'ByteLevel' and 'TemplateProcessing' are understood")
    }
    for step in decoder?.flattened(\.decoders) ?? [] {
      try require(step.type == "ByteLevel", "decoder", "'\(step.type)'", "only 'ByteLevel' is understood")
    }
    for (index, token) in (added ?? []).enumerated() {
      try require(
        token.lstrip != true && token.rstrip != true && token.singleWord != true, "added_tokens[\(index)]",
        "'\(token.content)' with lstrip, rstrip or single_word", "only tokens without them are understood")
    }
  }

  /// The known way that the pre-tokenizer's patterns stand for.
  fileprivate func wayToCut() throws -> PreTokenizer {
    let steps = preTokenizer?.flattened(\.preTokenizers) ?? []
    guard let last = steps.last, last.type == "ByteLevel" else {
      let found = steps.last.map { "ends with '\($0.type)'" } ?? "is null"
      throw TokenizerError("'pre_tokenizer' \(found); it must end with 'ByteLevel'")
    }
    guard last.addsPrefixSpace == false else {
      throw TokenizerError("'pre_tokenizer' has add_prefix_space true; only false is understood")
    }
    var patterns = try steps.dropLast().map { step in
      guard step.type == "Split", step.behavior == "Isolated", step.inverts != true else {
        throw TokenizerError("'pre_tokenizer' has a step '\(step.type)'; only 'Split' in 'Isolated' mode is understood")
      }
      guard let pattern = step.pattern?.regex else {
        throw TokenizerError(
          "'pre_tokenizer' has a Split without 'pattern.Regex'; only regular expressions are understood")
      }
      return pattern
    }
    if last.usesRegex ?? true { patterns += PreTokenizer.gpt2.patterns }
    if let way = PreTokenizer(patterns: patterns) { return way }
    let shown = patterns.map { "'\($0)'" }.joined(separator: ", then ")
    let known = PreTokenizer.allCases.map(\.rawValue).joined(separator: ", ")
    throw TokenizerError("'pre_tokenizer' splits at \(shown); only the patterns of \(known) are understood")
  }

  fileprivate func entries() throws -> [VocabularyEntry] {
    var addedIDs: [String: Int] = [:]
    var entries: [VocabularyEntry] = []
    for token in added ?? [] {
      if let id = model.vocabulary[token.content], id != token.id {
        throw TokenizerError(
          "'added_tokens' gives '\(token.content)' the id \(token.id), but 'model.vocab' gives it \(id); "
            + "they must agree")
      }
      addedIDs[token.content] = token.id
      entries.append(
        VocabularyEntry(
          id: try checked(token.id, token.content), bytes: Array(token.content.utf8),
          kind: token.special == true ? .special : .added))
    }
    for (spelling, id) in model.vocabulary where addedIDs[spelling] == nil {
      guard let bytes = ByteAlphabet.bytes(of: spelling) else {
        throw TokenizerError(
          "'model.vocab' has '\(spelling)', which is not spelled in the byte-level alphabet; list it in 'added_tokens'")
      }
      entries.append(VocabularyEntry(id: try checked(id, spelling), bytes: bytes, kind: .ordinary))
    }
    return entries
  }

  private func checked(_ id: Int, _ token: String) throws -> TokenID {
    let limit = model.vocabulary.count + (added?.count ?? 0) + Vocabulary.mostHoles
    guard id >= 0, id < min(limit, Int(Int32.max)) else {
      throw TokenizerError("token '\(token)' has the id \(id); ids here must be from 0 to \(limit - 1)")
    }
    return TokenID(id)
  }

  fileprivate func merges() throws -> [BytePairEncoding.Merge] {
    func id(_ token: String, _ rank: Int, _ role: String) throws -> TokenID {
      guard let id = model.vocabulary[token] else {
        throw TokenizerError("'model.merges[\(rank)]' \(role) '\(token)', which is not in 'model.vocab'")
      }
      return TokenID(id)
    }
    return try model.merges.pairs.enumerated().map { rank, pair in
      _ = try id(pair.left + pair.right, rank, "makes")
      return BytePairEncoding.Merge(try id(pair.left, rank, "joins"), try id(pair.right, rank, "joins"))
    }
  }
}

extension TokenizerFile.Step {
  /// The steps of a (nested) sequence in order, or the step itself.
  fileprivate func flattened(_ members: KeyPath<Self, [Self]?>) -> [Self] {
    guard type == "Sequence" else { return [self] }
    return (self[keyPath: members] ?? []).flatMap { $0.flattened(members) }
  }
}
