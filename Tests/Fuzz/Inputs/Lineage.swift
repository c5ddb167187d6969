// Where an input comes from: the iterations whose mutations it went through, the oldest first.
// An input that reached something new becomes a parent; its line of numbers is all there is to remember of it.

struct Lineage: Hashable, Sendable, CustomStringConvertible {
  /// Deeper lines are slow to make again and little but noise.
  static let deepest = 6

  var iterations: [Int]

  init(_ iterations: [Int]) { self.iterations = iterations }

  /// Reads "12.77.123".
  init?(_ text: some StringProtocol) {
    let numbers = text.split(separator: ".").map { Int($0) }
    guard !numbers.isEmpty, numbers.allSatisfy({ $0 != nil && $0 ?? -1 >= 0 }) else { return nil }
    iterations = numbers.compactMap(\.self)
  }

  var description: String { iterations.map(String.init).joined(separator: ".") }
}

/// Makes inputs for one parser.
struct InputMaker: Sendable {
  let parser: String
  let seed: UInt64
  let seeds: [FuzzInput]

  /// The first iterations try every seed as it is; then seeds, or parents that reached something new, are mutated.
  func lineage(of iteration: Int, parents: [Lineage]) -> Lineage {
    var draws = Draws(seed: seed, parser: parser, iteration: iteration, purpose: 1)
    guard iteration >= seeds.count, !parents.isEmpty, draws.once(in: 2) else { return Lineage([iteration]) }
    return Lineage(draws.one(of: parents).iterations + [iteration])
  }

  /// The input of a lineage.
  func input(_ lineage: Lineage) -> FuzzInput {
    var input: FuzzInput?
    for iteration in lineage.iterations {
      if input == nil, iteration < seeds.count {
        input = seeds[iteration]
        continue
      }
      var draws = Draws(seed: seed, parser: parser, iteration: iteration)
      var next = input ?? draws.one(of: seeds)
      Mutation(others: seeds).apply(to: &next, &draws)
      input = next
    }
    return input ?? seeds[0]
  }
}
