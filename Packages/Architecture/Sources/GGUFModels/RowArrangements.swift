// The rearrangements between a checkpoint's tensors and a GGUF file's: of numbers only, none is changed.
import GGUF

extension FloatRows {
  /// Rows of each head from neighbours (2i, 2i + 1), as a GGUF file of llama has them, to halves (i, i + d/2), as its
  /// checkpoint has them. A vector's numbers are moved as a matrix's rows are.
  func halvesFromNeighbours(heads: Int) -> FloatRows {
    moved(heads: heads) { row, half in 2 * (row % half) + row / half }
  }

  /// The other direction: from halves to neighbours.
  func neighboursFromHalves(heads: Int) -> FloatRows {
    moved(heads: heads) { row, half in row % 2 * half + row / 2 }
  }

  /// Row r of a head is row `source(r, half)` of the same head; the heads divide the rows into even parts.
  private func moved(heads: Int, _ source: @escaping @Sendable (Int, Int) -> Int) -> FloatRows {
    let perHead = (shape.first ?? 0) / heads
    let move: @Sendable (Int) -> Int = { $0 / perHead * perHead + source($0 % perHead, perHead / 2) }
    if shape.count > 1 { return rearranged(move) }
    return FloatRows(shape: shape) { [self] rows, numbers in
      let all = try self.numbers()
      for index in 0..<all.count { numbers[index] = all[move(index)] }
    }
  }

  /// Matrices of equal shape, one above the other: [matrices, rows, width].
  static func stacked(_ matrices: [FloatRows]) -> FloatRows {
    let (rows, width) = (matrices[0].count, matrices[0].width)
    return FloatRows(shape: [matrices.count, rows, width]) { range, numbers in
      var next = range.lowerBound
      while next < range.upperBound {
        let matrix = next / rows
        let end = min(range.upperBound, (matrix + 1) * rows)
        let at = (next - range.lowerBound) * width..<(end - range.lowerBound) * width
        try matrices[matrix].read(
          next - matrix * rows..<end - matrix * rows, into: UnsafeMutableBufferPointer(rebasing: numbers[at]))
        next = end
      }
    }
  }
}

/// `kv_b_proj` [heads · (nope + value), latent] and its two halves.
enum LatentRows {
  /// Keys [heads, latent, nope], each head transposed.
  static func keys(of whole: FloatRows, heads: Int, noPosition: Int, value: Int) -> FloatRows {
    let latent = whole.width
    return FloatRows(shape: [heads, latent, noPosition]) { rows, numbers in
      try forEachHead(rows, of: latent) { head, rowsOfHead, at in
        let first = head * (noPosition + value)
        let block = try whole.numbers(first..<first + noPosition)
        for (place, column) in rowsOfHead.enumerated() {
          for n in 0..<noPosition { numbers[(at + place) * noPosition + n] = block[n * latent + column] }
        }
      }
    }
  }

  /// Values [heads, value, latent].
  static func values(of whole: FloatRows, heads: Int, noPosition: Int, value: Int) -> FloatRows {
    let latent = whole.width
    return FloatRows(shape: [heads, value, latent]) { rows, numbers in
      try forEachHead(rows, of: value) { head, rowsOfHead, at in
        let first = head * (noPosition + value) + noPosition
        let target = at * latent..<(at + rowsOfHead.count) * latent
        try whole.read(
          first + rowsOfHead.lowerBound..<first + rowsOfHead.upperBound,
          into: UnsafeMutableBufferPointer(rebasing: numbers[target]))
      }
    }
  }

  /// The whole again: for each head its keys, transposed back, then its values.
  static func joined(
    keys: FloatRows, values: FloatRows, heads: Int, noPosition: Int, value: Int, latent: Int
  ) -> FloatRows {
    FloatRows(shape: [heads * (noPosition + value), latent]) { rows, numbers in
      try forEachHead(rows, of: noPosition + value) { head, rowsOfHead, at in
        let block =
          rowsOfHead.lowerBound < noPosition ? try keys.numbers(head * latent..<(head + 1) * latent) : []
        for (place, row) in rowsOfHead.enumerated() {
          let target = (at + place) * latent..<(at + place + 1) * latent
          if row < noPosition {
            for column in 0..<latent { numbers[target.lowerBound + column] = block[column * noPosition + row] }
          } else {
            let source = head * value + row - noPosition
            try values.read(source..<source + 1, into: UnsafeMutableBufferPointer(rebasing: numbers[target]))
          }
        }
      }
    }
  }

  /// Calls `body` with every head that `rows` touch, the rows of it that they touch, and where these go.
  private static func forEachHead(
    _ rows: Range<Int>, of perHead: Int, _ body: (_ head: Int, _ rowsOfHead: Range<Int>, _ at: Int) throws -> Void
  ) rethrows {
    var next = rows.lowerBound
    while next < rows.upperBound {
      let head = next / perHead
      let end = min(rows.upperBound, (head + 1) * perHead)
      try body(head, next - head * perHead..<end - head * perHead, next - rows.lowerBound)
      next = end
    }
  }
}
