// GRPO's loss and its gradient equal the slow formula's, clipped and not, with and without a reference.
import CPUBackend
import Foundation
import Inference
import LanguageModels
import Layers
import ProcessGraph
import Tensors
import Testing
import Text

@testable import TrainingStages

/// ln π of every token, as the parameters of a model without anything else.
private struct Policy: Module {
  var logProbabilities: Tensor
  mutating func visit(_ visitor: inout some ParameterVisitor) { visitor("logp", &logProbabilities) }
}

@Suite struct AdvantageTests {
  @Test func advantagesEqualTheFormula() {
    var random = RandomStream(seed: 1)
    for count in [2, 3, 8, 16] {
      let rewards = (0..<count).map { _ in Double(random.uniform()) * 3 - 1 }
      for (found, wanted) in zip(groupRelativeAdvantages(rewards), SlowObjective.advantages(rewards)) {
        #expect(abs(found! - wanted) < 1e-12)
      }
      let mean = rewards.reduce(0, +) / Double(count)
      for (found, reward) in zip(groupRelativeAdvantages(rewards, isScaled: false), rewards) {
        #expect(abs(found! - (reward - mean)) < 1e-12)
      }
    }
  }

  /// Two answers, one right: deviations ±1/2, sample deviation 1/√2.
  @Test func onePairByHand() {
    let found = groupRelativeAdvantages([1, 0])
    let wanted = 0.5 / (0.5.squareRoot() + 1e-4)
    #expect(abs(found[0]! - wanted) < 1e-12 && abs(found[1]! + wanted) < 1e-12, "\(found)")
  }

  @Test func equalRewardsTeachNothing() {
    #expect(groupRelativeAdvantages([0.25, 0.25, 0.25]) == [0, 0, 0])
    #expect(groupRelativeAdvantages([Double](repeating: 1.1, count: 7)) == [Double](repeating: 0, count: 7))
    #expect(groupRelativeAdvantages([1]) == [0])
  }

  @Test func unjudgedAnswersTakeNoPart() {
    let pair = groupRelativeAdvantages([1, 0])
    #expect(groupRelativeAdvantages([nil, 1, nil, 0]) == [nil, pair[0], nil, pair[1]])
    #expect(groupRelativeAdvantages([nil, nil]) == [nil, nil])
  }
}

@Suite struct ObjectiveTests {
  private let device = Device(CPUBackend(threads: 1))

  /// Answers of two groups, one to six tokens each. `drift` is how far π may be from π_old, in nats.
  private func answers(seed: UInt64, drift: Float) -> [SlowAnswer] {
    var random = RandomStream(seed: seed)
    return (0..<8).map { index in
      let old = (0..<random.number(in: 1..<7)).map { _ in -4 * random.uniform() - 0.1 }
      let policy = old.map { $0 + drift * (2 * random.uniform() - 1) }
      let reference = old.map { $0 + 0.5 * (2 * random.uniform() - 1) }
      return SlowAnswer(
        reward: Double(random.uniform()), policy: policy.map(Double.init), old: old.map(Double.init),
        reference: reference.map(Double.init))
    }
  }
  private func advantages(_ answers: [SlowAnswer]) -> [Double] {
    let rewards = answers.map(\.reward)
    return SlowObjective.advantages(Array(rewards[..<4])) + SlowObjective.advantages(Array(rewards[4...]))
  }

  /// The same answers through the fast objective, behind prompts of one to three tokens.
  private func fast(
    _ answers: [SlowAnswer], _ advantages: [Double], _ slow: SlowObjective
  ) -> (loss: Double, gradient: [[Double]], silent: [Float]) {
    let judged = zip(answers, advantages).enumerated().map { index, pair in
      JudgedAnswer(
        prompt: (0...index % 3).map { TokenID($0) }, answer: pair.0.policy.indices.map { TokenID($0) },
        advantage: pair.1, sampled: pair.0.old.map { Float($0) },
        reference: slow.beta > 0 ? pair.0.reference.map { Float($0) } : [])
    }
    let all = Double(answers.reduce(0) { $0 + $1.policy.count })
    let batch = PolicyBatch(judged) {
      slow.isPerToken ? 1 / all : 1 / Double($0.answer.count * answers.count)
    }
    // Prompt tokens get a value that would show if it counted.
    let logp = zip(judged, answers).flatMap { judged, answer in
      [Float](repeating: -3, count: judged.prompt.count - 1) + answer.policy.map { Float($0) }
    }
    let policy = Policy(logProbabilities: Tensor(logp, shape: [logp.count], on: device))
    let (value, gradients) = valueAndGradients(of: policy) {
      policyLoss($0.logProbabilities, batch, clipRange: slow.clipRange, beta: slow.beta)
    }
    var slopes = gradients.byName["logp"]?.floats() ?? []
    var (gradient, silent) = ([[Double]](), [Float]())
    for answer in judged {
      silent += slopes.prefix(answer.prompt.count - 1)
      slopes.removeFirst(answer.prompt.count - 1)
      gradient.append(slopes.prefix(answer.answer.count).map(Double.init))
      slopes.removeFirst(answer.answer.count)
    }
    return (Double(value.scalar()), gradient, silent)
  }

