// Weights stored in eight bits with a scale for every block of 128 × 128, as DeepSeek-V3 publishes them, are widened
// when they are read, or stay as they are for inference.
import Layers
import LowPrecision
import Tensors

extension Float8 {
  /// The format of stored numbers; nil for what is not one of these.
  init?(_ type: StoredType) {
    switch type {
    case .f8e4m3: self = .e4m3
    case .f8e5m2: self = .e5m2
    case .bool, .u8, .i8, .f8e8m0, .u16, .i16, .f16, .bf16, .u32, .i32, .f32, .u64, .i64, .f64, .c64: return nil
    }
  }
}

extension CheckpointWeights {
  /// Element (i, j) is its code's value times the scale at (i / 128, j / 128). The scales are called `_scale_inv`, yet
  /// they are multiplied. Matrices of E4M3 may stay as they are stored, in the mapping. Throws `CheckpointError` when
  /// there are no scales or they do not fit.
  func scaled(_ name: String, _ shape: Shape, _ format: Float8, _ role: ParameterRole) throws -> Tensor {
    let scaleName = "\(name)_scale_inv"
    guard has(scaleName) else {
      throw CheckpointError(
        files.directory, tensor: name, "has eight-bit numbers without scales; '\(scaleName)' was expected beside it")
    }
    guard shape.rank == 2 else {
      throw CheckpointError(
        files.directory, tensor: name, "has eight-bit numbers in the shape \(shape); only a matrix has blocks of scales"
      )
    }
    let grid = TileShape.block.grid(rows: shape[0], columns: shape[1])
    let scales = try scales(scaleName, [grid.rows, grid.columns])
    let bytes = try files.mappedBytes(of: name)
    if form == .stored, role == .matrix, format == .e4m3 {
      let storage = bytes.storage(alignedTo: 1, scales: scales.storage, on: device)
      return Tensor(shape: shape, dtype: .float8, device: device, storage: storage)
    }
    defer { bytes.advise(.unneeded) }
    let codes = Tensor(shape: shape, dtype: .uint8, device: device, storage: bytes.storage(alignedTo: 1, on: device))
    return QuantizedMatrix(codes: codes, scales: scales, tile: .block, format: format).dequantized()
  }

  /// Scales as float32, from any float or from eight-bit powers of two.
  private func scales(_ name: String, _ shape: Shape) throws -> Tensor {
    let entry = try files.entry(named: name)
    guard entry.type == .f8e8m0, entry.shape == shape.extents else {
      return try tensor(name, shape: shape, role: .scale)
    }
    let values = try files.withBytes(of: name) { $0.map { E8M0.value(of: $0) } }
    return Tensor(values, shape: shape, on: device)
  }
}
