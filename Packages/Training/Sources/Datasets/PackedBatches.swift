// Documents packed into batches.
import LanguageModels
import Recipes
import Tensors

/// How documents share a batch.
public enum Packing: String, Codable, Sendable {
  /// Every document is a row of its own, so that none can see another; a batch is filled up to its token budget.
  case documents
  /// The stream of documents is cut into rows of equal length, across their ends, as DeepSeek-V3 was pretrained.
  case windows
}

/// One batch for next-token training: the target of a token is the one that follows it in its row, −1 at the end.
public struct TrainingBatch: Sendable {
  public let batch: TokenBatch
  /// For each token the id that follows it in its row, −1 where nothing does.
  public let targets: [Int32]
  /// Targets that a loss is taken over: those of −1 left out.
  public var targetCount: Int { targets.reduce(0) { $0 + ($1 >= 0 ? 1 : 0) } }

  /// Throws `DatasetError` for a token that a model of `vocabularySize` tokens does not know.
  public func requireTokens(below vocabularySize: Int, of corpus: String) throws {
    guard let stranger = batch.tokens.first(where: { $0 < 0 || Int($0) >= vocabularySize }) else { return }
    throw DatasetError("\(corpus): holds the token \(stranger); the model knows 0 to \(vocabularySize - 1)")
  }

  /// Rows of token ids; none may be empty.
  public init(_ rows: [[Int32]]) {
    batch = TokenBatch(tokens: rows.flatMap { $0 }, rows: rows.map { .init(count: $0.count) })
    targets = rows.flatMap { $0.dropFirst() + [-1] }
  }
}

/// Draws batches from a corpus under a cursor.
public struct PackedBatches: Sendable {
  public let corpus: TokenFile
  public let packing: Packing
  /// The longest row; longer documents are cut.
  public let sequenceLength: Int
  /// Tokens of a batch at most (documents) or exactly (windows).
  public let batchTokens: Int
  private var epoch = -1
  private var order: [Int32] = []

  /// Throws `DatasetError` when the corpus cannot fill one batch.
  public init(_ corpus: TokenFile, packing: Packing, sequenceLength: Int, batchTokens: Int) throws {
    (self.corpus, self.packing) = (corpus, packing)
    (self.sequenceLength, self.batchTokens) = (sequenceLength, batchTokens)
    // Only a pair of tokens can teach which one follows.
    guard (packing == .documents ? corpus.longestDocument : corpus.tokenCount) >= 2 else {
      throw DatasetError(
        "\(corpus.directory): no document has two tokens, so there is nothing to predict; it needs at least one")
    }
    guard batchTokens >= sequenceLength else {
      throw DatasetError(
        "a batch of \(batchTokens) tokens cannot hold a row of \(sequenceLength); make batchTokens at least sequenceLength"
      )
    }
  }

  /// The next batch; `cursor` moves on to the first document that is not in it.
  public mutating func next(_ cursor: inout Cursor) -> TrainingBatch {
    switch packing {
    case .documents: documents(&cursor)
    case .windows: windows(&cursor)
    }
  }

  private mutating func document(at cursor: Cursor) -> [Int32] {
    if cursor.epoch != epoch { (epoch, order) = (cursor.epoch, cursor.order(of: corpus.documentCount)) }
    // A place behind the end, which only another corpus can have left, is the last one.
    return corpus.document(Int(order[min(cursor.position, order.count - 1)]))
  }

  private mutating func documents(_ cursor: inout Cursor) -> TrainingBatch {
    var (rows, used) = ([[Int32]](), 0)
    while true {
      let document = Array(document(at: cursor).prefix(sequenceLength))
      if used + document.count > batchTokens && !rows.isEmpty { return TrainingBatch(rows) }
      cursor.advance(over: corpus.documentCount)
      guard document.count >= 2 else { continue }
      rows.append(document)
      used += document.count
    }
  }

  /// Whole documents fill the rows; what does not fit into the last row is dropped, so that a batch begins with a document.
  private mutating func windows(_ cursor: inout Cursor) -> TrainingBatch {
    let rowCount = batchTokens / sequenceLength
    var stream: [Int32] = []
    while stream.count < rowCount * sequenceLength {
      stream += document(at: cursor)
      cursor.advance(over: corpus.documentCount)
    }
    return TrainingBatch((0..<rowCount).map { Array(stream[$0 * sequenceLength..<($0 + 1) * sequenceLength]) })
  }
}

extension TrainingBatch {
  /// The token ids of every row.
  public var rows: [[Int32]] {
    var start = 0
    return batch.rows.map { row in
      defer { start += row.count }
      return Array(batch.tokens[start..<start + row.count])
    }
  }

  /// The rows in parts of at most `tokens` tokens each (a longer row is a part of its own); 0 for one part.
  public func parts(of tokens: Int) -> [TrainingBatch] {
    guard tokens > 0, batch.tokens.count > tokens else { return [self] }
    var (parts, part, used) = ([TrainingBatch](), [[Int32]](), 0)
    for row in rows {
      if used + row.count > tokens && !part.isEmpty {
        parts.append(TrainingBatch(part))
        (part, used) = ([], 0)
      }
      part.append(row)
      used += row.count
    }
    parts.append(TrainingBatch(part))
    return parts
  }
}
