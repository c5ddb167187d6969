// The two records of a stage's directory: settings.yaml when it starts, artifact.json when it is done.
import Checkpoints
import Foundation
import Recipes

/// What a stage was started with. Written before its first step.
struct StartRecord: Codable, Equatable {
  struct Source: Codable, Equatable {
    var kind: String
    var directory: String
    var fingerprint: String
  }
  var stage: String
  var fingerprint: String
  var input: Source
  var settings: ConfigTree

  static func file(in directory: String) -> String { "\(directory)/settings.yaml" }

  static func read(in directory: String) throws -> StartRecord? {
    let file = file(in: directory)
    guard RunFiles.exists(file) else { return nil }
    do {
      return try ConfigTree(yamlFile: file).decode()
    } catch {
      throw RunError.damaged(file: file, reason: "\(error)")
    }
  }

  func write(in directory: String) throws {
    try DurableFile.write(ConfigTree(encoding: self).yaml(), to: Self.file(in: directory))
  }
}

/// What a stage made. Its presence means that the stage is finished.
struct FinishRecord<Output: Artifact>: Codable {
  var stage: String
  var fingerprint: String
  var kind: String
  var artifact: Output

  func write(in directory: String) throws {
    try DurableFile.write(Array(ArtifactCoding.encode(self)), to: FinishMark.file(in: directory))
  }
}

/// The part of a finish record that can be read without knowing the artifact's type.
struct FinishMark: Codable {
  var fingerprint: String

  static func file(in directory: String) -> String { "\(directory)/artifact.json" }

  static func read<T: Decodable>(_ type: T.Type, in directory: String) throws -> T? {
    let file = file(in: directory)
    guard let bytes = try RunFiles.bytes(of: file) else { return nil }
    do {
      return try ArtifactCoding.decode(type, from: bytes)
    } catch {
      throw RunError.damaged(file: file, reason: "it is not the record of a finished stage")
    }
  }
}
