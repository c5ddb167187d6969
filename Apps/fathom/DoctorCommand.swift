// `fathom doctor`: what this machine offers and what it lacks, in sentences.
import ArgumentParser

struct DoctorCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor", abstract: "Says what this machine offers and what is missing.",
    discussion: "Exits with 1 when something is missing that training or serving needs.")

  @OptionGroup var runs: RunsOptions

  func run() async throws {
    let findings = Machine(runs: runs.directory).findings
    for finding in findings { try Output.line("\(finding.grade.mark) \(finding.sentence)") }
    let missing = findings.filter { $0.grade == .missing }.count
    guard missing == 0 else {
      throw CommandError(
        "\(missing) required thing\(missing == 1 ? " is" : "s are") missing; see the lines marked 'missing'")
    }
    try Output.line("\nEverything that is needed is here.")
  }
}

/// One thing about this machine.
struct Finding {
  enum Grade {
    case fine, optional, missing
    var mark: String {
      switch self {
      case .fine: "ok      "
      case .optional: "optional"
      case .missing: "missing "
      }
    }
  }
  let grade: Grade
  let sentence: String
}
