// What can be wrong with files of weights, in one sentence.
// Every message names the file, the tensor where there is one, what was found and what would have worked.
import Foundation
import Sentences

/// A file of a checkpoint that cannot be read, trusted or written.
public struct CheckpointError: Error, CustomStringConvertible, Equatable {
  /// The file or directory that the sentence is about.
  public let path: String
  /// The tensor that the sentence is about, where it is about one.
  public let tensor: String?
  public let description: String

  /// `problem` says what was found and what would have worked; the place is put before it.
  public init(_ path: String, tensor: String? = nil, _ problem: String) {
    let place = tensor.map { "\(path): tensor '\(CheckpointError.shortened($0))'" } ?? path
    (self.path, self.tensor, description) = (path, tensor, Self.sentence("\(place): \(problem)"))
  }

  private init(path: String, tensor: String, sentence: String) {
    (self.path, self.tensor, description) = (path, tensor, Self.sentence(sentence))
  }

  /// A tensor that was asked for and is not there; the sentence lists names that look alike.
  public static func missingTensor(_ name: String, in path: String, having names: [String]) -> CheckpointError {
    let sentence = "missing tensor '\(shortened(name))' in \(path); \(SimilarNames.offer(for: name, among: names))"
    return CheckpointError(path: path, tensor: name, sentence: sentence)
  }

  /// A call to the operating system that failed with `code`, for example "cannot write FILE: No space left on device".
  static func system(_ verb: String, _ path: String, _ code: Int32) -> CheckpointError {
    CheckpointError(path, "cannot \(verb): \(String(cString: strerror(code))) (errno \(code))")
  }

  /// Text from a file as it may stand in a sentence: one line of it, and not a page.
  public static func shortened(_ text: String) -> String { sentenceLine(text, upTo: 120) }

  /// A whole sentence on one line. Names of files and keys are foreign too, and may hold anything.
  private static func sentence(_ text: String) -> String { sentenceLine(text) }
}
