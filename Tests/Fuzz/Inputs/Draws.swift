// Random choices by counting: every draw of an input follows from (seed, parser, iteration) and from nothing else.
// So an input is made again from three numbers, on any machine, in any order.
import Tensors

/// The choices of one iteration.
struct Draws {
  private var stream: RandomStream

  /// `purpose` keeps streams of one iteration apart.
  init(seed: UInt64, parser: String, iteration: Int, purpose: UInt64 = 0) {
    // FNV-1a of the name: a fixed function of its bytes, unlike Swift's seeded hash.
    let name = parser.utf8.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    stream = RandomStream(seed: seed, path: name, UInt64(iteration), purpose)
  }

  mutating func bits() -> UInt64 { stream.next() }
  /// A number in 0 ..< `bound`, or 0 where that is empty.
  mutating func below(_ bound: Int) -> Int { bound <= 1 ? 0 : Int(stream.next() % UInt64(bound)) }
  /// True once in `times`.
  mutating func once(in times: Int) -> Bool { below(times) == 0 }
  /// A number from 1 upwards; small ones are likelier, each doubling half as likely.
  mutating func length(upTo most: Int) -> Int { 1 + below(min(most, 1 << (1 + below(10)))) }
  /// One of the elements, of which there must be one.
  mutating func one<Element>(of elements: [Element]) -> Element { elements[below(elements.count)] }
  /// A stretch of 0 ..< `count`, of at most `longest`.
  mutating func range(in count: Int, upTo longest: Int) -> Range<Int> {
    let start = below(count)
    return start..<min(count, start + length(upTo: longest))
  }
}
