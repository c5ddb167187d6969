// What a matrix becomes when it is stored as E4M3 codes with a scale for every tile, in primitives: the meaning of
// products in eight bits. The codes themselves are another module's.

extension Tensor {
  /// The numbers of the codes of tiles of `tileRows` × 128; the tiles at the edges are partial.
  /// scale = the tile's largest magnitude / 448, and each number is the nearest that E4M3 has to number / scale, times
  /// scale.
  func throughE4M3(tileRows: Int) -> Tensor {
    let (rows, columns, width) = (shape[0], shape[1], 128)
    if rows * columns == 0 { return self }
    let (down, across) = ((rows + tileRows - 1) / tileRows, (columns + width - 1) / width)
    let whole = padded(axis: 0, before: 0, after: down * tileRows - rows)
      .padded(axis: 1, before: 0, after: across * width - columns)
    let tiles = whole.reshaped([down, tileRows, across, width]).transposed([0, 2, 1, 3])
      .reshaped([down * across, tileRows * width])
    let magnitude = tiles.maximum(-tiles)
    let floor = Tensor(repeating: 1e-4, shape: [down * across, 1], on: device)
    let largest = Tensor(repeating: 448, shape: [down * across, 1], on: device)
    let scale = (magnitude.max(axis: 1).maximum(floor) / largest).broadcast(to: tiles.shape)
    let rounded = (tiles / scale).roundedToE4M3() * scale
    return rounded.reshaped([down, across, tileRows, width]).transposed([0, 2, 1, 3])
      .reshaped([down * tileRows, across * width]).slice(0..<rows, axis: 0).slice(0..<columns, axis: 1)
  }

  /// The nearest number with four significant bits, or below 2^-6 the nearest multiple of 2^-9. Magnitudes are at most
  /// 448. Adding and taking away a large number rounds at its last place (Veltkamp's splitting for the four bits).
  private func roundedToE4M3() -> Tensor {
    let split = self * Float(0x1p20 + 1)
    let (normal, small) = (split - (split - self), (self + 24_576) + -24_576)
    let magnitude = maximum(-self)
    let isSmall = magnitude.isLess(than: Tensor(repeating: 0x1p-6, shape: shape, on: device))
    return small.selected(by: isSmall, else: normal)
  }
}
