// How runs are named: by when they began and what they are called, so that sorting by name sorts by time.
import Foundation

enum RunID {
  /// "20261121-104512-demo" for a run called "demo" begun at that time (UTC).
  static func make(name: String, at seconds: Double) -> String {
    var time = time_t(min(max(seconds, 0), 253_402_300_799))
    var parts = tm()
    gmtime_r(&time, &parts)
    let date = digits(parts.tm_year + 1900, 4) + digits(parts.tm_mon + 1, 2) + digits(parts.tm_mday, 2)
    let clock = digits(parts.tm_hour, 2) + digits(parts.tm_min, 2) + digits(parts.tm_sec, 2)
    return "\(date)-\(clock)-\(slug(name))"
  }

  /// Lower-case letters, digits and single hyphens, at most 24 of them; "run" when nothing is left.
  static func slug(_ name: String) -> String {
    var result = ""
    for byte in name.lowercased().utf8 {
      let isPlain = (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte)
      if isPlain { result.unicodeScalars.append(Unicode.Scalar(byte)) } else if !result.hasSuffix("-") { result += "-" }
    }
    let trimmed = result.drop { $0 == "-" }.prefix(24)
    let end = trimmed.hasSuffix("-") ? trimmed.dropLast() : trimmed
    return end.isEmpty ? "run" : String(end)
  }

  private static func digits(_ number: Int32, _ width: Int) -> String {
    let text = String(number)
    return String(repeating: "0", count: max(0, width - text.count)) + text
  }
}
