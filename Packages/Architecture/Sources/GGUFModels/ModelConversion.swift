// From a model's directory to a GGUF file and back, tensor by tensor, in memory that does not depend on the model.
// The result is put in place whole when everything in it is on the disk; an error leaves nothing behind.
import BlockFormats
import Checkpoints
import Foundation
import GGUF
import Recipes
import Synchronization

/// One tensor that has been written.
public struct ConvertedTensor: Sendable, Equatable {
  public let name: String
  public let format: BlockFormat
  public let shape: [Int]
  public let byteCount: Int
  /// SHA-256 of the bytes in the file, 64 hexadecimal digits.
  public let fingerprint: String
}

/// Conversions between the two layouts that models travel in. A task that is cancelled stops within a piece of a tensor,
/// with `CancellationError`, and leaves nothing behind.
public enum ModelConversion {
  /// Called with every tensor when it has been written, in the order of the file.
  public typealias Report = @Sendable (ConvertedTensor) throws -> Void

  /// What a conversion could not take along, in sentences.
  public typealias Remarks = [String]

  /// The name of the list of fingerprints in a converted directory, a line "fingerprint  name" for each tensor.
  public static let fingerprintFile = "tensors.sha256"

  /// Writes the model of `directory` as a GGUF file, which must not exist. Matrices keep the form they are stored in
  /// unless a type is given. Throws `CheckpointError`.
  public static func writeGGUF(
    _ path: String, from directory: String, as type: ConversionType?, report: @escaping Report
  ) throws -> Remarks {
    try refuseExisting(path)
    let model = try CheckpointModel(directory)
    let planned = try model.plan()
    let layers = try model.settings.requiredExtent("num_hidden_layers")
    let isHeadTied = !planned.contains { $0.name == "output.weight" }
    let tensors = planned.map { tensor in
      let format =
        type.map { $0.format(of: tensor, layers: layers, isHeadTied: isHeadTied) }
        ?? (tensor.rows.shape.count < 2 ? .f32 : tensor.stored)
      return GGUFTensorToStore(tensor.name, format, tensor.rows.shape) { sink in
        let written = try tensor.rows.storeFingerprinted(as: format, sink, giveBack: model.giveBack)
        try report(ConvertedTensor(tensor.name, format, tensor.rows.shape, written))
      }
    }
    let name = URL(fileURLWithPath: directory).standardizedFileURL.lastPathComponent
    var metadata = try model.architecture.metadata(for: model.settings, name: name)
    metadata.append(("general.file_type", .uint32((type ?? ConversionType(planned)).fileType)))
    if tensors.contains(where: { $0.format.isQuantised }) {
      metadata.append(("general.quantization_version", .uint32(2)))
    }
    var remarks: Remarks = []
    let vocabulary = planned.first { $0.name == "token_embd.weight" }?.rows.count
    if let tokenizer = try TokenizerKeys(directory, vocabularySize: vocabulary) {
      metadata += tokenizer.metadata
    } else {
      remarks.append("\(directory) has no tokenizer.json, so the file has no vocabulary")
    }
    let prediction = model.predictionTensors.count
    if prediction > 0 {
      remarks.append("the \(prediction) tensors of the multi-token prediction module have no place and are left out")
    }
    try GGUFWriter(metadata: metadata).write(tensors, to: path)
    return remarks
  }

