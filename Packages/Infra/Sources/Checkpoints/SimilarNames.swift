// Which names a reader probably meant: those that begin and end like the one that is missing.
// Cheap on purpose, so that it can be asked of a hundred thousand names.

enum SimilarNames {
  /// "it has: a, b, c", or what there is to say when nothing looks alike.
  static func offer(for name: String, among names: [String]) -> String {
    if names.isEmpty { return "it has no tensors" }
    let similar = nearest(to: name, among: names)
    if !similar.isEmpty { return "it has: " + list(similar) }
    let some = list(Array(names.prefix(3)))
    return "none of its \(names.count) names looks like it (they begin with \(some))"
  }

  /// At most `limit` names that share at least half of their letters with `name`, the best first.
  static func nearest(to name: String, among names: [String], limit: Int = 3) -> [String] {
    let wanted = Array(name.utf8)
    var best: [(score: Int, name: String)] = []
    for candidate in names {
      let score = likeness(wanted, Array(candidate.utf8))
      guard score > 0, best.count < limit || score > best[best.count - 1].score else { continue }
      let place = best.firstIndex { $0.score < score } ?? best.count
      best.insert((score, candidate), at: place)
      if best.count > limit { best.removeLast() }
    }
    return best.map(\.name)
  }

  /// Letters in common at the beginning and at the end; 0 when they are less than half of the longer name.
  private static func likeness(_ a: [UInt8], _ b: [UInt8]) -> Int {
    let (shorter, longer) = (min(a.count, b.count), max(a.count, b.count))
    var prefix = 0
    while prefix < shorter && a[prefix] == b[prefix] { prefix += 1 }
    var suffix = 0
    while suffix < shorter - prefix && a[a.count - 1 - suffix] == b[b.count - 1 - suffix] { suffix += 1 }
    return (prefix + suffix) * 2 >= longer ? 2 * (prefix + suffix) - longer + 1 : 0
  }

  private static func list(_ names: [String]) -> String {
    names.map { "'\(CheckpointError.shortened($0))'" }.joined(separator: ", ")
  }
}
