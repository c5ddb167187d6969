// What an error says, fit for a terminal and a log: settings, names, paths, templates and keys that it quotes may hold
// anything.

/// `sentence` on one line: what breaks lines or moves the cursor becomes a space, and what is longer than `longest`
/// characters is cut.
public func sentenceLine(_ sentence: String, upTo longest: Int = 390) -> String {
  var visible = String.UnicodeScalarView()
  for scalar in sentence.unicodeScalars.prefix(longest) {
    switch scalar.properties.generalCategory {
    case .control, .lineSeparator, .paragraphSeparator: visible.append(" ")
    default: visible.append(scalar)
    }
  }
  return String(visible) + (sentence.unicodeScalars.dropFirst(longest).isEmpty ? "" : "…")
}
