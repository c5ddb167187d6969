// A statement as the set of all assignments that make it true: one bit each, 256 for eight people.
// Connectives become operations on whole sets, which solves a puzzle without trying anything.

/// Bit k tells whether assignment number k makes the statement true.
struct TruthTable: Equatable {
  var words: SIMD4<UInt64>

  /// True everywhere.
  static let everything = TruthTable(words: SIMD4(repeating: .max))

  /// True where `person` of `people` is a knight.
  init(knight person: Int, of people: Int) {
    // The person's digit of the number alternates in blocks of 2^digit; knights have 0.
    let digit = people - 1 - person
    switch digit {
    case 7: words = SIMD4(.max, .max, 0, 0)
    case 6: words = SIMD4(.max, 0, .max, 0)
    default:
      let block = 1 << digit
      var word: UInt64 = 0
      for bit in 0..<64 where bit / block % 2 == 0 { word |= 1 << UInt64(bit) }
      words = SIMD4(repeating: word)
    }
  }

  init(_ statement: Statement, knights: [TruthTable]) {
    func table(_ part: Statement) -> SIMD4<UInt64> { TruthTable(part, knights: knights).words }
    switch statement {
    case .tellingTruth(let person): words = knights[person].words
    case .lying(let person): words = ~knights[person].words
    case .not(let part): words = ~table(part)
    case .and(let parts): words = parts.reduce(Self.everything.words) { $0 & table($1) }
    case .or(let parts): words = parts.reduce(SIMD4(repeating: 0)) { $0 | table($1) }
    case .implies(let premise, let conclusion): words = ~table(premise) | table(conclusion)
    case .iff(let a, let b): words = ~(table(a) ^ table(b))
    }
  }

  init(words: SIMD4<UInt64>) { self.words = words }

  /// The numbers below `limit` whose bit is set, ascending.
  func numbers(below limit: Int) -> [Int] {
    (0..<limit).filter { words[$0 / 64] >> UInt64($0 % 64) & 1 == 1 }
  }
}
