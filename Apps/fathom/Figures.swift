// Numbers as people read them: counts, bytes, durations, dates.
import Foundation

/// Writes numbers shortly. No locale: the same everywhere.
enum Figures {
  /// "2:05", "1:02:05"; "0:07" for seven seconds.
  static func duration(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds >= 0, seconds < 1e9 else { return "?" }
    let whole = Int(seconds.rounded())
    let (hours, minutes, rest) = (whole / 3600, whole / 60 % 60, whole % 60)
    return hours > 0 ? "\(hours):\(padded(minutes)):\(padded(rest))" : "\(minutes):\(padded(rest))"
  }

  /// About three digits: "0.031", "3.14", "31.4", "3140".
  static func short(_ value: Double) -> String {
    guard value.isFinite else { return "\(value)" }
    let size = abs(value)
    if size >= 100 || value == 0 { return size < 1e15 ? String(format: "%.0f", value) : String(format: "%.3g", value) }
    return size >= 1e-3
      ? trimmed(String(format: size >= 10 ? "%.1f" : size >= 1 ? "%.2f" : "%.4f", value))
      : String(format: "%.2e", value)
  }

  /// "31.2 %" for a share of 0.312.
  static func percent(_ share: Double) -> String { String(format: "%.1f %%", share * 100) }

  /// "671.03 billion", "1.84 million", "812".
  static func count(_ value: Int) -> String {
    let scales = [(1e12, "trillion"), (1e9, "billion"), (1e6, "million")]
    guard let (scale, word) = scales.first(where: { Double(value) >= $0.0 }) else { return grouped(value) }
    return "\(String(format: "%.2f", Double(value) / scale)) \(word)"
  }

  /// Digits in groups of three: "1,234,567".
  static func grouped(_ value: Int) -> String {
    let digits = Array(String(value.magnitude))
    let groups = stride(from: digits.count, to: 0, by: -3).map { String(digits[max(0, $0 - 3)..<$0]) }
    return (value < 0 ? "-" : "") + groups.reversed().joined(separator: ",")
  }

  /// "1.34 TB", "68.6 kB", in powers of 1000.
  static func bytes(_ value: Int) -> String {
    let scales = [(1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")]
    guard let (scale, unit) = scales.first(where: { Double(value) >= $0.0 }) else { return "\(value) bytes" }
    return "\(short(Double(value) / scale)) \(unit)"
  }

  /// "2026-11-21 10:45:12", local time.
  static func date(_ seconds: Double) -> String {
    var time = time_t(min(max(seconds, 0), 253_402_300_799))
    var parts = tm()
    localtime_r(&time, &parts)
    let day = [parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday].map { padded(Int($0)) }.joined(separator: "-")
    return "\(day) " + [parts.tm_hour, parts.tm_min, parts.tm_sec].map { padded(Int($0)) }.joined(separator: ":")
  }

  private static func padded(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
  private static func trimmed(_ text: String) -> String {
    guard text.contains(".") else { return text }
    let digits = text.reversed().drop { $0 == "0" }
    return String(String(digits.first == "." ? digits.dropFirst() : digits).reversed())
  }
}
