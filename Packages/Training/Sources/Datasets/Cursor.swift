// Where a run is in its data. Saved in every checkpoint, so a resumed run sees exactly what it would have seen.
import Tensors

/// A place in an endless sequence of epochs over `count` examples, each in an order of its own.
public struct Cursor: Codable, Sendable, Equatable {
  public let seed: UInt64
  /// Rounds over all examples that are done.
  public private(set) var epoch = 0
  /// Examples of this epoch's order that are taken.
  public private(set) var position = 0
  public init(seed: UInt64) { self.seed = seed }

  /// Reads a saved place. Throws `DecodingError` for one that no run can have come to.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    seed = try container.decode(UInt64.self, forKey: .seed)
    epoch = try container.decode(Int.self, forKey: .epoch)
    position = try container.decode(Int.self, forKey: .position)
    let most = Int(Int32.max)
    guard (0...most).contains(epoch), (0...most).contains(position) else {
      throw DecodingError.dataCorruptedError(
        forKey: .position, in: container, debugDescription: "place \(position) of epoch \(epoch) is none")
    }
  }

  /// Takes one of `count` examples; after the last a new epoch begins.
  public mutating func advance(over count: Int) {
    position += 1
    if position >= count { (epoch, position) = (epoch + 1, 0) }
  }
  /// The examples taken since `start`, for people: "documents 512–539 of epoch 0". Numbers are positions in the
  /// epoch's order.
  public func taken(since start: Cursor, of count: Int, _ noun: String) -> String {
    if (start.epoch, start.position) == (epoch, position) { return "no \(noun)s" }
    let last = position == 0 ? (epoch: epoch - 1, position: count - 1) : (epoch: epoch, position: position - 1)
    if start.epoch == last.epoch {
      return "\((start.position..<last.position + 1).listed(noun)) of epoch \(start.epoch)"
    }
    return "\(noun)s \(start.position) of epoch \(start.epoch) to \(last.position) of epoch \(last.epoch)"
  }
  /// The order of an epoch: a fixed function of seed and epoch (Fisher–Yates).
  public func order(of count: Int) -> [Int32] {
    var random = RandomStream(seed: seed, path: 0x6F72646572, UInt64(epoch))
    var order = (0..<Int32(count)).map { $0 }
    for i in stride(from: count - 1, to: 0, by: -1) { order.swapAt(i, Int(random.next() % UInt64(i + 1))) }
    return order
  }
}

extension Range<Int> {
  /// "problem 7", "problems 32–47".
  package func listed(_ noun: String) -> String {
    count == 1 ? "\(noun) \(lowerBound)" : "\(noun)s \(lowerBound)–\(upperBound - 1)"
  }
}
