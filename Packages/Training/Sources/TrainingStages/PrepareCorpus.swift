// From documents to a token file: a tokenizer is trained on them, and everything is encoded once.
import Checkpoints
import Datasets
import Foundation
import Plugins
import ProcessGraph
import Recipes
import Text

/// What a recipe may say about a corpus.
public struct CorpusSettings: Configuration {
  /// Where documents come from, by name, with that source's own settings.
  public var documents = PartChoice()
  /// How many documents to take; 0 takes all of a finite source.
  public var count = 10_000
  /// The tokenizer's size at most: 256 bytes, the special tokens and the learnt merges.
  public var vocabularySize = 4096
  /// How text is cut into pieces; merges are learnt within pieces.
  public var preTokenizer = PreTokenizer.deepSeekV3
  /// How many of the documents the tokenizer learns from.
  public var tokenizerDocuments = 4000
  public init() {}

  public func validate() throws {
    try require([
      ("count", count, 0), ("vocabularySize", vocabularySize, 260), ("tokenizerDocuments", tokenizerDocuments, 1),
    ])
  }
}

/// Writes `tokens.bin`, `documents.bin`, the tokenizer's files and the prompt template.
public struct PrepareCorpus: Stage {
  public let name = "corpus"
  public let settings: ConfigTree
  let plan: CorpusSettings

  public init(_ plan: CorpusSettings) throws { (self.plan, settings) = (plan, try ConfigTree(encoding: plan)) }

  public func check(in registry: Registry, at path: String) throws {
    _ = try plan.documents.make(from: registry.documents, at: "\(path).documents")
  }

  public func run(_ input: Nothing, in context: RunContext) async throws -> CorpusArtifact {
    let source = try plan.documents.make(from: context.registry.documents, at: "documents")
    let result = "\(context.directory)/corpus"
    if !FileManager.default.fileExists(atPath: result) {
      let count = try documentCount(of: source)
      let tokenizer = try learnTokenizer(source, count: count)
      let documents = try await encode(source, count: count, tokenizer, context)
      try DurableDirectory.create(result) { directory in
        try TokenFile.write(documents, into: directory)
        try tokenizer.write(to: directory)
        if let template = source.promptTemplate {
          try TemplateFile.plain(PlainTemplate(text: template, opensThinking: template.contains("<think>"))).write(
            to: directory)
        }
      }
    }
    return CorpusArtifact(directory: result, fingerprint: try Fingerprint.sha256(file: "\(result)/tokens.bin"))
  }

  private func documentCount(of source: any DocumentSource) throws -> Int {
    switch (source.count, plan.count) {
    case (nil, 0):
      throw ConfigError(
        path: "count", problem: "is 0, but the documents of '\(source.name)' never end; say how many to take")
    case (nil, let wanted): return wanted
    case (let all?, 0): return all
    case (let all?, let wanted): return min(all, wanted)
    }
  }

  /// The markers that text may show (`<think>`) are kept whole without being special, so that answers show them.
  private func learnTokenizer(_ source: any DocumentSource, count: Int) throws -> BytePairEncoding {
    var trainer = BPETrainer(vocabularySize: plan.vocabularySize)
    trainer.specialTokens = [source.endOfDocument] + source.specialTokens.filter { $0 != source.endOfDocument }
    trainer.preTokenizer = plan.preTokenizer
    trainer.endOfSequence = source.endOfDocument
    let learnt = try trainer.train(on: (0..<min(count, plan.tokenizerDocuments)).map { try source.document($0) })
    let end = Array(source.endOfDocument.utf8)
    return try BytePairEncoding(
      entries: learnt.entries.map { entry in
        VocabularyEntry(
          id: entry.id, bytes: entry.bytes, kind: entry.kind == .special && entry.bytes != end ? .added : entry.kind)
      }, merges: learnt.merges, preTokenizer: learnt.preTokenizer, endOfSequence: source.endOfDocument)
  }

  private func encode(
    _ source: any DocumentSource, count: Int, _ tokenizer: BytePairEncoding, _ context: RunContext
  ) async throws -> [[TokenID]] {
    var documents: [[TokenID]] = []
    documents.reserveCapacity(min(count, 1 << 20))
    for index in 0..<count {
      if index % 1000 == 0 {
        try Task.checkCancellation()
        context.progress.report(
          stage: name, done: index, of: count, unit: "document",
          detail: "\(tokenizer.vocabularySize) tokens in the vocabulary")
      }
      let end = tokenizer.endOfSequence.map { [$0] } ?? []
      documents.append(tokenizer.encode(try source.document(index), recognizingSpecialTokens: true) + end)
    }
    context.progress.finish(stage: name, summary: "\(count) documents, \(documents.reduce(0) { $0 + $1.count }) tokens")
    return documents
  }
}
