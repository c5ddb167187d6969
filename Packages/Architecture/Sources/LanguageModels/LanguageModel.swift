// What a language model is to training and serving.
import Layers
import Tensors
import Text

/// A model that continues token sequences. A value: a snapshot is an assignment.
public protocol LanguageModel: Module {
  /// The width of a row of logits.
  var vocabularySize: Int { get }
  /// The longest sequence it can read.
  var contextLength: Int { get }
  /// Where the weights are, and where inputs are made.
  var device: Device { get }
  /// The published `config.json` that describes this model, as it should be written beside its weights.
  var configuration: [UInt8] { get }
  /// What the model computes in; float32 unless a run says otherwise. No part of its files.
  var precision: PrecisionMap { get set }

  /// The state after the last layer's norm, [tokens, width]. With a memory, each row continues its slot and the slot
  /// is extended by the row's tokens.
  func hiddenStates(_ batch: TokenBatch, memory: inout AttentionMemory?) -> Tensor
  /// What this model's choices of experts look like; nil for a model that chooses none.
  var expertLayout: ExpertLayout? { get }
  /// The same states, and the experts that every token of the batch went to, in `expertLayout`; nil when the model
  /// chooses none.
  func hiddenStatesAndExperts(
    _ batch: TokenBatch, memory: inout AttentionMemory?
  ) -> (hidden: Tensor, experts: ExpertChoices?)
  /// Logits [rows, vocabulary] of hidden states.
  func logits(_ hidden: Tensor) -> Tensor
  /// An empty memory for `slots` sequences of at most `capacity` tokens each.
  func makeMemory(slots: Int, capacity: Int, form: AttentionForm) -> AttentionMemory
  /// Everything that a training step needs from one forward pass.
  func trainingPass(_ batch: TokenBatch, targets: [Int32], _ options: TrainingOptions) -> TrainingPass
  /// Lets the model change what is not trained by gradients (the router's bias), once after each optimizer step.
  mutating func settle(_ observations: [RouterObservation], _ options: TrainingOptions)
  /// Whether the optimizer for hidden matrices should take this parameter (embeddings, heads, gates and norms: no).
  func isHiddenMatrix(_ name: String) -> Bool
}

extension LanguageModel {
  /// Logits [tokens, vocabulary] for every token of the batch, without a memory.
  public func callAsFunction(_ batch: TokenBatch) -> Tensor {
    var none: AttentionMemory?
    return logits(hiddenStates(batch, memory: &none))
  }
  /// None: a model without experts need not say so.
  public var expertLayout: ExpertLayout? { nil }
  /// States without experts.
  public func hiddenStatesAndExperts(
    _ batch: TokenBatch, memory: inout AttentionMemory?
  ) -> (hidden: Tensor, experts: ExpertChoices?) {
    (hiddenStates(batch, memory: &memory), nil)
  }
}

/// What a training pass does not keep for its gradient but computes once more on the way back. Results are equal bit
/// for bit.
public enum Recompute: String, Codable, Sendable, CaseIterable {
  /// Everything that the gradient reads is kept.
  case none
  /// What DeepSeek-V3 recomputes (sections 3.2.3 and 3.3.3): norms, the up-projections of attention and the output of
  /// SwiGLU; with them the rows that are gathered for experts. A family without such parts keeps everything.
  case published

  /// What a run recomputes that does not say: DeepSeek-V3's recipe is eight bits and recomputation together.
  public static func usual(in precision: Precision) -> Recompute { precision == .float8 ? .published : .none }
}

/// What the family adds to the next-token loss, and how it is computed.
public struct TrainingOptions: Sendable {
  /// λ: the weight of the multi-token-prediction loss; 0 leaves the module out of the pass.
  public var mtpLossWeight = 0.0
  /// α: the weight of the sequence-wise balance loss.
  public var balanceLossWeight = 0.0
  /// The weight of the loss that trains what chooses keys in sparse attention; 0 leaves it as it is.
  public var indexerLossWeight = 0.0
  /// γ: how far a router's bias moves after each step.
  public var biasUpdateRate = 0.0
  /// Memory for time.
  public var recompute = Recompute.none
  public init() {}
}

/// The result of one training forward pass.
public struct TrainingPass: Sendable {
  /// Log-probability of every target, [tokens], tracked; 0 where the target is −1.
  public var logProbabilities: Tensor
  /// Further losses, already weighted: a tracked scalar.
  public var auxiliaryLoss: Tensor?
  /// Scalars worth recording, by their usual names.
  public var figures: [String: Tensor]
  /// One for each routed layer; empty for a model without experts.
  public var observations: [RouterObservation]
  /// How the experts that the batch brought compare with the routers' own.
  public var replay = ReplayAgreement()
  public init(
    logProbabilities: Tensor, auxiliaryLoss: Tensor? = nil, figures: [String: Tensor] = [:],
    observations: [RouterObservation] = []
  ) {
    (self.logProbabilities, self.auxiliaryLoss) = (logProbabilities, auxiliaryLoss)
    (self.figures, self.observations) = (figures, observations)
  }
}

/// How many tokens each expert of one layer was given.
public struct RouterObservation: Sendable, Equatable {
  /// Counted from 0; a prediction module's layer comes after the last.
  public let layer: Int
  /// Tokens that each expert was given.
  public var counts: [Int]
  public init(layer: Int, counts: [Int]) { (self.layer, self.counts) = (layer, counts) }

  /// Observations of several passes of one step, added layer by layer.
  public static func sum(_ passes: [[RouterObservation]]) -> [RouterObservation] {
    var total: [Int: RouterObservation] = [:]
    for observation in passes.joined() {
      total[
        observation.layer,
        default: RouterObservation(layer: observation.layer, counts: observation.counts.map { _ in 0 })
      ]
      .add(observation.counts)
    }
    return total.values.sorted { $0.layer < $1.layer }
  }
  private mutating func add(_ more: [Int]) {
    for e in counts.indices { counts[e] += more[e] }
  }
  /// (max load − mean) / mean, the imbalance that the papers call MaxVio.
  public var maximumViolation: Double {
    let mean = Double(counts.reduce(0, +)) / Double(max(counts.count, 1))
    return mean == 0 ? 0 : (Double(counts.max() ?? 0) - mean) / mean
  }
}

extension LanguageModel {
  /// Throws `ModelError` unless every weight is float32: those in a stored form have no gradients and cannot be changed.
  public func requireTrainableWeights() throws {
    guard let first = parameters.first(where: { $0.tensor.dtype != .float32 }) else { return }
    throw ModelError(
      "\(first.name) is stored as \(first.tensor.dtype); only float32 weights are trained, so load the model with "
        + "weights widened to float32")
  }
}
