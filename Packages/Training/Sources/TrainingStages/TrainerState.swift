// Everything that a training stage carries from step to step, saved so that a killed run continues bit-equal.
import Checkpoints
import Datasets
import Foundation
import LanguageModels
import Layers
import Optimizers
import Plugins
import Tensors

/// Model, optimizer, place in the data, and how far the stage has come.
struct TrainerState: Sendable {
  var model: any LanguageModel
  var optimizer: Optimizer
  var cursor: Cursor
  var step = 0
  /// Steps that were skipped because their loss or gradient was not finite.
  var skipped = 0
  /// Seconds of work in earlier attempts, so that a resumed run reports the whole time.
  var seconds = 0.0

  private struct Progress: Codable {
    var step: Int
    var seconds: Double
    var optimizerStep: Int
    var cursor: Cursor
    /// Absent where nothing was skipped.
    var skipped: Int?

    /// Throws for counts that no run can have come to at `step`.
    func check(at step: Int) throws {
      let counts = 0...(1 << 40)
      guard self.step == step, counts.contains(optimizerStep), counts.contains(skipped ?? 0),
        seconds >= 0, seconds.isFinite
      else { throw DatasetError("the counts do not belong to step \(step)") }
    }
  }
  /// Computes in `precision` from the next step on, and keeps AdamW's moments as that has it.
  mutating func compute(in precision: Precision) {
    let map = PrecisionMap(precision)
    guard model.precision != map else { return }
    model.precision = map
    optimizer.keepMoments(in: map.moments)
  }

  static let optimizerStem = "optimizer"
  private static let progressName = "trainer.json"

  /// Writes `checkpoints/step-N` under `directory`, aside, synced and renamed; then forgets all but the newest two.
  func save(in directory: String, textFiles: TextFiles) throws {
    let checkpoints = Self.checkpoints(in: directory)
    let path = "\(checkpoints)/\(DurableDirectory.name(ofStep: step))"
    if FileManager.default.fileExists(atPath: path) { return }
    try FileManager.default.createDirectory(atPath: checkpoints, withIntermediateDirectories: true)
    try DurableDirectory.create(path) { try write(into: $0, textFiles: textFiles) }
    _ = try DurableDirectory.prune(checkpoints, keeping: 2)
  }

  /// Ends the work of a cancelled task between two steps: what is done is saved, so that nothing is done again.
  func stopIfCancelled(in directory: String, textFiles: TextFiles) throws {
    guard Task.isCancelled else { return }
    if step > 0, nonFiniteName == nil { try save(in: directory, textFiles: textFiles) }
    throw CancellationError()
  }

  /// The first weight or moment that is not finite; what has one is not worth saving.
  var nonFiniteName: String? { model.firstNonFinite ?? optimizer.firstNonFinite }

  private func write(into directory: String, textFiles: TextFiles) throws {
    try ModelDirectory.write(model, textFiles: textFiles, into: directory)
    try SafetensorsWriter().write(optimizer.tensorsToStore, in: directory, stem: Self.optimizerStem)
    let progress = Progress(
      step: step, seconds: seconds, optimizerStep: optimizer.step, cursor: cursor,
      skipped: skipped == 0 ? nil : skipped)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    try DurableFile.write([UInt8](encoder.encode(progress)), to: "\(directory)/\(Self.progressName)")
  }

  /// Continues from the newest complete checkpoint under `directory`, if there is one.
  mutating func resume(from directory: String, _ registry: Registry, on device: Device) throws -> Bool {
    try DurableDirectory.removePartials(in: Self.checkpoints(in: directory))
    guard let newest = try DurableDirectory.newest(in: Self.checkpoints(in: directory)) else { return false }
    let progress: Progress
    do {
      let bytes = try Data(contentsOf: URL(fileURLWithPath: "\(newest.path)/\(Self.progressName)"))
      progress = try JSONDecoder().decode(Progress.self, from: bytes)
      try progress.check(at: newest.step)
    } catch {
      throw DatasetError(
        "\(newest.path): \(Self.progressName) cannot be read; remove this checkpoint to continue from an older one")
    }
    let precision = model.precision
    let saved = try ModelDirectory(newest.path).model(registry, on: device)
    guard saved.vocabularySize == model.vocabularySize, saved.contextLength == model.contextLength else {
      throw DatasetError(
        "\(newest.path): its model has \(saved.vocabularySize) tokens and a context of \(saved.contextLength); this "
          + "stage trains one with \(model.vocabularySize) and \(model.contextLength)")
    }
    model = saved
    model.precision = precision
    var restored = Optimizer(
      optimizer.settings, for: model, isHiddenMatrix: model.isHiddenMatrix, step: progress.optimizerStep,
      moments: precision.moments)
    try restored.load(try CheckpointFiles(newest.path, stem: Self.optimizerStem), on: device)
    (optimizer, cursor) = (restored, progress.cursor)
    (step, seconds, skipped) = (progress.step, progress.seconds, progress.skipped ?? 0)
    return true
  }

  /// The finished model as the stage's result: the newest checkpoint's files without the optimizer's.
  func publish(as path: String, textFiles: TextFiles) throws {
    if FileManager.default.fileExists(atPath: path) { return }
    try DurableDirectory.create(path) { try ModelDirectory.write(model, textFiles: textFiles, into: $0) }
  }

  static func checkpoints(in directory: String) -> String { "\(directory)/checkpoints" }
}
