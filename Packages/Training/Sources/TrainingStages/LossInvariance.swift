// The same rows as one batch, in micro-batches, in another order, one by one: how a step is laid out must not change
// what it computes. Measured with the loss and the accumulation that `pretrain` trains with.
import Checkpoints
import Datasets
import LanguageModels
import Layers
import ProcessGraph
import Tensors

/// One way to compute a step: which rows go forward and back together, and in which order.
public struct RowArrangement: Sendable, Equatable {
  /// As a table says it: "4 micro-batches".
  public let name: String
  /// Rows by number. Every row stands in one part, once.
  public let parts: [[Int]]
  public init(_ name: String, parts: [[Int]]) { (self.name, self.parts) = (name, parts) }
}

/// What a step computes before any weight moves.
public struct StepMeasure: Sendable, Equatable {
  /// log p of every target, by row, wherever the row stood.
  public let logProbabilities: [[Float]]
  /// The step's loss, summed over its parts.
  public let loss: Double
  /// √Σ g² over all parameters.
  public let gradientNorm: Double
  /// SHA-256 over the names and bytes of all gradients.
  public let gradients: String
}

/// Lays rows out in every way and measures the step.
///
/// ```swift
/// let table = LossInvariance(rows, objective: settings.objective)
/// let reference = table.measure(model, table.arrangements[0])
/// for arrangement in table.arrangements.dropFirst() {
///   print(arrangement.name, StepDifference(reference, table.measure(model, arrangement)))
/// }
/// ```
public struct LossInvariance: Sendable {
  /// Token ids, at least two in each row.
  public let rows: [[Int32]]
  let options: TrainingOptions

  /// `objective` is the recipe's. Its balance loss is left out: it is a mean over the sequences of a part, so that by its
  /// definition it depends on the parts.
  public init(_ rows: [[Int32]], objective: ObjectiveSettings) {
    precondition(!rows.isEmpty, "LossInvariance: there are no rows; at least one is needed")
    precondition(rows.allSatisfy { $0.count >= 2 }, "LossInvariance: a row has fewer than two tokens and no target")
    var options = objective.options()
    options.balanceLossWeight = 0
    (self.rows, self.options) = (rows, options)
  }

  /// One batch first, which the others are held against: 2, 4 and 8 micro-batches where there are rows for them, the
  /// same in another order, and every row alone.
  public var arrangements: [RowArrangement] {
    var random = RandomStream(seed: 0, path: UInt64(rows.count))
    let own = Array(rows.indices)
    let counts = [1, 2, 4, 8].filter { $0 <= rows.count }
    func list(_ order: [Int], _ suffix: String) -> [RowArrangement] {
      counts.map { count in
        RowArrangement(
          (count == 1 ? "one batch" : "\(count) micro-batches") + suffix,
          parts: (0..<count).map { Array(order[$0 * order.count / count..<($0 + 1) * order.count / count]) })
      }
    }
    return list(own, "") + list(own.shuffled(using: &random), ", another order")
      + [RowArrangement("one by one", parts: own.map { [$0] })]
  }

  /// The step of `model` over the rows as `arrangement` lays them out. Nothing is updated.
  public func measure(_ model: any LanguageModel, _ arrangement: RowArrangement) -> StepMeasure {
    let whole = TrainingBatch(rows)
    var logProbabilities = [[Float]](repeating: [], count: rows.count)
    let sum = accumulate(model, parts: arrangement.parts) { model, numbers in
      let loss = Pretrain.loss(model, of: TrainingBatch(numbers.map { rows[$0] }), in: whole, options)
      var rest = loss.pass.logProbabilities.detached().floats()[...]
      for number in numbers {
        // A row's last token has no target.
        logProbabilities[number] = Array(rest.prefix(rows[number].count - 1))
        rest = rest.dropFirst(rows[number].count)
      }
      return loss
    }
    let gradients = sum.gradients ?? Gradients(byName: [:])
    return StepMeasure(
      logProbabilities: logProbabilities, loss: sum.loss, gradientNorm: gradients.norm(),
      gradients: gradients.fingerprint)
  }
}

/// How two measures of the same rows differ.
public struct StepDifference: Sendable, Equatable {
  /// Log-probabilities that were compared.
  public let tokens: Int
  /// Those that are not the same bits.
  public let differingTokens: Int
  /// |a − b| / |a|.
  public let loss: Double
  /// |a − b| / |a|.
  public let gradientNorm: Double
  /// Whether all gradients are the same bits.
  public let hasEqualGradients: Bool

  public init(_ a: StepMeasure, _ b: StepMeasure) {
    let (one, other) = (a.logProbabilities.joined().map(\.bitPattern), b.logProbabilities.joined().map(\.bitPattern))
    precondition(one.count == other.count, "StepDifference: \(one.count) and \(other.count) tokens; the rows differ")
    func apart(_ a: Double, _ b: Double) -> Double { a == b ? 0 : abs(a - b) / abs(a) }
    tokens = one.count
    differingTokens = zip(one, other).reduce(0) { $0 + ($1.0 == $1.1 ? 0 : 1) }
    loss = apart(a.loss, b.loss)
    gradientNorm = apart(a.gradientNorm, b.gradientNorm)
    hasEqualGradients = a.gradients == b.gradients
  }

  /// How far sums may be apart that are taken in another order, in float32.
  public static let tolerance = 1e-5

  /// What another arrangement promises: equal bits for every token, and sums within `tolerance`.
  public var isInvariant: Bool { differingTokens == 0 && loss <= Self.tolerance && gradientNorm <= Self.tolerance }
  /// What another number of threads promises: equal bits everywhere.
  public var isNone: Bool { differingTokens == 0 && loss == 0 && gradientNorm == 0 && hasEqualGradients }
}

extension PretrainSettings {
  /// The rows that the stage would train on first: those of as many batches as hold at least `count` of them.
  public func firstRows(of corpus: CorpusArtifact, atLeast count: Int) throws -> [[Int32]] {
    var batches = try PackedBatches(
      TokenFile(corpus.directory), packing: packing, sequenceLength: sequenceLength, batchTokens: batchTokens)
    var cursor = Cursor(seed: UInt64(bitPattern: Int64(seed)))
    var rows: [[Int32]] = []
    while rows.count < count { rows += batches.next(&cursor).rows }
    return rows
  }
}

extension Gradients {
  /// SHA-256 over names and bytes, in the order of the names.
  var fingerprint: String {
    var stream = FingerprintStream()
    for name in byName.keys.sorted() {
      stream.update(name)
      stream.update(byName[name]!.bytes())
    }
    return stream.finish()
  }
}
