// GRPO's objective as the papers print it, one token at a time in double precision: what the fast one is judged by.
import Foundation

/// One answer of a group, with what every model thinks of its tokens.
struct SlowAnswer {
  let reward: Double
  /// ln π, ln π_old and ln π_ref of each token.
  var policy: [Double]
  var old: [Double]
  var reference: [Double]
}

/// J = (1/G) Σ_i (1/|o_i|) Σ_t { min(ρA, clip(ρ, 1−ε, 1+ε)A) − β(u − ln u − 1) } (DeepSeekMath, equation 3), or the
/// same tokens summed over all answers and divided by their number (DAPO, equation 8).
struct SlowObjective {
  let clipRange: Double
  let beta: Double
  let isPerToken: Bool

  /// (r_i − mean r) / (std r + 10⁻⁴), with n − 1 in the standard deviation.
  static func advantages(_ rewards: [Double]) -> [Double] {
    let count = Double(rewards.count)
    var (sum, squares) = (0.0, 0.0)
    for reward in rewards { sum += reward }
    for reward in rewards { squares += pow(reward - sum / count, 2) }
    return rewards.map { ($0 - sum / count) / (sqrt(squares / (count - 1)) + 1e-4) }
  }

  /// The loss −J and its gradient by ln π of every token.
  func callAsFunction(_ answers: [SlowAnswer], _ advantages: [Double]) -> (loss: Double, gradient: [[Double]]) {
    var loss = 0.0
    var gradient: [[Double]] = []
    let all = Double(answers.reduce(0) { $0 + $1.policy.count })
    for (answer, advantage) in zip(answers, advantages) {
      let share = isPerToken ? 1 / all : 1 / Double(answers.count) / Double(answer.policy.count)
      var slopes: [Double] = []
      for t in answer.policy.indices {
        let ratio = exp(answer.policy[t] - answer.old[t])
        let u = exp(answer.reference[t] - answer.policy[t])
        let (free, cut) = (ratio * advantage, min(max(ratio, 1 - clipRange), 1 + clipRange) * advantage)
        loss -= share * (min(free, cut) - beta * (u - log(u) - 1))
        // dρ/d ln π = ρ where the first branch is taken; the second is constant outside the clip range.
        slopes.append(-share * ((isClipped(ratio, advantage) ? 0 : free) - beta * (1 - u)))
      }
      gradient.append(slopes)
    }
    return (loss, gradient)
  }

  /// Whether a token is beyond the range on the side where going on would pay.
  func isClipped(_ ratio: Double, _ advantage: Double) -> Bool {
    advantage > 0 ? ratio > 1 + clipRange : ratio < 1 - clipRange
  }
}
