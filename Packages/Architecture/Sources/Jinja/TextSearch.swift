// Finding, cutting and trimming text as Python's string methods do, in time linear in the text.

extension TemplateText {
  /// Where `needle` begins at or after `start`, ending at or before `end`. Knuth, Morris and Pratt: no needle makes
  /// this slow.
  func firstIndex(of needle: TemplateText, from start: Int = 0, to end: Int? = nil) -> Int? {
    let end = Swift.min(end ?? count, count)
    guard start >= 0, start <= end, needle.count <= end - start else { return nil }
    guard let first = needle.points.first else { return start }
    if needle.count == 1 { return points[start..<end].firstIndex(of: first) }
    let table = needle.borders
    var matched = 0
    for index in start..<end {
      while matched > 0, points[index] != needle.points[matched] { matched = table[matched - 1] }
      if points[index] == needle.points[matched] { matched += 1 }
      if matched == needle.count { return index + 1 - matched }
    }
    return nil
  }

  /// Where the last `needle` begins in `start..<end`.
  func lastIndex(of needle: TemplateText, from start: Int = 0, to end: Int? = nil) -> Int? {
    let end = Swift.min(end ?? count, count)
    guard start >= 0, start <= end, needle.count <= end - start else { return nil }
    if needle.isEmpty { return end }
    let reversed = TemplateText(Array(points[start..<end].reversed()))
    guard let found = reversed.firstIndex(of: TemplateText(Array(needle.points.reversed()))) else { return nil }
    return end - found - needle.count
  }

  /// For each length, the longest proper prefix that is a suffix.
  private var borders: [Int] {
    var table = [Int](repeating: 0, count: count)
    var matched = 0
    for index in points.indices.dropFirst() {
      while matched > 0, points[index] != points[matched] { matched = table[matched - 1] }
      if points[index] == points[matched] { matched += 1 }
      table[index] = matched
    }
    return table
  }

  /// The places of the first `limit` needles that do not overlap; all without a limit. The needle must not be empty.
  func indices(of needle: TemplateText, limit: Int? = nil) -> [Int] {
    guard !needle.isEmpty, needle.count <= count else { return [] }
    let table = needle.borders
    var (found, matched): ([Int], Int) = ([], 0)
    for index in points.indices {
      if let limit, found.count >= limit { break }
      while matched > 0, points[index] != needle.points[matched] { matched = table[matched - 1] }
      if points[index] == needle.points[matched] { matched += 1 }
      guard matched == needle.count else { continue }
      found.append(index + 1 - matched)
      matched = 0
    }
    return found
  }

  func hasPrefix(_ prefix: TemplateText) -> Bool { points.starts(with: prefix.points) }
  func hasSuffix(_ suffix: TemplateText) -> Bool {
    count >= suffix.count && points.suffix(suffix.count) == suffix.points[...]
  }

  enum Side { case left, right, both }

  /// `str.strip` and its siblings: without `characters`, white space.
  func stripped(_ characters: TemplateText? = nil, _ side: Side = .both) -> TemplateText {
    let set = characters.map { Set($0.points) }
    func goes(_ point: CodePoint) -> Bool { set.map { $0.contains(point) } ?? point.scalar.isPythonSpace }
    var (start, end) = (0, count)
    if side != .right { while start < end, goes(points[start]) { start += 1 } }
    if side != .left { while end > start, goes(points[end - 1]) { end -= 1 } }
    return TemplateText(points[start..<end])
  }

  /// `str.split` with a separator that is not empty; `limit` is the largest number of cuts.
  func split(by separator: TemplateText, limit: Int? = nil) -> [TemplateText] {
    var (parts, start): ([TemplateText], Int) = ([], 0)
    for index in indices(of: separator, limit: limit) {
      parts.append(TemplateText(points[start..<index]))
      start = index + separator.count
    }
    return parts + [TemplateText(points[start...])]
  }

  /// `str.rsplit` with a separator that is not empty.
  func splitFromRight(by separator: TemplateText, limit: Int?) -> [TemplateText] {
    let mirrored = TemplateText(Array(points.reversed()))
    let parts = mirrored.split(by: TemplateText(Array(separator.points.reversed())), limit: limit)
    return parts.reversed().map { TemplateText(Array($0.points.reversed())) }
  }

  /// `str.split` without a separator: at runs of white space, without empty parts.
  func splitAtSpace(limit: Int? = nil) -> [TemplateText] {
    var (parts, index): ([TemplateText], Int) = ([], 0)
    while true {
      while index < count, points[index].scalar.isPythonSpace { index += 1 }
      guard index < count else { return parts }
      if let limit, parts.count >= limit { return parts + [TemplateText(points[index...])] }
      let start = index
      while index < count, !points[index].scalar.isPythonSpace { index += 1 }
      parts.append(TemplateText(points[start..<index]))
    }
  }

  /// `str.splitlines`.
  func lines(keepingEnds: Bool = false) -> [TemplateText] {
    var (lines, start, index): ([TemplateText], Int, Int) = ([], 0, 0)
    while index < count {
      guard points[index].scalar.endsLine else {
        index += 1
        continue
      }
      let isPair = points[index] == "\r" && index + 1 < count && points[index + 1] == "\n"
      let next = index + (isPair ? 2 : 1)
      lines.append(TemplateText(points[start..<(keepingEnds ? next : index)]))
      (start, index) = (next, next)
    }
    if start < count { lines.append(TemplateText(points[start...])) }
    return lines
  }

  /// How long `replacing` makes the text, so that the work can be bounded before it is done; needs no memory.
  func replacing(_ old: TemplateText, with new: TemplateText, limit: Int?, _ budget: Budget) throws -> TemplateText {
    if old.isEmpty {
      let places = Swift.min(limit ?? Int.max, count + 1)
      try budget.spend(count + (new.count + 1) * places)
      var result: [CodePoint] = []
      for index in 0...count {
        if index < places { result += new.points }
        if index < count { result.append(points[index]) }
      }
      return TemplateText(result)
    }
    let found = indices(of: old, limit: limit)
    try budget.spend(count + (new.count + 1) * found.count)
    var (result, start): ([CodePoint], Int) = ([], 0)
    for index in found {
      result += points[start..<index]
      result += new.points
      start = index + old.count
    }
    return TemplateText(result + points[start...])
  }
}