  @Test(arguments: [0, 0.04, 0.5], [true, false])
  func lossAndGradientEqualTheSlowFormula(beta: Double, isPerToken: Bool) {
    var (clipped, free) = (0, 0)
    for (seed, drift) in [(1, 0), (2, 0.1), (3, 0.6), (4, 2)] as [(UInt64, Float)] {
      let slow = SlowObjective(clipRange: 0.2, beta: beta, isPerToken: isPerToken)
      let answers = answers(seed: seed, drift: drift)
      let advantages = advantages(answers)
      let (wanted, found) = (slow(answers, advantages), fast(answers, advantages, slow))
      #expect(abs(found.loss - wanted.loss) < 2e-5, "drift \(drift): \(found.loss) for \(wanted.loss)")
      for i in answers.indices {
        for t in answers[i].policy.indices {
          let (slope, right) = (found.gradient[i][t], wanted.gradient[i][t])
          #expect(abs(slope - right) < 1e-5 + 1e-4 * abs(right), "drift \(drift), answer \(i), token \(t)")
          let isClipped = slow.isClipped(exp(answers[i].policy[t] - answers[i].old[t]), advantages[i])
          if isClipped && beta == 0 { #expect(slope == 0, "a clipped token has no gradient") }
          if isClipped { clipped += 1 } else { free += 1 }
        }
      }
      #expect(!found.silent.isEmpty && found.silent.allSatisfy { $0 == 0 }, "prompts have no gradient")
    }
    #expect(clipped > 5 && free > 20, "\(clipped) clipped, \(free) free")
  }

  /// At ρ = 1 both branches of the minimum are equal; the gradient is that of one of them, −wA, not of both.
  @Test func onPolicyTheGradientIsTheAdvantage() {
    let slow = SlowObjective(clipRange: 0.2, beta: 0, isPerToken: true)
    let answers = answers(seed: 9, drift: 0)
    let advantages = advantages(answers)
    let (found, count) = (fast(answers, advantages, slow), Double(answers.reduce(0) { $0 + $1.policy.count }))
    for (slopes, advantage) in zip(found.gradient, advantages) {
      for slope in slopes { #expect(abs(slope + advantage / count) < 1e-7, "\(slope) for \(-advantage / count)") }
    }
  }

  /// A better answer is made likelier and a worse one less likely; past the range only the way back has a gradient.
  @Test(arguments: [(1.0, 0.0), (1, 0.4), (1, -0.4), (-1, 0), (-1, 0.4), (-1, -0.4)])
  func theGradientPointsTowardsBetterAnswersUntilClipped(advantage: Double, drift: Double) {
    let answer = SlowAnswer(reward: 0, policy: [-1 + drift], old: [-1], reference: [-1])
    let slow = SlowObjective(clipRange: 0.2, beta: 0, isPerToken: true)
    let slope = fast([answer], [advantage], slow).gradient[0][0]
    let isClipped = advantage * drift > 0
    #expect(isClipped ? slope == 0 : slope * advantage < 0, "\(slope)")
  }

  /// What a stage records as the loss of a step is the formula applied to all answers that it records, those of groups
  /// without advantage among them.
  @Test(arguments: GRPOSettings.Normalization.allValues, [0, 0.04])
  func aStepsRecordedLossIsTheFormulas(normalization: GRPOSettings.Normalization, beta: Double) async throws {
    let shop = try Workshop()
    defer { shop.remove() }
    let recorder = MemoryRecorder()
    let settings = Workshop.reasoning(steps: 3) {
      ($0.recordedGroups, $0.normalization, $0.beta, $0.microBatchTokens) = (2, normalization, beta, 30)
    }
    let base = try await shop.base()
    _ = try await shop.run("grpo", recorder: recorder).perform(GRPO(settings), on: base)
    let (steps, rollouts) = (await recorder.steps, await recorder.rollouts)
    #expect(Set(rollouts.map(\.tokenCount)).count > 1, "answers of equal length cannot tell the two apart")
    // In the first step π, π_old and π_ref are one model.
    let answers = rollouts.filter { $0.step == 1 }
    let slow = SlowObjective(clipRange: 0.2, beta: beta, isPerToken: normalization == .token)
    let even = answers.map { answer in
      let zeros = [Double](repeating: 0, count: answer.tokenCount)
      return SlowAnswer(reward: answer.reward, policy: zeros, old: zeros, reference: zeros)
    }
    let groups = [answers.prefix(4), answers.suffix(4)].flatMap { SlowObjective.advantages($0.map(\.reward)) }
    #expect(answers.count == 8 && groups.contains { $0 != 0 })
    for (answer, advantage) in zip(answers, groups) { #expect(abs(answer.advantage - advantage) < 1e-9) }
    let loss = try #require(steps[0].values["loss"])
    let wanted = slow(even, groups).loss
    #expect(abs(loss - wanted) < 1e-6, "\(loss) for \(wanted)")
    let other = SlowObjective(clipRange: 0.2, beta: beta, isPerToken: normalization != .token)(even, groups).loss
    #expect(abs(other - wanted) > 1e-4, "both normalizations give \(wanted), so nothing was compared")
    guard beta > 0 else { return #expect(steps.allSatisfy { $0.values["kl"] == nil }) }
    #expect(abs(steps[0].values["kl", default: 1]) < 1e-12 && steps[2].values["kl", default: 0] > 0)
  }
}

extension GRPOSettings.Normalization {
  static var allValues: [Self] { [.token, .sequence] }
}
