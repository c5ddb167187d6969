// How a command that threw ends: one sentence on standard error, and an exit code that scripts can tell apart.
import ArgumentParser
import Foundation
import Plugins
import ProcessGraph
import Recipes

/// The last words of a process.
struct Ending {
  /// 0 after help; 1 when something failed; 2 when the command line or the recipe cannot be meant; 130 after Ctrl-C.
  let exitCode: Int32
  /// Nil when there is nothing to say.
  var sentence: String?
  /// What was asked for, as help is.
  var answer: String?

  init(_ error: any Error) {
    switch error {
    case let interruption as Interruption:
      (exitCode, sentence) = (interruption.exitCode, interruption.description)
    case is ReaderHasGone: exitCode = 128 + SIGPIPE
    case is ConfigError, is GraphError, is RegistryError, is RecipeError:
      (exitCode, sentence) = (2, "\(error)")
    default:
      let code = Fathom.exitCode(for: error)
      let message = Fathom.fullMessage(for: error)
      switch code {
      case .success: (exitCode, answer) = (0, message)
      case .validationFailure: (exitCode, sentence) = (2, Self.usage(message))
      default:
        exitCode = code.rawValue
        sentence = error is ExitCode ? nil : Self.sentence(error)
      }
    }
  }

  /// Says it and ends the process.
  func leave() -> Never {
    if let answer { _ = Output.write("\(answer)\n", to: STDOUT_FILENO) }
    if let sentence { _ = Output.write("fathom: \(sentence)\n", to: STDERR_FILENO) }
    exit(exitCode)
  }

  /// The parser's explanation, which begins with "Error: " and goes on with the usage.
  private static func usage(_ message: String) -> String {
    message.hasPrefix("Error: ") ? String(message.dropFirst("Error: ".count)) : message
  }

  /// Errors of the project describe themselves; those of Foundation have a sentence elsewhere.
  private static func sentence(_ error: any Error) -> String {
    let text = type(of: error) is NSError.Type || error is CocoaError ? error.localizedDescription : "\(error)"
    return text.split(whereSeparator: \.isNewline).joined(separator: " ")
  }
}
