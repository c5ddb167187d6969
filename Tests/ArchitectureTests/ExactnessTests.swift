// One sequence in every company: alone, among sixty-four, in parts, token by token, on one thread and on two. Its
// logits are the same bits in each form of attention, and the forms are close to each other.
import CPUBackend
import DeepSeek
import LanguageModels
import Layers
import Tensors
import Testing
import Text

/// A batch of sixty-four sequences of one to forty tokens, and a model to read them.
private struct Crowd {
  static let capacity = 64
  /// The one that is looked at, with the longest of its sequences.
  static let place = 37
  let model: DeepSeekV3Model
  let sequences: [[Int32]]
  var tokens: [Int32] { sequences[Self.place] }

  init(threads: Int) throws {
    let device = Device(CPUBackend(threads: threads))
    let configuration = try ModelDirectory(goldenDirectory("v3-training")).configuration()
    let weights = FreshWeights(seed: 12, standardDeviation: 0.2, on: device)
    model = try DeepSeekV3Model(configuration, from: Weights(weights), on: device)
    var random = RandomStream(seed: 13)
    sequences = (0..<64).map { row in
      let count = row == Self.place ? 40 : 1 + Int(random.next() % 39)
      return (0..<count).map { _ in Int32(random.next() % 97) }
    }
  }

  /// Logits of the one, read in parts of these sizes, the last part taking what is left. In company, all others are
  /// read beside its first part, and go on by one token, the first of their own, beside each of the next.
  func logits(_ form: AttentionForm?, parts: [Int] = [], inCompany: Bool) -> [Float] {
    precondition(form != nil || parts.isEmpty, "without a memory a sequence is read at once")
    var memory = form.map { model.makeMemory(slots: 64, capacity: Self.capacity, form: $0) }
    var (read, step, found) = (0, 0, [Float]())
    for size in parts + [tokens.count - parts.reduce(0, +)] {
      var (all, rows, start) = ([Int32](), [TokenBatch.Row](), 0)
      for (slot, sequence) in sequences.enumerated() where inCompany || slot == Self.place {
        if slot == Self.place {
          start = all.count
          all += tokens[read..<read + size]
          rows.append(.init(count: size, first: read, slot: slot))
        } else if step == 0 {
          all += sequence
          rows.append(.init(count: sequence.count, slot: slot))
        } else if sequence.count + step <= Self.capacity {
          all.append(sequence[0])
          rows.append(.init(count: 1, first: sequence.count + step - 1, slot: slot))
        }
      }
      let hidden = model.hiddenStates(TokenBatch(tokens: all, rows: rows), memory: &memory)
      found += model.logits(hidden.slice(start..<start + size, axis: 0)).floats()
      (read, step) = (read + size, step + 1)
    }
    return found
  }
}

@Suite struct ExactnessTests {
  private static let cuts: [[Int]] = [[], [1], [7, 1, 9], [16, 16], Array(repeating: 1, count: 39)]

  @Test(arguments: AttentionForm.allCases, [1, 2])
  func aSequenceHasTheSameLogitsInEveryCompany(form: AttentionForm, threads: Int) throws {
    let wanted = try Crowd(threads: 1).logits(form, inCompany: false).map(\.bitPattern)
    #expect(wanted.count == 40 * 97 && Set(wanted).count > 3000, "the numbers compared are not all the same")
    let crowd = try Crowd(threads: threads)
    for inCompany in [false, true] {
      for parts in Self.cuts {
        let found = crowd.logits(form, parts: parts, inCompany: inCompany).map(\.bitPattern)
        #expect(found == wanted, "in parts \(parts), \(inCompany ? "among 64" : "alone")")
      }
      guard form == .textbook else { continue }
      let found = crowd.logits(nil, inCompany: inCompany).map(\.bitPattern)
      #expect(found == wanted, "without a memory, \(inCompany ? "among 64" : "alone")")
    }
  }

  /// Not equal: were they, the comparison above would not tell the forms apart.
  @Test func theAbsorbedFormIsCloseToTheTextbookForm() throws {
    let crowd = try Crowd(threads: 1)
    let textbook = crowd.logits(.textbook, inCompany: true)
    let absorbed = crowd.logits(.absorbed, inCompany: true)
    let largest = textbook.map(abs).max() ?? 0
    let worst = distance(textbook, absorbed)
    #expect(worst > 0 && worst <= 1e-5 * largest, "\(worst) of \(largest)")
  }
}
