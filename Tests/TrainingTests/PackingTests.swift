// Batches hold every document once an epoch, whole or rightly continued, and documents of a batch do not see each other.
import DeepSeek
import Foundation
import LanguageModels
import Tensors
import Testing
import Text

@testable import Datasets

/// A corpus whose tokens say where they come from: token = document · 64 + place.
private struct NumberedCorpus {
  let shop: Workshop
  let file: TokenFile
  let documents: [[Int32]]

  init(_ lengths: [Int]) throws {
    shop = try Workshop()
    documents = lengths.enumerated().map { index, length in (0..<length).map { Int32(index * 64 + $0) } }
    try TokenFile.write(documents.map { $0.map { TokenID(rawValue: $0) } }, into: shop.directory)
    file = try TokenFile(shop.directory)
  }
  /// Lengths from 1 to 40, drawn from a seed.
  init(_ count: Int, seed: UInt64) throws {
    var random = RandomStream(seed: seed)
    try self.init((0..<count).map { _ in random.number(in: 1..<41) })
  }
  func batches(_ packing: Packing, row: Int, batch: Int) throws -> PackedBatches {
    try PackedBatches(file, packing: packing, sequenceLength: row, batchTokens: batch)
  }
}

extension TrainingBatch {
  fileprivate var sequences: [[Int32]] {
    var start = 0
    return batch.rows.map { row in
      defer { start += row.count }
      return Array(batch.tokens[start..<start + row.count])
    }
  }
}

@Suite struct PackingTests {
  @Test func everyEpochHasEveryDocumentOnceAndWhole() throws {
    let corpus = try NumberedCorpus(50, seed: 1)
    defer { corpus.shop.remove() }
    var batches = try corpus.batches(.documents, row: 24, batch: 70)
    var cursor = Cursor(seed: 8)
    var epochs: [[[Int32]]] = []
    var rows: [[Int32]] = []
    while epochs.count < 3 {
      let batch = batches.next(&cursor)
      #expect(batch.batch.tokens.count <= 70)
      rows += batch.sequences
      // A document of one token predicts nothing and is left out.
      let whole = corpus.documents.filter { $0.count > 1 }.map { Array($0.prefix(24)) }
      guard rows.count >= whole.count else { continue }
      let epoch = Array(rows.prefix(whole.count))
      rows.removeFirst(whole.count)
      #expect(epoch.sorted { $0[0] < $1[0] } == whole)
      epochs.append(epoch)
    }
    #expect(epochs[0] != epochs[1] && epochs[1] != epochs[2], "every epoch has an order of its own")
  }

  @Test func linesOfJSONEndWithALineFeedOnly() throws {
    let shop = try Workshop()
    defer { shop.remove() }
    let file = "\(shop.directory)/a.jsonl"
    let lines = "{\"text\": \"a\u{2028}b\u{85}c\"}\r\n\r\n{\"text\": \"d\"}\n \n{\"text\": 5}"
    try Data(lines.utf8).write(to: URL(fileURLWithPath: file))
    var settings = TextFileSettings()
    settings.paths = [file]
    let error = #expect(throws: DatasetError.self) { try TextFileDocuments(settings) }
    #expect(error?.description.contains("a.jsonl:5: expected a JSON object") == true, "\(error?.description ?? "")")
    try Data(lines.dropLast(12).utf8).write(to: URL(fileURLWithPath: file))
    let source = try TextFileDocuments(settings)
    #expect(try (0..<(source.count ?? 0)).map { try source.document($0) } == ["a\u{2028}b\u{85}c", "d"])
  }

  /// Windows are filled from documents: with none that has a token they would be filled for ever.
  @Test(arguments: [[0, 0, 0], [60, 60], [0, 59], [1, 60], [-1, 60], [0, .max], [0, .min, 60]] as [[Int64]])
  func documentsCoverTheirTokens(starts: [Int64]) throws {
    let shop = try Workshop()
    defer { shop.remove() }
    try TokenFile.write([(0..<60).map { TokenID($0) }], into: shop.directory)
    #expect(try TokenFile(shop.directory).tokenCount == 60)
    let bytes = starts.flatMap { withUnsafeBytes(of: $0.littleEndian) { Array($0) } }
    try Data(bytes).write(to: URL(fileURLWithPath: "\(shop.directory)/documents.bin"))
    let error = #expect(throws: DatasetError.self) { try TokenFile(shop.directory) }
    #expect(error?.description.contains("token") == true)
  }

  @Test func targetsAreTheNextTokensOfTheRow() throws {
    let corpus = try NumberedCorpus(20, seed: 2)
    defer { corpus.shop.remove() }
    for packing in [Packing.documents, .windows] {
      var (batches, cursor) = (try corpus.batches(packing, row: 16, batch: 64), Cursor(seed: 1))
      let batch = batches.next(&cursor)
      #expect(batch.targets == batch.sequences.flatMap { $0.dropFirst() + [-1] })
      #expect(batch.targetCount == batch.batch.tokens.count - batch.batch.rows.count && batch.targetCount > 30)
    }
  }

