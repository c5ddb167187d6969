// Finds the name a person most likely meant, for the "did you mean" of every error about names.

/// The name among `names` that is a slip of the fingers away from `name`, or nil when none is near.
public func nearestName(to name: String, among names: some Sequence<String>) -> String? {
  // Comparing costs the product of the lengths, and no name that anybody meant is so long.
  guard name.utf8.count <= 200 else { return nil }
  let limit = max(1, name.count / 3)
  return names.map { (name: $0, distance: editDistance($0, name)) }
    .filter { $0.distance <= limit }
    .min { ($0.distance, $0.name) < ($1.distance, $1.name) }?.name
}

/// " (did you mean 'beta2'?)", or nothing when no name is near. Appended to a sentence that lists the names.
public func didYouMean(_ name: String, among names: some Sequence<String>) -> String {
  nearestName(to: name, among: names).map { " (did you mean '\($0)'?)" } ?? ""
}

/// Insertions, deletions, replacements and swaps of neighbours, each costing one (optimal string alignment).
private func editDistance(_ first: String, _ second: String) -> Int {
  let (a, b) = (Array(first.lowercased()), Array(second.lowercased()))
  var beforeLast: [Int] = []
  var last = Array(0...b.count)
  for i in a.indices {
    var row = [i + 1]
    for j in b.indices {
      var cost = min(row[j] + 1, last[j + 1] + 1, last[j] + (a[i] == b[j] ? 0 : 1))
      if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { cost = min(cost, beforeLast[j - 1] + 1) }
      row.append(cost)
    }
    (beforeLast, last) = (last, row)
  }
  return last[b.count]
}
