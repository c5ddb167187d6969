// How a step is laid out changes no log-probability, and its sums in their last digits only; what does change, shows.
import CPUBackend
import DeepSeek
import Foundation
import LanguageModels
import ProcessGraph
import Tensors
import Testing

@testable import TrainingStages

@Suite struct LossInvarianceTests {
  private static let vocabulary = 120
  private let objective = ObjectiveSettings(mtpLossWeight: 0.3, balanceLossWeight: 0.01, biasUpdateRate: 0.001)

  /// Rows of 2 to 33 tokens.
  private func rows(_ count: Int, seed: UInt64 = 5) -> [[Int32]] {
    var random = RandomStream(seed: seed)
    return (0..<count).map { _ in
      (0..<random.number(in: 2..<34)).map { _ in Int32(random.number(in: 0..<Self.vocabulary)) }
    }
  }
  private func model(threads: Int) throws -> DeepSeekV3Model {
    try TinyModel.fresh(vocabulary: Self.vocabulary, seed: 8, on: Device(CPUBackend(threads: threads)))
  }

  @Test(arguments: [8, 13]) func everyArrangementComputesTheSameStep(count: Int) throws {
    let (table, model) = (LossInvariance(rows(count), objective: objective), try model(threads: 2))
    let reference = table.measure(model, table.arrangements[0])
    #expect(reference.logProbabilities.map(\.count) == table.rows.map { $0.count - 1 })
    #expect(Set(reference.logProbabilities.joined()).count > 50, "the numbers compared are not all the same")
    var names: Set<String> = []
    for arrangement in table.arrangements.dropFirst() {
      let difference = StepDifference(reference, table.measure(model, arrangement))
      #expect(difference.tokens == table.rows.reduce(0) { $0 + $1.count - 1 })
      #expect(difference.differingTokens == 0, "\(arrangement.name)")
      #expect(difference.loss <= 1e-5 && difference.gradientNorm <= 1e-5, "\(arrangement.name): \(difference)")
      #expect(difference.isInvariant)
      names.insert(arrangement.name)
    }
    #expect(names.count == 8)
  }

  /// The step's loss without the family's own is the mean of −log p, here summed in double precision.
  @Test func theLossIsTheMeanOfItsTargets() throws {
    let (table, model) = (LossInvariance(rows(11), objective: ObjectiveSettings()), try model(threads: 1))
    for arrangement in table.arrangements {
      let measure = table.measure(model, arrangement)
      let targets = measure.logProbabilities.joined().map(Double.init)
      let mean = -targets.reduce(0, +) / Double(targets.count)
      #expect(mean > 1 && abs(measure.loss - mean) <= 1e-5 * mean, "\(arrangement.name): \(measure.loss), \(mean)")
    }
  }

  @Test(arguments: 1...17) func arrangementsHoldEveryRowOnce(count: Int) {
    let arrangements = LossInvariance(rows(count), objective: objective).arrangements
    #expect(arrangements[0].parts == [Array(0..<count)])
    for arrangement in arrangements {
      #expect(arrangement.parts.joined().sorted() == Array(0..<count), "\(arrangement)")
      #expect(arrangement.parts.allSatisfy { !$0.isEmpty })
    }
    let sizes = [1, 2, 4, 8].filter { $0 <= count }
    #expect(arrangements.map(\.parts.count) == sizes + sizes + [count])
    if count >= 8 { #expect(arrangements[4].parts != arrangements[0].parts, "another order is another") }
  }

  @Test func threadsChangeNoBitOfAStep() throws {
    let table = LossInvariance(rows(12), objective: objective)
    let measures = try [1, 2, 3].map { table.measure(try model(threads: $0), table.arrangements[0]) }
    #expect(measures[0] == measures[1] && measures[0] == measures[2])
    #expect(StepDifference(measures[0], measures[1]).isNone)
  }

  /// A row that is left out, another model, another order of sums: each is seen by the comparison that must see it.
  @Test func whatDiffersIsSeen() throws {
    let (table, model) = (LossInvariance(rows(9), objective: objective), try model(threads: 2))
    let reference = table.measure(model, table.arrangements[0])
    let reordered = StepDifference(reference, table.measure(model, table.arrangements[3]))
    #expect(reordered.isInvariant && !reordered.isNone && !reordered.hasEqualGradients)
    var other = table.rows
    other[4][0] = (other[4][0] + 1) % Int32(Self.vocabulary)
    let changed = LossInvariance(other, objective: objective)
    let difference = StepDifference(reference, changed.measure(model, table.arrangements[0]))
    #expect((1..<other[4].count).contains(difference.differingTokens) && !difference.isInvariant, "\(difference)")
    let stranger = try TinyModel.fresh(vocabulary: Self.vocabulary, seed: 9, on: model.device)
    #expect(StepDifference(reference, table.measure(stranger, table.arrangements[0])).differingTokens > 50)
    let nowhere = StepMeasure(
      logProbabilities: reference.logProbabilities, loss: .nan, gradientNorm: .nan, gradients: "")
    #expect(!StepDifference(reference, nowhere).isInvariant && !StepDifference(nowhere, nowhere).isInvariant)
  }

  @Test func theFirstRowsAreThoseOfTheFirstBatches() async throws {
    let shop = try Workshop()
    defer { shop.remove() }
    let corpus = try await shop.letters()
    var settings = PretrainSettings()
    (settings.batchTokens, settings.sequenceLength, settings.seed) = (24, 24, 3)
    let few = try settings.firstRows(of: corpus, atLeast: 1)
    let many = try settings.firstRows(of: corpus, atLeast: 20)
    #expect((20...30).contains(many.count) && Array(many.prefix(few.count)) == few)
    #expect(few.reduce(0) { $0 + $1.count } <= 24 && !few.isEmpty)
    settings.seed = 4
    #expect(try settings.firstRows(of: corpus, atLeast: 20) != many)
  }
}
