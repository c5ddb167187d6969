// A weighted sum of rewards that keeps its parts, so that a training curve can say which reward moved.

/// What a rubric says of one response.
public struct Verdict: Sendable, Codable, Hashable {
  /// The weighted sum of the parts; nil when every reward abstained, and then the response teaches nothing: drop it.
  public var total: Double?
  /// The score of every reward that did not abstain, before its weight; invalid responses have 0.
  public var parts: [String: Double]
  /// Why a reward abstained or found the response invalid, by its name.
  public var notes: [String: String]
  public init(total: Double?, parts: [String: Double], notes: [String: String] = [:]) {
    (self.total, self.parts, self.notes) = (total, parts, notes)
  }
}

/// One response with the problem it answers.
public struct Attempt: Sendable, Codable, Hashable {
  public var problem: Problem
  public var response: Response
  public init(_ response: Response, of problem: Problem) { (self.problem, self.response) = (problem, response) }
}

/// Rewards with weights. A reward that abstains leaves the sum; one that finds a response invalid adds nothing.
public struct Rubric: Sendable {
  /// One reward and how much it counts.
  public struct Term: Sendable {
    public let reward: any Reward
    public let weight: Double
    public init(_ reward: any Reward, weight: Double = 1) { (self.reward, self.weight) = (reward, weight) }
  }
  /// In the order in which they judge.
  public let terms: [Term]

  /// Throws `RewardError` when two rewards share a name or a weight is not finite.
  public init(_ terms: [Term]) throws {
    var names: Set<String> = []
    for term in terms {
      guard names.insert(term.reward.name).inserted else { throw RewardError.repeatedReward(term.reward.name) }
      guard term.weight.isFinite else {
        throw RewardError.badWeight(reward: term.reward.name, weight: "\(term.weight)")
      }
    }
    self.terms = terms
  }

  /// Judges one response. Throws what a reward throws, and `RewardError.notFinite` for a score that is no number.
  public func judge(_ response: Response, of problem: Problem) async throws -> Verdict {
    var verdict = Verdict(total: nil, parts: [:])
    for term in terms {
      let name = term.reward.name
      let value: Double
      switch try await term.reward.score(response, of: problem) {
      case .abstain(let reason):
        verdict.notes[name] = reason
        continue
      case .invalid(let reason):
        verdict.notes[name] = reason
        value = 0
      case .score(let score):
        value = score
      }
      let total = (verdict.total ?? 0) + term.weight * value
      guard value.isFinite, total.isFinite else {
        throw RewardError.notFinite(reward: name, score: "\(value)", problem: problem.id)
      }
      verdict.parts[name] = value
      verdict.total = total
    }
    return verdict
  }

  /// Judges many responses, at most `concurrency` at a time; verdict i is of attempt i. The first error stops the rest.
  public func judge(_ attempts: [Attempt], concurrency: Int = 8) async throws -> [Verdict] {
    try await withThrowingTaskGroup(of: (Int, Verdict).self) { group in
      var verdicts = [Verdict?](repeating: nil, count: attempts.count)
      var next = 0
      func start() {
        guard next < attempts.count else { return }
        let (index, attempt) = (next, attempts[next])
        next += 1
        group.addTask { (index, try await judge(attempt.response, of: attempt.problem)) }
      }
      for _ in 0..<max(1, concurrency) { start() }
      while let (index, verdict) = try await group.next() {
        verdicts[index] = verdict
        start()
      }
      return verdicts.compactMap { $0 }
    }
  }
}
