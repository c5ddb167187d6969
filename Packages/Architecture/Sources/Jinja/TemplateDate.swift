// The moment that a template is rendered at. It is handed in, so that two renderings can be equal.
import Foundation

/// A date and a time of day as a clock on the wall shows them.
public struct TemplateDate: Sendable, Hashable {
  private let parts: DateComponents

  /// A moment on the proleptic Gregorian calendar of a time zone.
  public init(_ date: Date, in zone: TimeZone = .current) {
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = zone
    var parts = calendar.dateComponents([.year, .month, .day, .hour, .minute, .second, .weekday], from: date)
    parts.dayOfYear = calendar.ordinality(of: .day, in: .year, for: date)
    self.parts = parts
  }

  /// `strftime` in the C locale. Throws for a directive that is not supported.
  func written(as format: String) throws -> String {
    var result = ""
    var scalars = Array(format.unicodeScalars)[...]
    while let next = scalars.popFirst() {
      guard next == "%", let kind = scalars.popFirst() else {
        result.unicodeScalars.append(next)
        continue
      }
      if kind == "-", let unpadded = scalars.popFirst() {
        let field = try field(unpadded)
        let trimmed = field.drop { $0 == "0" || $0 == " " }
        result += trimmed.isEmpty ? "0" : String(trimmed)
      } else {
        result += try field(kind)
      }
    }
    return result
  }

  private func field(_ kind: Unicode.Scalar) throws -> String {
    func number(_ value: Int?, _ width: Int = 2, _ fill: String = "0") -> String {
      let digits = String(value ?? 0)
      return String(repeating: fill, count: max(0, width - digits.count)) + digits
    }
    let hour = parts.hour ?? 0
    let weekday = ((parts.weekday ?? 1) + 6) % 7
    let month = ((parts.month ?? 1) + 11) % 12
    switch kind {
    case "Y": return String(parts.year ?? 0)
    case "y": return number((parts.year ?? 0) % 100)
    case "m": return number(parts.month)
    case "d": return number(parts.day)
    case "e": return number(parts.day, 2, " ")
    case "H": return number(hour)
    case "I": return number(hour % 12 == 0 ? 12 : hour % 12)
    case "M": return number(parts.minute)
    case "S": return number(parts.second)
    case "p": return hour < 12 ? "AM" : "PM"
    case "j": return number(parts.dayOfYear, 3)
    case "w": return String(weekday)
    case "A": return Self.weekdays[weekday]
    case "a": return String(Self.weekdays[weekday].prefix(3))
    case "B": return Self.months[month]
    case "b", "h": return String(Self.months[month].prefix(3))
    case "F": return try written(as: "%Y-%m-%d")
    case "T": return try written(as: "%H:%M:%S")
    case "R": return try written(as: "%H:%M")
    case "D", "x": return try written(as: "%m/%d/%y")
    case "%": return "%"
    default: throw TemplateError("'strftime_now' does not know '%\(kind)'; it knows YymdeHIMSpjwAaBbhFTRDx and %")
    }
  }

  private static let weekdays = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]
  private static let months = [
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
  ]
}
