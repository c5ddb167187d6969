// The command line of the harness.
import Foundation

struct FuzzOptions: Sendable {
  var seconds = 60.0
  var seed: UInt64 = 1
  var parsers: [String] = []
  var goldens = "Tests/Goldens"
  var findings = "fuzz-findings"
  /// One input to make and try again.
  var iteration: Lineage?
  /// A directory with an input to try.
  var input: String?
  var worker: String?
  var first = 0
  var state: String?
  let program: String

  static let usage = """
    fathom-fuzz [--seconds 60] [--seed 1] [--parser NAME]… [--findings DIRECTORY] [--goldens Tests/Goldens]
    fathom-fuzz --parser NAME --seed N --iteration 12.77   makes one input again, saves it and tries it in this process
    fathom-fuzz --parser NAME --input DIRECTORY            tries the files of a directory in this process
    """

  /// Throws `FuzzError` with the usage for what is not understood.
  init(_ arguments: [String]) throws {
    program = Bundle.main.executablePath ?? arguments[0]
    var rest = arguments.dropFirst()
    while let name = rest.popFirst() {
      guard let value = rest.popFirst() else { throw FuzzError("\(name) has no value; usage:\n\(Self.usage)") }
      func number<Number: LosslessStringConvertible>(_: Number.Type) throws -> Number {
        guard let number = Number(value) else { throw FuzzError("\(name) \(value) is no number") }
        return number
      }
      switch name {
      case "--seconds": seconds = try number(Double.self)
      case "--seed": seed = try number(UInt64.self)
      case "--parser": parsers.append(value)
      case "--goldens": goldens = value
      case "--findings": findings = value
      case "--input": input = value
      case "--worker": worker = value
      case "--first": first = try number(Int.self)
      case "--state": state = value
      case "--iteration":
        guard let lineage = Lineage(value) else {
          throw FuzzError("--iteration \(value) is no number, nor numbers with dots")
        }
        iteration = lineage
      default: throw FuzzError("\(name) is not understood; usage:\n\(Self.usage)")
      }
    }
  }
}
