// One step's worth of tokens and everything attention needs to know about them.
import Tensors
import Text

/// Rows of different length, one after another, without padding.
public struct TokenBatch: Sendable {
  /// One sequence, or the next part of one.
  public struct Row: Sendable, Hashable {
    /// Tokens of this row in the batch.
    public var count: Int
    /// The position of its first token: how many tokens its memory slot already holds.
    public var first: Int
    /// Which slot of the memory it reads and writes; 0 where there is no memory.
    public var slot: Int
    public init(count: Int, first: Int = 0, slot: Int = 0) {
      (self.count, self.first, self.slot) = (count, first, slot)
    }
  }
  /// The tokens of all rows, one row after another.
  public let tokens: [Int32]
  /// In the order of their tokens; none is empty.
  public let rows: [Row]
  /// Experts that tokens are sent to in the place of those that the model would choose: one for each row, nil for a row
  /// that goes its own way; or empty, when all do. A prediction module goes its own way always.
  public let experts: [ExpertChoices?]

  /// Traps when a row is empty, when the rows do not cover the tokens exactly, or when experts are of another number of
  /// tokens than their row. A model traps when their layout is not its `expertLayout`.
  public init(tokens: [Int32], rows: [Row], experts: [ExpertChoices?] = []) {
    precondition(
      rows.reduce(0) { $0 + $1.count } == tokens.count, "TokenBatch: rows do not cover \(tokens.count) tokens")
    precondition(rows.allSatisfy { $0.count > 0 }, "TokenBatch: a row is empty")
    precondition(
      experts.isEmpty
        || experts.count == rows.count && zip(rows, experts).allSatisfy { $1.map(\.tokens) ?? $0.count == $0.count },
      "TokenBatch: experts do not cover the tokens of \(rows.count) rows")
    (self.tokens, self.rows, self.experts) = (tokens, rows, experts)
  }
  /// Whole sequences without a memory.
  public init(_ sequences: [[TokenID]]) {
    self.init(tokens: sequences.flatMap { $0.map(\.rawValue) }, rows: sequences.map { Row(count: $0.count) })
  }

  /// The position of every token in its own sequence.
  public var positions: [Int32] { rows.flatMap { row in (0..<row.count).map { Int32(row.first + $0) } } }
  /// Where each row's last token is in the batch.
  public var lastTokens: [Int32] {
    var end = 0
    return rows.map { row in
      end += row.count
      return Int32(end - 1)
    }
  }
  /// Rows whose keys are the batch's own tokens.
  public var ownRows: [AttentionRow] {
    var start = 0
    return rows.map { row in
      defer { start += row.count }
      return AttentionRow(queryStart: start, queryCount: row.count, keyStart: start)
    }
  }
  /// Rows whose keys are in a memory with `capacity` positions a slot.
  public func rows(inMemoryOf capacity: Int) -> [AttentionRow] {
    var start = 0
    return rows.map { row in
      defer { start += row.count }
      return AttentionRow(queryStart: start, queryCount: row.count, first: row.first, keyStart: row.slot * capacity)
    }
  }
  /// The row of a memory's tables where each token is kept.
  public func memoryRows(_ capacity: Int) -> [Int32] {
    rows.flatMap { row in (0..<row.count).map { Int32(row.slot * capacity + row.first + $0) } }
  }
}
