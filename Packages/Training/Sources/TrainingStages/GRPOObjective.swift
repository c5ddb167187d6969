// The mathematics of GRPO (Shao et al. 2024, section 4.1), apart from where answers come from.
import Datasets
import LanguageModels
import Tensors
import Text

/// A_i = (r_i − mean r) / (std r + 10⁻⁴) within a group, with the sample standard deviation; without scaling, r_i − mean r.
/// Equal rewards give exactly 0, whatever the rounding of their mean. A reward of nil (nobody judged the answer) takes no part and has no advantage.
public func groupRelativeAdvantages(_ rewards: [Double?], isScaled: Bool = true) -> [Double?] {
  let known = rewards.compactMap { $0 }
  guard let first = known.first else { return rewards }
  if known.allSatisfy({ $0 == first }) { return rewards.map { $0.map { _ in 0 } } }
  let mean = known.reduce(0, +) / Double(known.count)
  let variance = known.count > 1 ? known.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(known.count - 1) : 0
  let scale = isScaled ? 1 / (variance.squareRoot() + 1e-4) : 1
  return rewards.map { $0.map { ($0 - mean) * scale } }
}

/// One judged answer on its way into the loss.
struct JudgedAnswer: Sendable {
  let prompt: [TokenID]
  let answer: [TokenID]
  let advantage: Double
  /// log π_old of each answer token, as it was sampled.
  let sampled: [Float]
  /// log π_ref of each answer token; empty when no reference is run.
  var reference: [Float] = []
  /// The experts of prompt and answer without its last token, as they were sampled; nil to let the routers choose.
  var experts: ExpertChoices?
}

/// Some answers as one batch, with what the loss needs for every token. Tokens of the prompt have weight 0.
struct PolicyBatch: Sendable {
  let batch: TokenBatch
  let targets: [Int32]
  let advantages: [Float]
  let weights: [Float]
  let sampled: [Float]
  let reference: [Float]

  /// `weight` gives the weight of each token of an answer. Without `replaysExperts` the routers choose.
  init(_ answers: [JudgedAnswer], replaysExperts: Bool = true, weight: (JudgedAnswer) -> Double) {
    var (tokens, rows, targets) = ([Int32](), [TokenBatch.Row](), [Int32]())
    var (advantages, weights, sampled, reference) = ([Float](), [Float](), [Float](), [Float]())
    for answer in answers {
      let whole = answer.prompt + answer.answer.dropLast()
      tokens += whole.map(\.rawValue)
      rows.append(.init(count: whole.count))
      let silent = answer.prompt.count - 1
      targets += [Int32](repeating: -1, count: silent) + answer.answer.map(\.rawValue)
      let own = Float(weight(answer))
      weights += [Float](repeating: 0, count: silent) + answer.answer.map { _ in own }
      advantages += [Float](repeating: Float(answer.advantage), count: whole.count)
      sampled += [Float](repeating: 0, count: silent) + answer.sampled
      let anchors = answer.reference.isEmpty ? answer.sampled : answer.reference
      reference += [Float](repeating: 0, count: silent) + anchors
    }
    batch = TokenBatch(tokens: tokens, rows: rows, experts: replaysExperts ? answers.map(\.experts) : [])
    (self.targets, self.advantages, self.weights) = (targets, advantages, weights)
    (self.sampled, self.reference) = (sampled, reference)
  }
}

/// −Σ w · min(ρA, clip(ρ, 1−ε, 1+ε)A) + β Σ w · (u − ln u − 1), with ρ = π/π_old and u = π_ref/π. A scalar.
func policyLoss(_ logp: Tensor, _ part: PolicyBatch, clipRange: Double, beta: Double) -> Tensor {
  let device = logp.device
  func constant(_ values: [Float]) -> Tensor { Tensor(values, shape: logp.shape, on: device) }
  let (advantages, weights) = (constant(part.advantages), constant(part.weights))
  let ratio = (logp - constant(part.sampled)).exp()
  let low = Tensor(repeating: Float(1 - clipRange), shape: logp.shape, on: device)
  let high = Tensor(repeating: Float(1 + clipRange), shape: logp.shape, on: device)
  let clipped = ratio.maximum(low).minimum(high)
  let gain = ((ratio * advantages).minimum(clipped * advantages) * weights).total()
  guard beta > 0 else { return -gain }
  let logRatio = constant(part.reference) - logp
  let divergence = ((logRatio.exp() - logRatio + -1) * weights).total()
  return -gain + divergence * Float(beta)
}

/// How sampled and trained log-probabilities compare, and how the policy has moved, over the weighted tokens.
struct PolicyFigures {
  var tokens = 0
  /// Of the first update, before which the policy that sampled and the one that is trained are the same.
  var mismatches = 0
  var largestMismatch = 0.0
  private var isFirstUpdate = true
  var clipped = 0
  var divergence = 0.0
  var negativeLogLikelihood = 0.0
  /// Of this update, and of the first one.
  private(set) var replay = ReplayAgreement()
  private(set) var firstReplay = ReplayAgreement()

  mutating func add(_ found: ReplayAgreement) {
    replay.add(found)
    if isFirstUpdate { firstReplay.add(found) }
  }
  mutating func add(_ logp: [Float], _ part: PolicyBatch, clipRange: Double) {
    for i in logp.indices where part.weights[i] != 0 {
      tokens += 1
      let difference = Double(logp[i]) - Double(part.sampled[i])
      if isFirstUpdate, logp[i] != part.sampled[i] {
        mismatches += 1
        largestMismatch = max(largestMismatch, abs(difference))
      }
      if abs(exponential(difference) - 1) > clipRange { clipped += 1 }
      let u = Double(part.reference[i]) - Double(logp[i])
      divergence += exponential(u) - u - 1
      negativeLogLikelihood -= Double(logp[i])
    }
  }
  /// Empty figures for the next update, which keep what the first one found.
  var next: PolicyFigures {
    guard tokens > 0 else { return self }
    var next = PolicyFigures()
    (next.mismatches, next.largestMismatch, next.isFirstUpdate) = (mismatches, largestMismatch, false)
    next.firstReplay = firstReplay
    return next
  }

  /// Throws `MismatchError` when sampling and training have come further apart than the plan allows.
  func checkMismatch(limit: Double?, stage: String, step: Int) throws {
    guard let limit, largestMismatch > limit else { return }
    throw MismatchError(
      stage: stage, step: step, tokens: mismatches, of: tokens, largest: largestMismatch, limit: limit)
  }
}

/// Rollouts whose probabilities are not those that training sees: the policy's ratio would mean nothing.
public struct MismatchError: Error, CustomStringConvertible {
  public let stage: String
  public let step: Int
  /// Tokens whose log-probabilities differ, and all that were compared.
  public let tokens: Int
  public let of: Int
  /// The largest difference of log-probabilities, and the largest that is allowed.
  public let largest: Double
  public let limit: Double
  public var description: String {
    "stage '\(stage)', step \(step): \(tokens) of \(of) sampled tokens have another log-probability in training, by up "
      + "to \(largest), above mismatchLimit \(limit); attentionForm 'textbook' samples as training computes"
  }
}
