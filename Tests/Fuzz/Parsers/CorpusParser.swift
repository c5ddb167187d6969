// Corpora on disk: tokens, where documents begin, and the batches that training draws from them.
import Datasets
import LanguageModels

struct CorpusParser: FuzzParser {
  let name = "corpus"

  func seeds() throws -> [FuzzInput] {
    func numbers<Number: FixedWidthInteger>(_ values: [Number]) -> [UInt8] {
      values.flatMap { value in withUnsafeBytes(of: value.littleEndian) { Array($0) } }
    }
    func corpus(_ tokens: [Int32], _ starts: [Int64]) -> FuzzInput {
      FuzzInput([.init("tokens.bin", numbers(tokens)), .init("documents.bin", numbers(starts))])
    }
    let tokens = (0..<60).map { Int32($0 % 11) }
    return [
      corpus(tokens, [0, 7, 8, 8, 30, 60]), corpus([1, 2], [0, 2]), corpus([], [0]), corpus(tokens, [0, 0, 0]),
      corpus(tokens, [60, 60]), corpus(tokens, [-1, 60]), corpus(tokens, [0, .max]), corpus(tokens, [0, .min]),
      corpus(tokens, []), corpus([.min, -1, .max, 5], [0, 4]), corpus(tokens, [1]), corpus(tokens, [0, 1, 2, 3]),
    ]
  }

  func attempt(_ input: FuzzInput, in directory: String) async throws -> String {
    let corpus = try TokenFile(directory)
    for index in 0..<min(corpus.documentCount, 200) { _ = corpus.document(index) }
    for packing in [Packing.documents, .windows] {
      var batches = try PackedBatches(corpus, packing: packing, sequenceLength: 8, batchTokens: 24)
      var cursor = Cursor(seed: 5)
      for _ in 0..<4 {
        let batch = batches.next(&cursor)
        guard batch.batch.tokens.count <= 24, !batch.rows.isEmpty else { throw Violation("a batch has the wrong size") }
      }
    }
    return "batches"
  }
}
