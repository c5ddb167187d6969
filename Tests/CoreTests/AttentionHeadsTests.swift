// Decoding takes the heads of a query together; every bit is that of one head after another.
import CKernels
import CPUBackend
import Tensors
import Testing

/// The extents of one case. A key step of 0 shares the key among heads, a value step of 0 the value.
struct HeadsCase: Sendable, CustomTestStringConvertible {
  let heads, d1, d2, dv, keyStep, valueOffset, valueStep: Int
  var width: Int { max(heads * keyStep, valueOffset + heads * valueStep, d1, valueOffset + dv) }
  var testDescription: String { "\(heads) heads of \(d1) + \(d2) and \(dv), steps \(keyStep) and \(valueStep)" }

  static let all = [
    HeadsCase(heads: 4, d1: 16, d2: 16, dv: 32, keyStep: 48, valueOffset: 16, valueStep: 48),
    HeadsCase(heads: 9, d1: 24, d2: 8, dv: 24, keyStep: 0, valueOffset: 0, valueStep: 0),
    HeadsCase(heads: 3, d1: 5, d2: 4, dv: 7, keyStep: 12, valueOffset: 5, valueStep: 12),
    HeadsCase(heads: 7, d1: 9, d2: 0, dv: 33, keyStep: 42, valueOffset: 9, valueStep: 42),
    HeadsCase(heads: 1, d1: 64, d2: 16, dv: 64, keyStep: 0, valueOffset: 0, valueStep: 0),
    HeadsCase(heads: 2, d1: 32, d2: 8, dv: 48, keyStep: 0, valueOffset: 32, valueStep: 48),
  ]
}

@Suite struct AttentionHeadsTests {
  @Test(arguments: HeadsCase.all)
  func headsTogetherAreTheBitsOfOneAfterAnother(_ c: HeadsCase) {
    for keys in [1, 2, 7, 8, 16, 63, 64, 65, 127, 128, 129, 150] {
      let (q, kv) = (Floats(numbers(c.heads * (c.d1 + c.d2), seed: 1)), Floats(numbers(keys * c.width, seed: 2)))
      let shared = Floats(numbers(max(1, keys * c.d2), seed: 3))
      for (set, table) in availableKernels() {
        let kernels = table.attention.pointee
        var call = ck_attention(
          q: q.pointer, q_stride: q.count, k1: kv.pointer, k1_stride: c.width, k2: shared.pointer, k2_stride: c.d2,
          v: kv.pointer + c.valueOffset, v_stride: c.width, queries: 1, first: keys - 1, d1: c.d1, d2: c.d2, dv: c.dv,
          scale: 0.3)
        let scratch = Storage.host(byteCount: ck_attention_scratch(1, keys, c.d1, c.d2, c.dv) * 4)
        let (wanted, wantedSums) = (Floats(count: c.heads * c.dv), Floats(count: c.heads))
        for head in 0..<c.heads {
          var one = call
          one.q += head * (c.d1 + c.d2)
          one.k1 += head * c.keyStep
          one.v += head * c.valueStep
          kernels.forward(
            &one, wanted.pointer + head * c.dv, c.dv, wantedSums.pointer + head, 1,
            scratch.address.assumingMemoryBound(to: Float.self))
        }
        let (found, foundSums) = (Floats(count: c.heads * c.dv), Floats(count: c.heads))
        let room = Floats(count: ck_attention_heads_scratch(c.heads, keys, c.d1, c.d2, c.dv))
        var steps = ck_head_steps(
          heads: c.heads, q: c.d1 + c.d2, k1: c.keyStep, v: c.valueStep, out: c.dv)
        var next = call
        kernels.forward_heads(&call, &steps, &next, found.pointer, foundSums.pointer, room.pointer)
        #expect(found.values.map(\.bitPattern) == wanted.values.map(\.bitPattern), "\(set), \(keys) keys")
        #expect(foundSums.values.map(\.bitPattern) == wantedSums.values.map(\.bitPattern), "\(set), \(keys) keys")
        #expect(found.isIntact && foundSums.isIntact && room.isIntact, "\(set) writes outside, \(keys) keys")
      }
    }
  }

  /// Few sequences are cut into ranges of heads, many go several to a chunk, and longer ones stand between them.
  @Test(arguments: [1, 2, 3, 7, 40])
  func aSequenceThatIsContinuedIsTheSameAmongOthersOnAnyNumberOfThreads(count: Int) {
    let (heads, capacity) = (5, 70)
    var rows: [AttentionRow] = []
    for i in 0..<count {
      let queries = i % 6 == 5 ? 3 : 1
      let start = rows.last.map { $0.queryStart + $0.queryCount } ?? 0
      rows.append(
        AttentionRow(queryStart: start, queryCount: queries, first: i * 37 % 67, keyStart: i * capacity))
    }
    let queries = rows.reduce(0) { $0 + $1.queryCount }
    func attend(_ rows: [AttentionRow], _ q: Tensor, _ device: Device) -> [UInt32] {
      CausalAttention(
        heads: heads, d1: 12, d2: 8, dv: 20, keyStride: 32, valueOffset: 12, valueStride: 32, scale: 0.2, rows: rows)(
          q, Operand.random([count * capacity, heads * 32], seed: 2).tensor(on: device),
          Operand.random([count * capacity, 8], seed: 3).tensor(on: device)
        ).floats().map(\.bitPattern)
    }
    for threads in [1, 2, 3] {
      let device = Device(CPUBackend(threads: threads))
      let q = Operand.random([queries, heads * 20], seed: 1).tensor(on: device)
      let together = attend(rows, q, device)
      for row in rows {
        var alone = row
        alone.queryStart = 0
        let range = row.queryStart..<row.queryStart + row.queryCount
        let found = attend([alone], q.slice(range, axis: 0), device)
        #expect(
          found == Array(together[range.lowerBound * heads * 20..<range.upperBound * heads * 20]),
          "\(threads) threads, \(row)")
      }
    }
  }
}
