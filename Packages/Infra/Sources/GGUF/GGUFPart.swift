// A file in several parts: name-00001-of-00003.gguf and its siblings, which are opened and checked together.
// Each part has a header of its own; the keys of the first describe the model.
import Checkpoints

/// One part of a GGUF file, or the whole of it.
struct GGUFPart {
  static let (countKey, numberKey, tensorsKey) = ("split.count", "split.no", "split.tensors.count")
  /// Parts that a name can number.
  static let mostParts = 99_999

  let file: MappedFile
  let header: GGUFHeader

  init(_ path: String) throws {
    let file = try MappedFile(path)
    self.file = file
    header = try file.withBytes { try GGUFHeader($0, of: file) }
  }

  /// The parts behind this one, the first; empty for a whole file. Throws `CheckpointError` when this is not the first,
  /// or when a part is missing or is another one than its name says.
  func others() throws -> [GGUFPart] {
    guard let count = try number(Self.countKey), count > 1 else { return [] }
    let own = try number(Self.numberKey) ?? 0
    let names = try SplitName(file.path, count: count)
    guard own == 0 else {
      throw CheckpointError(file.path, "is part \(own + 1) of \(count); open the first, \(names.path(0))")
    }
    return try (1..<count).map { index in
      let part = try GGUFPart(names.path(index))
      guard try part.number(Self.numberKey) == index, try part.number(Self.countKey) == count else {
        throw CheckpointError(
          part.file.path,
          "does not say that it is part \(index + 1) of \(count) ('\(Self.numberKey)' \(index), '\(Self.countKey)' "
            + "\(count)); the parts are not of one file")
      }
      return part
    }
  }

  /// The tensors of all parts. Throws `CheckpointError` for a name that two parts have, and when there are not as many
  /// as the first part announces.
  static func joined(_ parts: [GGUFPart]) throws -> [GGUFTensor] {
    var (tensors, names) = ([GGUFTensor](), Set<String>())
    for (index, part) in parts.enumerated() {
      for var tensor in part.header.tensors {
        guard names.insert(tensor.name).inserted else {
          throw CheckpointError(part.file.path, tensor: tensor.name, "is in an earlier part too; names are different")
        }
        tensor.part = index
        tensors.append(tensor)
      }
    }
    if parts.count > 1, let announced = try parts[0].number(tensorsKey), announced != tensors.count {
      throw CheckpointError(
        parts[0].file.path, "announces \(announced) tensors in all parts; they hold \(tensors.count)")
    }
    return tensors
  }

  /// A whole number under `key`; nil when the part has no such key.
  private func number(_ key: String) throws -> Int? {
    guard let value = header.metadata[key] else { return nil }
    guard let number = value.integer, (0...Int(Int32.max)).contains(number) else {
      throw CheckpointError(file.path, "the key '\(key)' is \(value.summary); a whole number was expected")
    }
    return number
  }
}

/// The names of parts: "stem-00001-of-00003.gguf".
private struct SplitName {
  let stem: String
  let count: Int

  /// Throws `CheckpointError` when the path is not that of one of `count` parts.
  init(_ path: String, count: Int) throws {
    let ending = "-of-\(Self.digits(count)).gguf"
    guard count <= GGUFPart.mostParts, path.hasSuffix(ending),
      case let rest = path.dropLast(ending.count), rest.count > 6, rest.dropLast(5).last == "-",
      rest.suffix(5).allSatisfy({ $0.isASCII && $0.isNumber })
    else {
      throw CheckpointError(
        path, "is one of \(count) parts, whose names end in '-00001\(ending)' and so on; rename them to be found")
    }
    (stem, self.count) = (String(rest.dropLast(6)), count)
  }

  func path(_ index: Int) -> String { "\(stem)-\(Self.digits(index + 1))-of-\(Self.digits(count)).gguf" }

  private static func digits(_ number: Int) -> String {
    let text = String(number)
    return String(repeating: "0", count: max(0, 5 - text.count)) + text
  }
}
