// The choice of keys: the largest scores, found without sorting, and dense attention while there is nothing to choose.
import CPUBackend
import Foundation
import LanguageModels
import Layers
import Plugins
import Tensors
import Testing
import Text

@testable import DeepSeek

@Suite struct LightningIndexerTests {
  /// The slower self: sorted by score, then by place.
  private func sorted(_ count: Int, of scores: [Float]) -> [Int32] {
    let order = scores.indices.sorted { a, b in
      let (x, y) = (scores[a].isNaN ? -Float.infinity : scores[a], scores[b].isNaN ? -Float.infinity : scores[b])
      if x == y && scores[a].isNaN != scores[b].isNaN { return scores[b].isNaN }
      return x == y ? a < b : x > y
    }
    return order.prefix(count).map { Int32($0) }.sorted()
  }

  @Test(arguments: [1, 2, 7, 64, 199, 200, 300]) func theLargestAreThoseOfASort(count: Int) {
    var random = RandomStream(seed: UInt64(count))
    let distinct = (0..<200).map { _ in random.uniform() * 2 - 1 }
    let tied = distinct.map { ($0 * 4).rounded() / 4 }  // a few values, −0 and 0 among them
    let odd = distinct.enumerated().map { i, x in
      i % 11 == 0 ? Float.nan : i % 13 == 0 ? .infinity : i % 17 == 0 ? -.infinity : x
    }
    for scores in [distinct, tied, odd, [Float](repeating: 0, count: 200), [Float](repeating: .nan, count: 200)] {
      #expect(LightningIndexer.largest(count, of: scores[...]) == sorted(min(count, 200), of: scores))
    }
  }

  /// A slice that does not begin at 0 counts from its own beginning.
  @Test func placesAreCountedFromTheSlice() {
    let scores: [Float] = [9, 9, 1, 5, 3, 4]
    #expect(LightningIndexer.largest(2, of: scores[2...]) == [1, 3])
  }

  private func model(_ mostKeys: Int) throws -> any LanguageModel {
    let directory = ModelDirectory(goldenDirectory("parity/v32"))
    let text = String(decoding: try directory.configuration(), as: UTF8.self)
    let changed = text.replacingOccurrences(of: "\"index_topk\": 8", with: "\"index_topk\": \(mostKeys)")
    #expect(mostKeys == 8 || changed != text)
    let device = Device(CPUBackend(threads: 2))
    let family = try directory.family(Registry([DeepSeekFamilies()]))
    return try family.build(
      Array(changed.utf8), Weights(FreshWeights(seed: 3, standardDeviation: 0.4, on: device)), device)
  }

  @Test func aContextUpToTheLimitIsDense() throws {
    let tokens = (0..<30).map { TokenID($0 * 11 % 64) }
    let (few, all, more) = (try model(8), try model(30), try model(4000))
    let dense = all(TokenBatch([tokens])).floats()
    #expect(more(TokenBatch([tokens])).floats() == dense)
    let chosen = few(TokenBatch([tokens])).floats()
    let width = few.vocabularySize
    #expect(Array(chosen[..<(8 * width)]) == Array(dense[..<(8 * width)]), "eight keys and fewer are all of them")
    #expect(distance(Array(chosen[(9 * width)...]), Array(dense[(9 * width)...])) > 1e-3, "later ones choose")
  }

  @Test func aMemoryKeepsKeysToChooseByOnlyWhereThereIsAChoice() throws {
    let model = try model(8)
    #expect(model.makeMemory(slots: 1, capacity: 9, form: .absorbed).layers[0].map { $0.shape[1] } == [10, 8, 12])
    #expect(model.makeMemory(slots: 1, capacity: 8, form: .absorbed).layers[0].map { $0.shape[1] } == [10, 8])
  }
}