  @Test func windowsAreTheStreamOfDocumentsCutEvenly() throws {
    let corpus = try NumberedCorpus(30, seed: 3)
    defer { corpus.shop.remove() }
    var (batches, cursor) = (try corpus.batches(.windows, row: 16, batch: 50), Cursor(seed: 2))
    var seen: [Int] = []
    for _ in 0..<12 {
      var shadow = cursor
      let batch = batches.next(&cursor)
      #expect(batch.batch.rows.map(\.count) == [16, 16, 16])
      var stream: [Int32] = []
      while shadow != cursor {
        let document = Int(shadow.order(of: 30)[shadow.position])
        seen.append(document)
        stream += corpus.documents[document]
        shadow.advance(over: 30)
      }
      #expect(Array(stream.prefix(48)) == batch.batch.tokens, "a batch begins with a document and goes on in order")
      #expect(stream.count - (corpus.documents[seen[seen.count - 1]].count) < 48, "no document is taken in vain")
    }
    #expect(seen.count > 30 && Set(seen.prefix(30)).count == 30)
  }

  @Test(arguments: [Packing.documents, .windows], [1, 5, 11])
  func aCursorReadBackFromJSONGivesTheSameBatches(packing: Packing, taken: Int) throws {
    let corpus = try NumberedCorpus(25, seed: 4)
    defer { corpus.shop.remove() }
    var (batches, cursor) = (try corpus.batches(packing, row: 20, batch: 60), Cursor(seed: 3))
    for _ in 0..<taken { _ = batches.next(&cursor) }
    var restored = try JSONDecoder().decode(Cursor.self, from: JSONEncoder().encode(cursor))
    #expect(restored == cursor)
    var again = try corpus.batches(packing, row: 20, batch: 60)
    for _ in 0..<30 { #expect(again.next(&restored).batch.tokens == batches.next(&cursor).batch.tokens) }
    #expect(cursor.epoch >= 2, "the end of an epoch was passed")
  }

  @Test(arguments: [1, 20, 33, 64, 200]) func partsAreTheWholeInOrder(tokens: Int) throws {
    let corpus = try NumberedCorpus(40, seed: 5)
    defer { corpus.shop.remove() }
    var (batches, cursor) = (try corpus.batches(.documents, row: 24, batch: 160), Cursor(seed: 4))
    let whole = batches.next(&cursor)
    let parts = whole.parts(of: tokens)
    #expect(parts.flatMap(\.sequences) == whole.sequences && parts.flatMap(\.targets) == whole.targets)
    #expect(parts.allSatisfy { $0.batch.tokens.count <= tokens || $0.batch.rows.count == 1 })
    #expect((parts.count == 1) == (tokens == 200))
  }

  /// What a document's neighbours say changes nothing of its own log-probabilities; what it says itself does.
  @Test func documentsOfABatchDoNotSeeEachOther() throws {
    let shop = try Workshop()
    defer { shop.remove() }
    let model = try TinyModel.fresh(vocabulary: 300, seed: 6, on: shop.device)
    var options = TrainingOptions()
    (options.mtpLossWeight, options.balanceLossWeight) = (0.3, 0.001)
    func logProbabilities(_ rows: [[Int32]]) -> [[UInt32]] {
      let batch = TrainingBatch(rows)
      var bits = model.trainingPass(batch.batch, targets: batch.targets, options).logProbabilities.floats()
        .map(\.bitPattern)[...]
      return rows.map { row in
        defer { bits = bits.dropFirst(row.count) }
        return Array(bits.prefix(row.count))
      }
    }
    let rows: [[Int32]] = [[5, 9, 12, 200], [7, 7, 8], [250, 3, 99, 41, 17], [1, 2]]
    let before = logProbabilities(rows)
    for changed in rows.indices {
      var others = rows
      others[changed] = [299, 150, 33, 33, 33, 120]
      let after = logProbabilities(others)
      for row in rows.indices where row != changed { #expect(after[row] == before[row], "\(changed) changed \(row)") }
    }
    var own = rows
    own[2][0] = 251
    #expect(logProbabilities(own)[2].dropFirst() != before[2].dropFirst())
    for row in rows.indices { #expect(logProbabilities([rows[row]])[0] == before[row], "alone: \(row)") }
  }

  @Test func corporaThatCannotFillABatchAreRefused() throws {
    let corpus = try NumberedCorpus([4, 5])
    defer { corpus.shop.remove() }
    #expect(throws: DatasetError.self) { try corpus.batches(.documents, row: 20, batch: 19) }
    for lengths in [[], [1]] {
      let corpus = try NumberedCorpus(lengths)
      defer { corpus.shop.remove() }
      #expect(throws: DatasetError.self) { try corpus.batches(.windows, row: 20, batch: 20) }
    }
    let single = try NumberedCorpus([1, 1])
    defer { single.shop.remove() }
    #expect(throws: DatasetError.self) { try single.batches(.documents, row: 20, batch: 20) }
  }
}
