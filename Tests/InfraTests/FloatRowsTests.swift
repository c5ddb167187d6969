// Rows that are read piece by piece, on all cores: the same numbers, in order, and the first failure.
import GGUF
import Testing

@Suite struct FloatRowsTests {
  /// Number i of row r is 1000 r + i.
  private func counted(_ rows: Int, _ width: Int, failingAt bad: Set<Int> = []) -> FloatRows {
    return FloatRows(shape: [rows, width]) { range, numbers in
      for (place, row) in range.enumerated() {
        if bad.contains(row) { throw Failure(row: row) }
        for i in 0..<width { numbers[place * width + i] = Float(row * 1000 + i) }
      }
    }
  }
  private struct Failure: Error, Equatable { let row: Int }

  @Test(arguments: [(700, 900), (1, 5), (3, 300_000), (20_000, 1)])
  func piecesAreTheRowsInOrder(_ rows: Int, _ width: Int) throws {
    let all = counted(rows, width)
    var (joined, pieces) = ([Float](), 0)
    try all.forEachPiece { piece in
      joined += piece
      pieces += 1
    }
    var alone: [Float] = []
    for row in 0..<rows { alone += try all.numbers(row..<row + 1) }
    #expect(joined == alone && joined.count == rows * width)
    #expect(pieces >= rows * width / 300_000)
  }

  @Test func theFirstRowThatFailsIsTheOneThatIsTold() {
    let broken = counted(700, 900, failingAt: [251, 120, 690])
    var pieces = 0
    #expect(throws: Failure(row: 120)) { try broken.forEachPiece { _ in pieces += 1 } }
    #expect(pieces == 0)
  }
}
