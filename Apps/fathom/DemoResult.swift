// What the demo found, as result.json has it: before, after, the way between them, and the time it took.
// Plain values, so that table and plot can be drawn from them without a run.
import Foundation

/// The demo's figures. Accuracies are shares from 0 to 1, lengths are tokens, times are seconds.
struct DemoResult: Codable, Equatable, Sendable {
  /// One evaluation.
  struct Score: Codable, Equatable, Sendable {
    var accuracy: Double
    /// Mean tokens of an answer.
    var meanLength: Double

    enum CodingKeys: String, CodingKey {
      case accuracy
      case meanLength = "mean_length"
    }
  }

  /// The held-out evaluation beside one step of GRPO; step 0 is the base model.
  struct Point: Codable, Equatable, Sendable {
    var step: Int
    var reward: Double
    var accuracy: Double
    var meanLength: Double

    enum CodingKeys: String, CodingKey {
      case step, reward, accuracy
      case meanLength = "mean_length"
    }
  }

  /// Seconds of work: what was lost to an interruption does not count, what was done before it does.
  struct Seconds: Codable, Equatable, Sendable {
    var pretrain: Double
    var grpo: Double
    /// All stages, corpus and evaluations included.
    var total: Double
  }

  /// Puzzles about three people, before and after.
  var base: Score
  var final: Score
  /// Puzzles about two people, before and after.
  var base2: Score
  var final2: Score
  var curve: [Point]
  var seconds: Seconds

  enum CodingKeys: String, CodingKey {
    case base, final, curve, seconds
    case base2 = "base_2"
    case final2 = "final_2"
  }

  /// The text of result.json. Throws when a figure is not a number.
  func json() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
  }
}
