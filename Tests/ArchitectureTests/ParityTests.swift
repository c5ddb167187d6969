// The models of every family against what transformers computes for the same files, and against themselves where two
// ways of running must agree to the last bit.
import CPUBackend
import DeepSeek
import Foundation
import LanguageModels
import Llama
import Plugins
import ReferenceBackend
import Tensors
import Testing
import Text

/// A directory of recorded answers, beside the tests.
func goldenDirectory(_ name: String) -> String {
  URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Goldens/\(name)").path
}

/// The largest distance of two elements; infinite when the counts differ or something is not a number.
func distance(_ a: [Float], _ b: [Float]) -> Float {
  guard a.count == b.count, !a.isEmpty else { return .infinity }
  return zip(a, b).reduce(0) { worst, pair in
    let distance = abs(pair.0 - pair.1)
    return distance.isNaN ? .infinity : max(worst, distance)
  }
}

/// How many elements differ in any bit; all of them when the counts differ.
private func differing(_ a: [Float], _ b: [Float]) -> Int {
  guard a.count == b.count, !a.isEmpty else { return max(a.count, b.count, 1) }
  return zip(a, b).count { $0.bitPattern != $1.bitPattern }
}

private let available = InstructionSet.allCases.filter(\.isAvailable)
/// Every recorded case.
let parityCases = [
  "v3", "v3-noqlora", "v3-yarn", "v3-1group", "v3-tied", "v3-bias", "v2", "v2-lite", "v2-yarn", "v32", "deepseek",
  "llama", "llama-linear", "llama3rope", "mistral", "qwen2", "qwen3",
]
private let cases = parityCases

/// One recorded case and its model.
private struct ParityCase {
  struct Reference: Decodable {
    let tokens: [Int]
    let logits: [[Float]]
    let greedy: [Int]
  }
  let reference: Reference
  let model: any LanguageModel
  var tokens: [TokenID] { reference.tokens.map { TokenID($0) } }

  init(_ name: String, on backend: some Backend) throws {
    let directory = goldenDirectory("parity/\(name)")
    let file = try Data(contentsOf: URL(fileURLWithPath: "\(directory)/reference.json"))
    reference = try JSONDecoder().decode(Reference.self, from: file)
    model = try ModelDirectory(directory).model(Registry([DeepSeekFamilies(), LlamaFamilies()]), on: Device(backend))
  }

  /// Logits of the tokens without a memory.
  func whole() -> [Float] { model(TokenBatch([tokens])).floats() }

  /// Logits of the tokens read through a memory in parts of these sizes, the last part taking what is left.
  func chunked(_ sizes: [Int], form: AttentionForm) -> [Float] {
    var memory: AttentionMemory? = model.makeMemory(slots: 2, capacity: model.contextLength, form: form)
    var (logits, first) = ([Float](), 0)
    for size in sizes + [tokens.count - sizes.reduce(0, +)] {
      let part = tokens[first..<first + size].map(\.rawValue)
      let batch = TokenBatch(tokens: part, rows: [.init(count: size, first: first, slot: 1)])
      logits += model.logits(model.hiddenStates(batch, memory: &memory)).floats()
      first += size
    }
    return logits
  }

  /// The likeliest tokens after the recorded ones, one at a time.
  func greedy(form: AttentionForm) -> [Int] {
    var memory: AttentionMemory? = model.makeMemory(slots: 3, capacity: model.contextLength, form: form)
    var (next, first, answer) = (tokens.map(\.rawValue), 0, [Int]())
    while answer.count < reference.greedy.count {
      let batch = TokenBatch(tokens: next, rows: [.init(count: next.count, first: first, slot: 2)])
      let logits = model.logits(model.hiddenStates(batch, memory: &memory)).floats().suffix(model.vocabularySize)
      let likeliest = logits.indices.max { logits[$0] < logits[$1] }! - logits.startIndex
      answer.append(likeliest)
      first += next.count
      next = [Int32(likeliest)]
    }
    return answer
  }

  /// Five rows of different lengths; row r repeats the recorded tokens from r on.
  var fiveRows: [[TokenID]] {
    [11, 1, 24, 5, 17].enumerated().map { r, count in Array(tokens[r..<r + min(count, tokens.count - r)]) }
  }

