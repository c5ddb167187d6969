// Ends streamed text at a stop text without ever showing a part of it.
// What could be the beginning of a stop text is held back until it is known.

/// Passes text through up to the first stop text. The result does not depend on how the text is cut into chunks.
public struct StopTextFilter: Sendable {
  /// What may be shown now, and whether a stop text was found behind it.
  public struct Output: Sendable, Hashable {
    public var text: String
    public var isStopped: Bool
    public init(text: String, isStopped: Bool) { (self.text, self.isStopped) = (text, isStopped) }
  }

  private let stops: [StopText]
  /// How many bytes of each stop text the end of the text so far matches.
  private var matched: [Int]
  private var held: [UInt8] = []
  /// Whether a stop text has been found; nothing passes afterwards.
  public private(set) var isStopped = false

  /// A stop text with, for every number of matched bytes, how many stay matched when the next byte differs.
  private struct StopText {
    let bytes: [UInt8]
    let fallback: [Int]

    init(_ bytes: [UInt8]) {
      var fallback = [0, 0]
      var matched = 0
      for index in bytes.indices.dropFirst() {
        while matched > 0, bytes[index] != bytes[matched] { matched = fallback[matched] }
        if bytes[index] == bytes[matched] { matched += 1 }
        fallback.append(matched)
      }
      (self.bytes, self.fallback) = (bytes, fallback)
    }
  }

  /// Of several stop texts the one that is complete first ends the text. Empty ones are ignored.
  public init(_ stops: [String]) {
    self.stops = stops.filter { !$0.isEmpty }.map { StopText(Array($0.utf8)) }
    matched = Array(repeating: 0, count: self.stops.count)
  }

  /// Takes the next chunk and returns what is certainly not part of a stop text.
  public mutating func push(_ chunk: String) -> Output {
    guard !isStopped else { return Output(text: "", isStopped: true) }
    for byte in chunk.utf8 {
      held.append(byte)
      if let length = advance(with: byte) {
        isStopped = true
        held.removeLast(length)
        return Output(text: release(held.count), isStopped: true)
      }
    }
    return Output(text: release(held.count - (matched.max() ?? 0)), isStopped: false)
  }

  /// What is still held back when the text ends without a stop text.
  public mutating func finish() -> String { isStopped ? "" : release(held.count) }

  /// The length of the longest stop text that `byte` completes.
  private mutating func advance(with byte: UInt8) -> Int? {
    var longest: Int?
    for (index, stop) in stops.enumerated() {
      var count = matched[index]
      while count > 0, stop.bytes[count] != byte { count = stop.fallback[count] }
      if stop.bytes[count] == byte { count += 1 }
      matched[index] = count
      if count == stop.bytes.count { longest = max(longest ?? 0, count) }
    }
    return longest
  }

  private mutating func release(_ count: Int) -> String {
    defer { held.removeFirst(count) }
    return String(decoding: held[..<count], as: UTF8.self)
  }
}
