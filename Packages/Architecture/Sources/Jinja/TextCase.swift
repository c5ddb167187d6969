// Upper and lower case as Python's string methods have them: full mappings, code point by code point.

extension TemplateText {
  private func mapped(_ map: (Unicode.Scalar) -> String) -> TemplateText {
    var result: [CodePoint] = []
    result.reserveCapacity(count)
    for point in points {
      if point.value < 0x80 {
        // The usual case without a string in between.
        let text = map(point.scalar).unicodeScalars
        if let first = text.first { result.append(CodePoint(first, isForeign: point.isForeign)) }
      } else {
        result += map(point.scalar).unicodeScalars.map { CodePoint($0, isForeign: point.isForeign) }
      }
    }
    return TemplateText(result)
  }

  var uppercased: TemplateText { mapped(\.properties.uppercaseMapping) }
  var lowercased: TemplateText { mapped(\.properties.lowercaseMapping) }
  var titlecasedFirst: TemplateText { mapped(\.properties.titlecaseMapping) }
  var swappedCase: TemplateText {
    mapped { $0.properties.isUppercase ? $0.properties.lowercaseMapping : $0.properties.uppercaseMapping }
  }

  /// `str.capitalize`.
  var capitalized: TemplateText {
    guard !isEmpty else { return self }
    return TemplateText(points[..<1]).titlecasedFirst + TemplateText(points[1...]).lowercased
  }

  /// What a character costs where each becomes a text of its own on the way, in units of the budget.
  static let titleCost = 24

  /// `str.title`: a letter after anything but a letter is a title's, every other small.
  var titled: TemplateText {
    var (result, follows): (TemplateText, Bool) = ("", false)
    for point in points {
      let one = TemplateText([point])
      result += follows ? one.lowercased : one.titlecasedFirst
      follows = point.scalar.properties.isCased
    }
    return result
  }

  /// The filter `title`: words begin after white space, hyphens and opening brackets.
  var titledByWord: TemplateText {
    var (result, begins): (TemplateText, Bool) = ("", true)
    for point in points {
      let separates = point.scalar.isPythonSpace || "-({[<".unicodeScalars.contains(point.scalar)
      let one = TemplateText([point])
      result += separates ? one : (begins ? one.uppercased : one.lowercased)
      begins = separates
    }
    return result
  }

  /// `str.islower` and `str.isupper`: some letter has a case, and none the other one.
  var isLowercase: Bool {
    points.contains { $0.scalar.properties.isLowercase }
      && !points.contains {
        $0.scalar.properties.isUppercase || $0.scalar.properties.generalCategory == .titlecaseLetter
      }
  }
  var isUppercase: Bool {
    points.contains { $0.scalar.properties.isUppercase }
      && !points.contains {
        $0.scalar.properties.isLowercase || $0.scalar.properties.generalCategory == .titlecaseLetter
      }
  }

  /// True when there is a code point and each of them is as asked.
  func isAll(_ kind: (Unicode.Scalar) -> Bool) -> Bool { !isEmpty && points.allSatisfy { kind($0.scalar) } }
}

extension Unicode.Scalar {
  /// What `str.isalpha` takes for a letter.
  var isPythonLetter: Bool {
    switch properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: true
    default: false
    }
  }
  var isPythonDigit: Bool {
    properties.numericType == .decimal || properties.numericType == .digit
  }
  var isPythonNumeric: Bool { properties.numericType != nil }

  /// What `repr` shows as it is.
  var isPrintable: Bool {
    if value == 0x20 { return true }
    switch properties.generalCategory {
    case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator,
      .spaceSeparator:
      return false
    default: return true
    }
  }
}
