// Which slots of the memory are free, and which tokens the rows of every slot hold, so that a prompt that begins like
// something that is in memory already need not be read again.
import LanguageModels
import Text

/// The engine's book of its memory. It holds no rows itself.
struct SlotTable {
  /// Where a prompt goes, and from where it takes what is known of it.
  struct Place: Equatable {
    let slot: Int
    /// Positions that need not be read: those of `source`, which may be the slot itself.
    let shared: Int
    let source: Int
    /// What must be copied before the rest is read; nil when nothing must.
    var copy: AttentionMemory.Copy? {
      shared > 0 && source != slot ? AttentionMemory.Copy(from: source, to: slot, count: shared) : nil
    }
  }

  /// The tokens whose rows each slot holds, from position 0 on. They outlive their sequence.
  private var contents: [[TokenID]]
  /// The experts of all of those tokens; nil where they were read without being asked for experts.
  private var experts: [ExpertChoices?]
  /// Longest idle first, so that what was written last is kept longest.
  private var idle: [Int]

  init(slots: Int) {
    (contents, experts, idle) = (
      Array(repeating: [], count: slots), Array(repeating: nil, count: slots), Array(0..<slots)
    )
  }

  /// Free slots.
  var idleCount: Int { idle.count }

  /// Where `prompt` should go; nil when no slot is free. At least one token is left to read: the answer begins with
  /// what the model says to it. Slots in `fresh` have not been read into yet and are no source; nor are those whose
  /// experts are not known, where these are asked for.
  func place(for prompt: [TokenID], excluding fresh: Set<Int>, withExperts: Bool = false) -> Place? {
    guard let longestIdle = idle.first else { return nil }
    var (source, shared) = (longestIdle, 0)
    for slot in contents.indices where !fresh.contains(slot) && (!withExperts || experts[slot] != nil) {
      let common = Self.commonPrefix(contents[slot], prompt.dropLast())
      if common > shared { (source, shared) = (slot, common) }
    }
    // A slot of which most is wanted is gone on with where it is; of another one the other part may be wanted yet.
    let isContinued = idle.contains(source) && 2 * shared >= contents[source].count
    let slot = isContinued ? source : longestIdle
    return Place(slot: slot, shared: shared, source: source)
  }

  private static func commonPrefix(_ a: [TokenID], _ b: ArraySlice<TokenID>) -> Int {
    var count = 0
    while count < a.count, count < b.count, a[count] == b[b.startIndex + count] { count += 1 }
    return count
  }

  /// Gives a slot away: it holds the first `shared` tokens of `prompt` from now on.
  mutating func take(_ place: Place, for prompt: [TokenID]) {
    idle.removeAll { $0 == place.slot }
    contents[place.slot] = Array(prompt.prefix(place.shared))
    experts[place.slot] = place.shared > 0 ? experts[place.source]?[0..<place.shared] : nil
  }
  /// The slot's rows go on with these tokens, which passed these experts.
  mutating func append(_ tokens: [TokenID], _ passed: ExpertChoices? = nil, to slot: Int) {
    if contents[slot].isEmpty {
      experts[slot] = passed
    } else if let passed {
      experts[slot]?.append(passed)
    } else {
      experts[slot] = nil
    }
    contents[slot] += tokens
  }
  /// The experts of everything that the slot holds, where they are known.
  func experts(of slot: Int) -> ExpertChoices? { experts[slot] }
  /// The slot is free; what it holds stays known.
  mutating func free(_ slot: Int) { idle.append(slot) }
  /// Other weights are used from now on, which would have written other rows.
  mutating func forgetContents() {
    contents = contents.map { _ in [] }
    experts = experts.map { _ in nil }
  }
}