  /// Logits of each row: through a memory that holds each row in a slot of its own, or without one.
  func rows(_ sequences: [[TokenID]], slots: [Int], form: AttentionForm?) -> [[Float]] {
    var memory = form.map { model.makeMemory(slots: 5, capacity: 64, form: $0) }
    let batch = TokenBatch(
      tokens: sequences.flatMap { $0.map(\.rawValue) },
      rows: zip(sequences, slots).map { .init(count: $0.count, first: 0, slot: $1) })
    let logits = model.logits(model.hiddenStates(batch, memory: &memory)).floats()
    var start = 0
    return sequences.map { row in
      defer { start += row.count * model.vocabularySize }
      return Array(logits[start..<start + row.count * model.vocabularySize])
    }
  }
}

@Suite struct ParityTests {
  @Test(arguments: cases, available) func logitsEqualThoseOfTransformers(name: String, set: InstructionSet) throws {
    let parity = try ParityCase(name, on: CPUBackend(threads: 1, instructionSet: set))
    let worst = distance(parity.whole(), parity.reference.logits.flatMap { $0 })
    #expect(worst <= 2e-4)
  }

  @Test(arguments: cases) func logitsOfTheDefinitionsEqualThoseOfTransformers(name: String) throws {
    let parity = try ParityCase(name, on: ReferenceBackend())
    let worst = distance(parity.whole(), parity.reference.logits.flatMap { $0 })
    #expect(worst <= 2e-4)
  }

  @Test(arguments: cases, available)
  func bothFormsOfAttentionGoOnLikeTransformers(name: String, set: InstructionSet) throws {
    let parity = try ParityCase(name, on: CPUBackend(threads: 1, instructionSet: set))
    for form in AttentionForm.allCases {
      #expect(parity.greedy(form: form) == parity.reference.greedy, "\(form)")
      let worst = distance(parity.chunked([], form: form), parity.reference.logits.flatMap { $0 })
      #expect(worst <= 2e-4, "\(form)")
    }
  }

  @Test(arguments: cases, available)
  func textbookMemoryEqualsNoMemoryBitForBit(name: String, set: InstructionSet) throws {
    let parity = try ParityCase(name, on: CPUBackend(threads: 1, instructionSet: set))
    #expect(differing(parity.chunked([], form: .textbook), parity.whole()) == 0)
  }

  @Test(arguments: cases, available)
  func readingInPartsEqualsReadingAtOnceBitForBit(name: String, set: InstructionSet) throws {
    let parity = try ParityCase(name, on: CPUBackend(threads: 1, instructionSet: set))
    for form in AttentionForm.allCases {
      let atOnce = parity.chunked([], form: form)
      for sizes in [[1], [7, 1, 9], [16], Array(repeating: 1, count: parity.tokens.count - 1)] {
        #expect(differing(parity.chunked(sizes, form: form), atOnce) == 0, "\(form) in parts \(sizes)")
      }
    }
  }

  @Test(arguments: cases, available)
  func aRowAloneEqualsTheRowAmongFiveBitForBit(name: String, set: InstructionSet) throws {
    let parity = try ParityCase(name, on: CPUBackend(threads: 1, instructionSet: set))
    let sequences = parity.fiveRows
    let forms: [AttentionForm?] = [nil, .textbook, .absorbed]
    for form in forms {
      let together = parity.rows(sequences, slots: [3, 0, 4, 1, 2], form: form)
      for (r, sequence) in sequences.enumerated() {
        let alone = parity.rows([sequence], slots: [0], form: form)[0]
        #expect(differing(together[r], alone) == 0, "row \(r), \(form.map { "\($0) memory" } ?? "no memory")")
      }
    }
  }

  @Test(arguments: cases, available) func twoThreadsEqualOneBitForBit(name: String, set: InstructionSet) throws {
    let one = try ParityCase(name, on: CPUBackend(threads: 1, instructionSet: set))
    let two = try ParityCase(name, on: CPUBackend(threads: 2, instructionSet: set))
    #expect(differing(one.whole(), two.whole()) == 0)
    for form in AttentionForm.allCases {
      #expect(differing(one.chunked([9], form: form), two.chunked([9], form: form)) == 0, "\(form)")
    }
  }
}
