// Finds the four tags of a reasoned answer in one pass over the bytes. Everything that reads answers reads through it,
// so that form and accuracy cannot disagree about where an answer is.

/// The tags of a text: how often each occurs, and where first. Linear in the text, whatever it holds.
public struct TagReader: Sendable {
  /// A tag, written exactly so.
  public enum Tag: String, Sendable, CaseIterable {
    case think = "<think>"
    case endThink = "</think>"
    case answer = "<answer>"
    case endAnswer = "</answer>"
  }

  /// Something that keeps a text from having the form, in words.
  public struct Fault: Error, Hashable, CustomStringConvertible {
    public let description: String
    init(_ description: String) { self.description = description }
  }

  /// The two sections of a well-formed response, without their tags.
  public struct Sections: Sendable, Hashable {
    public let thinking: String
    public let answer: String
  }

  private let bytes: [UInt8]
  private var counts: [Tag: Int] = [:]
  private var places: [Tag: Range<Int>] = [:]

  /// Reads the whole text once.
  public init(_ text: String) {
    bytes = Array(text.utf8)
    let tags = Tag.allCases.map { (tag: $0, bytes: Array($0.rawValue.utf8)) }
    var index = 0
    while index + 1 < bytes.count {
      // The second byte rules out nearly every "<" that opens no tag.
      guard bytes[index] == UInt8(ascii: "<"), Self.secondBytes.contains(bytes[index + 1]),
        let match = tags.first(where: { bytes[index...].starts(with: $0.bytes) })
      else {
        index += 1
        continue
      }
      let place = index..<index + match.bytes.count
      if places[match.tag] == nil { places[match.tag] = place }
      counts[match.tag, default: 0] += 1
      index = place.upperBound
    }
  }

  private static let secondBytes = [UInt8(ascii: "/"), UInt8(ascii: "a"), UInt8(ascii: "t")]

  /// How often `tag` occurs.
  public func count(of tag: Tag) -> Int { counts[tag, default: 0] }

  /// The text of the one answer section. The rest of the text may be anything.
  public func answer() throws(Fault) -> String {
    let open = try only(.answer)
    let close = try only(.endAnswer)
    guard open.upperBound <= close.lowerBound else { throw Fault("</answer> stands before <answer>") }
    return text(open.upperBound..<close.lowerBound)
  }

  /// The sections of a text that is thinking, `</think>`, whitespace, `<answer>`, answer, `</answer>` and nothing else.
  /// The opening `<think>` may be missing, because prompts often end with it; if it is there, only whitespace precedes.
  public func sections() throws(Fault) -> Sections {
    var start = 0
    if count(of: .think) > 0 {
      let open = try only(.think)
      guard isBlank(0..<open.lowerBound) else { throw Fault("<think> stands after other text; it must come first") }
      start = open.upperBound
    }
    let endThink = try only(.endThink)
    let open = try only(.answer)
    let close = try only(.endAnswer)
    guard start <= endThink.lowerBound, endThink.upperBound <= open.lowerBound, open.upperBound <= close.lowerBound
    else { throw Fault("the tags are out of order; <think>, </think>, <answer>, </answer> is the order") }
    guard isBlank(endThink.upperBound..<open.lowerBound) else { throw Fault("text between </think> and <answer>") }
    guard isBlank(close.upperBound..<bytes.count) else { throw Fault("text after </answer>") }
    return Sections(
      thinking: text(start..<endThink.lowerBound), answer: text(open.upperBound..<close.lowerBound))
  }

  private func only(_ tag: Tag) throws(Fault) -> Range<Int> {
    guard let place = places[tag] else { throw Fault("no \(tag.rawValue)") }
    let count = count(of: tag)
    guard count == 1 else { throw Fault("\(tag.rawValue) occurs \(count) times; once is right") }
    return place
  }

  private func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }

  private func isBlank(_ range: Range<Int>) -> Bool {
    bytes[range].allSatisfy { $0 == UInt8(ascii: " ") || (9...13).contains($0) }
  }
}