  /// Writes the model of a GGUF file as a directory, which must not exist: config.json, safetensors in shards of at
  /// most `shardBytes`, the tokenizer's files if the file carries them, and the fingerprints. Quantised tensors become
  /// float32 unless a type is given, which must be f32, f16 or bf16. Throws `CheckpointError`.
  public static func writeDirectory(
    _ directory: String, from path: String, as type: ConversionType?, shardBytes: Int? = 5_000_000_000,
    report: @escaping Report
  ) throws -> Remarks {
    if let type, type.base.isQuantised {
      throw CheckpointError(
        directory, "safetensors hold no \(type.rawValue); the type may be f32, f16 or bf16")
    }
    try refuseExisting(directory)
    let model = try GGUFModel(path)
    let lines = Lines()
    let tensors = try model.names.map { name in
      let rows = try model.rows(of: name)
      let stored = try model.format(of: name) ?? .f32
      let format = type?.base ?? (stored.isQuantised ? .f32 : stored)
      return TensorToStore(name, try StoredType(format, directory), rows.shape) { sink in
        let written: FloatRows.Written
        do {
          written = try rows.storeFingerprinted(as: format, sink, giveBack: model.file.giveBack)
        } catch let error as QuantisationError {
          throw CheckpointError(directory, tensor: name, error.description)
        }
        lines.add("\(written.fingerprint)  \(name)\n")
        try report(ConvertedTensor(name, format, rows.shape, written))
      }
    }
    var remarks: Remarks = []
    try DurableDirectory.create(directory) { temporary in
      try DurableFile.write(model.configurationJSON, to: "\(temporary)/config.json")
      if try !TokenizerKeys.writeFiles(of: model, into: temporary) {
        remarks.append("\(path) carries no tokenizer.json, so the directory has none; its keys stay in the file")
      }
      try SafetensorsWriter().write(tensors, in: temporary, shardBytes: shardBytes)
      try DurableFile.write(lines.text, to: "\(temporary)/\(fingerprintFile)")
    }
    return remarks
  }

  private static func refuseExisting(_ path: String) throws {
    if FileManager.default.fileExists(atPath: path) {
      throw CheckpointError(path, "it already exists; a converted model is never written over something")
    }
  }
}

extension ConvertedTensor {
  fileprivate init(_ name: String, _ format: BlockFormat, _ shape: [Int], _ written: FloatRows.Written) {
    self.init(
      name: name, format: format, shape: shape, byteCount: written.byteCount, fingerprint: written.fingerprint)
  }
}

extension ConversionType {
  /// The type that says most about tensors that keep their form: that of the largest.
  fileprivate init(_ planned: [PlannedTensor]) {
    let largest = planned.max { $0.rows.count * $0.rows.width < $1.rows.count * $1.rows.width }
    self = largest?.stored == .f32 ? .f32 : largest?.stored == .f16 ? .f16 : .bf16
  }
}

extension StoredType {
  fileprivate init(_ format: BlockFormat, _ path: String) throws {
    switch format {
    case .f32: self = .f32
    case .f16: self = .f16
    case .bf16: self = .bf16
    case .q8_0, .q4_0, .q4_1, .q5_0, .q5_1, .q2_K, .q3_K, .q4_K, .q5_K, .q6_K:
      throw CheckpointError(path, "safetensors hold no \(format.rawValue); F32, F16 and BF16 can be written")
    }
  }
}

extension FloatRows {
  /// What has been written of a tensor.
  fileprivate struct Written {
    let byteCount: Int
    let fingerprint: String
  }

  /// Pieces between two returns of memory: some megabytes, so that it is neither much nor done all the time.
  private static let piecesInMemory = 16

  /// Hands all rows to `sink` in a stored form, and takes the fingerprint of what went by. `giveBack` is called now and
  /// then, and at the end, to return what reading has mapped.
  fileprivate func storeFingerprinted(
    as format: BlockFormat, _ sink: (UnsafeRawBufferPointer) throws -> Void, giveBack: () -> Void
  ) throws -> Written {
    var stream = FingerprintStream()
    var (count, pieces) = (0, 0)
    try forEachStoredPiece(as: format) { piece in
      try Task.checkCancellation()
      stream.update(piece)
      (count, pieces) = (count + piece.count, pieces + 1)
      try sink(piece)
      if pieces % Self.piecesInMemory == 0 { giveBack() }
    }
    giveBack()
    return Written(byteCount: count, fingerprint: stream.finish())
  }
}

/// Lines that are added while a file is written, by whoever writes it.
private final class Lines: Sendable {
  private let lines = Mutex("")
  func add(_ line: String) { lines.withLock { $0 += line } }
  var text: String { lines.withLock { $0 } }
}
