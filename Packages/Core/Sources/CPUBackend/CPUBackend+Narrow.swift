// Weights of sixteen bits, and of eight with scales, as linear maps in float32 read them: never widened as a whole.
import CKernels
import Tensors

extension DType {
  /// The kernels' name of numbers that products read as they are stored; nil for others.
  var narrow: ck_narrow? {
    switch self {
    case .bfloat16: CK_NARROW_BF16
    case .float16: CK_NARROW_F16
    case .float8: CK_NARROW_E4M3
    case .float32, .int32, .uint8, .q8_0, .q4_0, .q4_1, .q5_0, .q5_1, .q2_K, .q3_K, .q4_K, .q5_K, .q6_K: nil
    }
  }
}

extension CPUBackend {
  /// The transpose of a weight [N, K] as a right operand, packed once for its contents where the limit allows it. Nil for
  /// other dtypes, and for eight-bit floats that must be widened.
  func narrowMatrix(_ weight: Tensor, isExpert: Bool = false) -> NarrowMatrix? {
    guard weight.dtype.narrow != nil, isPlain(weight) else { return nil }
    let whole = operand(weight, rows: 0..<weight.shape[0], isTransposed: true)
    let storage = packed(weight, "packed-narrow", weight.shape.extents, [whole], isExpert: isExpert)
    return NarrowMatrix(weight: whole, stored: weight.storage, packed: storage)
  }

  func narrowTask(
    _ part: Part, _ x: Tensor, _ y: UnsafeMutablePointer<Float>, _ width: Int, _ b: NarrowMatrix
  ) -> NarrowTask {
    NarrowTask(
      c: y + part.rows.lowerBound * width + part.column, cStride: width,
      a: x.pointer + part.rows.lowerBound * x.shape[1], aStride: x.shape[1], rows: part.rows.count, b: b)
  }

  /// Each head's slice of x by its rows of W, which are packed together. Widened where scales do not fit the heads.
  func headwiseNarrow(_ operation: HeadwiseProduct, _ x: Tensor, _ w: Tensor) -> Outcome? {
    let (heads, rowsOfHead) = (operation.heads, w.shape[0] / operation.heads)
    let (k, n) = operation.extents(w)
    let firsts = (0..<heads).map { $0 * rowsOfHead + operation.offset }
    let tile = DType.scaleTile
    let fits = firsts.allSatisfy { $0 % tile == 0 || $0 % tile + operation.width <= tile }
    guard isPlain(w), w.dtype != .float8 || operation.isTransposed || fits else {
      return headwise(operation, [x, widened(w)])
    }
    let parts = firsts.map { operand(w, rows: $0..<$0 + operation.width, isTransposed: operation.isTransposed) }
    let extents = [heads, operation.offset, operation.width, operation.isTransposed ? 1 : 0]
    let storage = packed(w, "packed-narrow-heads", extents, parts, isExpert: false)
    let output = make([x.shape[0], heads * n], on: x.device) { y in
      run(
        parts.enumerated().map { head, part in
          var b = NarrowMatrix(weight: part, stored: w.storage, packed: storage)
          b.start = head * b.panels * b.panelBytes
          return NarrowTask(
            c: y + head * n, cStride: heads * n, a: x.pointer + head * k, aStride: heads * k, rows: x.shape[0], b: b)
        })
    }
    return Outcome(output) { g in headwise(operation, [x, widened(w)])?.pullback(g) ?? [nil, nil] }
  }

  /// All of a weight as float32, made once for its contents and kept beside them.
  private func widened(_ weight: Tensor) -> Tensor {
    let storage = weight.storage.derived(DerivedLayout("widened", weight.shape.extents)) {
      weight.cast(to: .float32).storage
    }
    return Tensor(shape: weight.shape, device: weight.device, storage: storage)
  }

  /// Rows of a weight as a right operand: as they are, or their transpose.
  private func operand(_ weight: Tensor, rows: Range<Int>, isTransposed: Bool) -> ck_narrow_weight {
    guard let form = weight.dtype.narrow else { preconditionFailure("matrix product: \(weight.dtype) is not narrow") }
    let width = weight.shape[1]
    return ck_narrow_weight(
      form: form, numbers: UnsafeRawPointer(weight.storage.address + rows.lowerBound * width * weight.dtype.blockBytes),
      ld: width, scales: weight.storage.scales.map { UnsafePointer($0.floats) },
      ld_scales: (width + DType.scaleTile - 1) / DType.scaleTile, first_row: rows.lowerBound,
      transposed: isTransposed ? 1 : 0, k: isTransposed ? width : rows.count, n: isTransposed ? rows.count : width)
  }

  /// The panels of equal parts of a weight, one part after another; nil where the limit is reached.
  private func packed(
    _ weight: Tensor, _ name: String, _ extents: [Int], _ parts: [ck_narrow_weight], isExpert: Bool
  ) -> Storage? {
    weight.storage.derivedIfMade(DerivedLayout(name, extents)) {
      let (k, n) = (parts[0].k, parts[0].n)
      let (panels, panelBytes) = (panelCount(n), ck_narrow_panel_bytes(parts[0].form, k))
      let bytes = parts.count * panels * panelBytes
      guard let storage = allocatePacked(byteCount: bytes, isExpert: isExpert) else { return nil }
      weight.storage.advise(.needed)
      forEachPanels(parts.count * panels, k: k) { range in
        for i in range {
          var part = parts[i / panels]
          let place = (storage.address + i * panelBytes).assumingMemoryBound(to: UInt32.self)
          ck_narrow_pack(place, &part, i % panels, i % panels + 1)
        }
      }
      weight.storage.advise(.unneeded)
      return storage
    }
  }

  /// Whether codes and scales can be multiplied as they are; found out once.
  private func isPlain(_ weight: Tensor) -> Bool {
    guard weight.dtype == .float8, let scales = weight.storage.scales else { return weight.dtype != .float8 }
    let found = weight.storage.derived(DerivedLayout("plain-codes", weight.shape.extents)) {
      let (codes, count) = (weight.storage.codes, weight.shape.count)
      let parts = max(1, min(count / 65_536, 4 * threads))
      let answers = allocate(byteCount: parts)
      pool.forEach(parts) { i in
        let start = count * i / parts
        answers.codes[i] = UInt8(ck_narrow_codes_are_plain(codes + start, count * (i + 1) / parts - start))
      }
      let isPlain =
        ck_narrow_scales_are_plain(scales.floats, scales.byteCount / 4) != 0
        && (0..<parts).allSatisfy { answers.codes[$0] != 0 }
      return Storage.host(byteCount: isPlain ? 1 : 0)
    }
    return found.byteCount == 1
  }
}
