// The command line: one binary, one subcommand per task. How a command ends is decided here, in one place.
import ArgumentParser
import Foundation

@main
struct Fathom: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fathom", abstract: "Trains and serves DeepSeek-style reasoning models.",
    discussion: "Start with `fathom demo`: it trains a small reasoning model from nothing and serves it.",
    subcommands: [
      DemoCommand.self, RunCommand.self, TrainCommand.self, ServeCommand.self, GenerateCommand.self,
      LogitsCommand.self, TokenizeCommand.self, DetokenizeCommand.self, TemplateCommand.self, DescribeCommand.self,
      PerplexityCommand.self, ConvertCommand.self, ChecksumsCommand.self, RunsCommand.self, BenchCommand.self,
      VerifyCommand.self, DoctorCommand.self,
    ])

  static func main() async {
    // A reader that goes away shows as a failed write, not as the end of a training run.
    signal(SIGPIPE, SIG_IGN)
    do {
      var command = try parseAsRoot()
      if var asynchronous = command as? any AsyncParsableCommand {
        try await asynchronous.run()
      } else {
        try command.run()
      }
    } catch {
      Ending(error).leave()
    }
  }
}
