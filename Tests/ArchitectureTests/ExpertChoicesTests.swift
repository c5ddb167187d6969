// Choices of experts survive being kept small, cut and joined, and a model reports those that torch chose.
import CPUBackend
import DeepSeek
import Foundation
import LanguageModels
import Plugins
import Tensors
import Testing
import Text

@Suite struct ExpertChoicesTests {
  private func random(_ layout: ExpertLayout, tokens: Int, seed: UInt64) -> [[Int32]] {
    var random = RandomStream(seed: seed)
    return (0..<layout.layers).map { _ in
      (0..<tokens * layout.chosen).map { _ in Int32(random.next() % UInt64(layout.experts)) }
    }
  }
  private func choices(_ layout: ExpertLayout, _ layers: [[Int32]]) -> ExpertChoices {
    var choices = ExpertChoices(layout, tokens: layers[0].count / layout.chosen)
    for (layer, experts) in layers.enumerated() { choices.write(experts, layer: layer) }
    return choices
  }

  @Test(arguments: [1, 4, 256, 257, 65_536, 70_000])
  func whatIsWrittenIsReadAndCutAndJoined(experts: Int) {
    let layout = ExpertLayout(layers: 3, chosen: 2, experts: experts)
    var layers = random(layout, tokens: 11, seed: 1)
    layers[2][5] = Int32(experts - 1)
    let whole = choices(layout, layers)
    #expect((0..<3).map { whole.experts(layer: $0) } == layers)
    #expect(whole.byteCount == 11 * layout.tokenBytes)
    #expect(layout.tokenBytes == 6 * (experts <= 256 ? 1 : experts <= 65_536 ? 2 : 4))
    for cut in [0, 1, 6, 11] {
      var (front, back) = (whole[0..<cut], whole[cut..<11])
      #expect(front.tokens == cut && back.tokens == 11 - cut)
      #expect(back.experts(layer: 1) == Array(layers[1][(2 * cut)...]))
      front.append(back)
      #expect(front == whole)
      if cut > 0, cut < 11, experts > 4 {
        back.append(whole[0..<cut])
        #expect(back != whole, "another order is another sequence")
      }
    }
  }

  /// 8 of 256 experts in 58 of 61 layers.
  @Test func aTokenOfDeepSeekV3Takes464Bytes() {
    #expect(ExpertLayout(layers: 58, chosen: 8, experts: 256).tokenBytes == 464)
  }

  private struct Golden: Decodable {
    let batches: [[[Int32]]]
    /// Chosen experts of every token, in ascending order, by layer.
    let experts: [String: [[Int32]]]
  }

  @Test(arguments: [nil, .textbook, .absorbed] as [AttentionForm?])
  func aModelReportsTheExpertsThatTorchChose(form: AttentionForm?) throws {
    let directory = goldenDirectory("v3-training")
    let golden = try JSONDecoder().decode(
      Golden.self, from: Data(contentsOf: URL(fileURLWithPath: "\(directory)/training.json")))
    let model = try ModelDirectory(directory).model(
      Registry([DeepSeekFamilies()]), on: Device(CPUBackend(threads: 1)))
    let layout = try #require(model.expertLayout)
    #expect(layout == ExpertLayout(layers: 2, chosen: 3, experts: 8))
    var memory = form.map { model.makeMemory(slots: 2, capacity: 32, form: $0) }
    let rows = golden.batches[0]
    let batch = TokenBatch(
      tokens: rows.flatMap { $0 }, rows: rows.enumerated().map { .init(count: $1.count, slot: $0) })
    let found = try #require(model.hiddenStatesAndExperts(batch, memory: &memory).experts)
    #expect(found.tokens == 40)
    for (layer, name) in ["1", "2"].enumerated() {
      let experts = found.experts(layer: layer)
      let sets = stride(from: 0, to: experts.count, by: 3).map { experts[$0..<$0 + 3].sorted() }
      #expect(sets == golden.experts[name], "layer \(name)")
    }
    var again = form.map { model.makeMemory(slots: 2, capacity: 32, form: $0) }
    let plain = model.hiddenStates(batch, memory: &again)
    var once = form.map { model.makeMemory(slots: 2, capacity: 32, form: $0) }
    #expect(plain.floats() == model.hiddenStatesAndExperts(batch, memory: &once).hidden.floats())
  }
}
