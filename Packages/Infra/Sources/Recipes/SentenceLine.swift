// What an error says, fit for a terminal and a log: settings, names and paths that it quotes may hold anything.

/// `sentence` on one line: what breaks lines or moves the cursor becomes a space, and what is longer than a sentence is
/// cut.
public func sentenceLine(_ sentence: String) -> String {
  let longest = 390
  var visible = String.UnicodeScalarView()
  for scalar in sentence.unicodeScalars.prefix(longest) {
    switch scalar.properties.generalCategory {
    case .control, .lineSeparator, .paragraphSeparator: visible.append(" ")
    default: visible.append(scalar)
    }
  }
  return String(visible) + (sentence.unicodeScalars.dropFirst(longest).isEmpty ? "" : "…")
}
