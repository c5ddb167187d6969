// The other side of `fathom bench … --against PYTHON`: packages of Python in a process that waits for its turn.
import Foundation

/// A running script of Tests/Peers. It times steps when it is asked to and sleeps otherwise.
final class BenchPeer {
  /// What the peer of training is made of, as it says itself.
  struct Description: Decodable {
    let torch: String
    let transformers: String
    let threads: Int
    let parameters: Int
    let experts: String
    let attention: String
    let adamw: String
    let precision: String
    /// At the median step of the forms that the libraries take by themselves; nil where those were not tried.
    let usual_tokens_per_second: Double?
  }
  private struct Round: Decodable {
    let seconds: [Double]
    /// Of the whole process so far; nil where its system does not tell.
    let peak_resident_bytes: Int?
  }
  /// What a script says when it cannot begin.
  private struct Refusal: Decodable { let error: String }

  private let process = Process()
  private let (requests, answers) = (Pipe(), Pipe())
  private let python: String
  private let scriptPath: String
  /// What its Python must have, for the sentence when it fails.
  private let needs: String
  private var unread: [UInt8] = []

  /// What `--against` takes.
  static let help = "A Python with torch and transformers to compare with; `torch` stands for python3."

  /// Starts `python`, a path or a name to look for along PATH, with a script of Tests/Peers, what it is to run (a
  /// model's config.json, say) and further arguments. What it has to say goes to standard error.
  init(
    python: String, _ script: String, _ subject: String, _ arguments: [String],
    needing needs: String = "torch and transformers"
  ) throws {
    let python = python == "torch" ? "python3" : python
    self.needs = needs
    (self.python, scriptPath) = (python, "Tests/Peers/\(script)")
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [python, try Self.path(of: scriptPath), subject] + arguments
    (process.standardInput, process.standardOutput) = (requests, answers)
    do { try process.run() } catch {
      throw CommandError("--against \(python): cannot be started: \(error.localizedDescription)")
    }
  }

  /// Waits until the peer has chosen its fastest forms and is warm.
  func description<Own: Decodable>() throws -> Own { try read() }

  /// The largest resident size of the peer's process so far, after some more steps; nil where its system does not tell.
  func peakResidentBytes(after steps: Int) throws -> Int? { try round(steps).peak_resident_bytes }

  /// Seconds of each of `steps` steps, after one that is not timed.
  func timed(_ steps: Int) throws -> [Double] { try round(steps).seconds }

  private func round(_ steps: Int) throws -> Round {
    do { try requests.fileHandleForWriting.write(contentsOf: Data("\(steps)\n".utf8)) } catch { throw gone() }
    let round: Round = try read()
    guard round.seconds.count == steps, round.seconds.allSatisfy({ $0 > 0 }) else {
      throw CommandError("\(scriptPath): answered with \(round.seconds.count) times; \(steps) were asked for")
    }
    return round
  }

  /// Ends the peer. It has nothing to save, so it is not asked to finish what it does.
  func end() {
    try? requests.fileHandleForWriting.close()
    if process.isRunning { process.terminate() }
    process.waitUntilExit()
  }

  /// The next line, as JSON.
  private func read<Answer: Decodable>() throws -> Answer {
    let newline = UInt8(ascii: "\n")
    while !unread.contains(newline) {
      let more = answers.fileHandleForReading.availableData
      if more.isEmpty { throw gone() }
      unread += more
    }
    let line = unread.prefix { $0 != newline }
    unread.removeFirst(line.count + 1)
    if let refusal = try? JSONDecoder().decode(Refusal.self, from: Data(line)) {
      throw CommandError("--against \(python): \(refusal.error)")
    }
    do { return try JSONDecoder().decode(Answer.self, from: Data(line)) } catch {
      throw CommandError("\(scriptPath): printed '\(String(decoding: line, as: UTF8.self))'; JSON was expected")
    }
  }

  private func gone() -> CommandError {
    process.waitUntilExit()
    return CommandError(
      "--against \(python): the peer ended with exit code \(process.terminationStatus) before it had answered; "
        + "it needs a Python with \(needs), and standard error has what it said")
  }

  /// The script in the checkout around the working directory or around this program.
  private static func path(of scriptPath: String) throws -> String {
    let here = URL(fileURLWithPath: FileManager.default.currentDirectoryPath)
    let program = Bundle.main.executableURL?.resolvingSymlinksInPath()
    for start in [here, program?.deletingLastPathComponent()] {
      var place = start
      while let folder = place {
        let file = folder.appendingPathComponent(scriptPath).path
        if FileManager.default.fileExists(atPath: file) { return file }
        place = folder.path == "/" ? nil : folder.deletingLastPathComponent()
      }
    }
    throw CommandError("\(scriptPath) is not above \(here.path) nor above this program; run in a checkout of Fathom")
  }
}
