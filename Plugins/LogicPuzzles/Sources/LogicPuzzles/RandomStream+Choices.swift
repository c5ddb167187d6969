// Choices among few things, written out so that the same stream gives the same puzzle with every standard library.
import Tensors

extension RandomStream {
  /// A number in 0 ..< count, evenly but for one part in 2^60.
  mutating func below(_ count: Int) -> Int { Int(next().multipliedFullWidth(by: UInt64(count)).high) }

  /// True with this probability; exactly never at 0 and always at 1.
  mutating func chance(_ probability: Double) -> Bool { Double(next() >> 11) * 0x1p-53 < probability }

  /// `count` different items in random order.
  mutating func sample<Item>(_ count: Int, of items: [Item]) -> [Item] {
    var items = items
    for index in 0..<count { items.swapAt(index, index + below(items.count - index)) }
    return Array(items.prefix(count))
  }
}
