// What becomes of the delimiters when text is split: the five behaviours that tokenizer files know.

/// How matches of a pattern and the text between them become pieces.
enum SplitBehavior: String, CaseIterable {
  /// Matches disappear.
  case removed = "Removed"
  /// Every match is a piece of its own.
  case isolated = "Isolated"
  /// A match ends the piece before it.
  case mergedWithPrevious = "MergedWithPrevious"
  /// A match begins the piece after it.
  case mergedWithNext = "MergedWithNext"
  /// Matches that touch are one piece.
  case contiguous = "Contiguous"

  /// A stretch of text that is a match or lies between two. Stretches cover the text in order.
  struct Stretch {
    var range: Range<Int>
    var isMatch: Bool
  }

  /// Calls `body` with the pieces that `stretches` become. Empty pieces are left out.
  func pieces(of stretches: [Stretch], _ body: (Range<Int>) -> Void) {
    func emit(_ range: Range<Int>) { if !range.isEmpty { body(range) } }
    switch self {
    case .isolated: for stretch in stretches { emit(stretch.range) }
    case .removed: for stretch in stretches where !stretch.isMatch { emit(stretch.range) }
    case .contiguous:
      joined(stretches) { previous, next in previous.isMatch == next.isMatch }.forEach(emit)
    case .mergedWithPrevious:
      joined(stretches) { previous, next in next.isMatch && !previous.isMatch }.forEach(emit)
    case .mergedWithNext:
      joined(stretches) { previous, next in previous.isMatch && !next.isMatch }.forEach(emit)
    }
  }

  /// Neighbours that belong together, as one range.
  private func joined(_ stretches: [Stretch], when belong: (Stretch, Stretch) -> Bool) -> [Range<Int>] {
    var ranges: [Range<Int>] = []
    for (index, stretch) in stretches.enumerated() {
      if index > 0, belong(stretches[index - 1], stretch), let last = ranges.popLast() {
        ranges.append(last.lowerBound..<stretch.range.upperBound)
      } else {
        ranges.append(stretch.range)
      }
    }
    return ranges
  }
}
