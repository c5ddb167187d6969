// One step of damage: a file of the input is picked and changed in a way that its kind makes dangerous.
// What holds the structure of a format together (its JSON, its lengths, its lines) is changed as structure.

struct Mutation {
  /// Inputs to splice from.
  let others: [FuzzInput]
  /// Larger files are cut, so that an hour is not spent on writing them.
  static let largestFile = 1 << 20

  func apply(to input: inout FuzzInput, _ draws: inout Draws) {
    guard !input.files.isEmpty else { return }
    for _ in 0..<(1 + draws.below(3)) {
      if input.files.count > 1, draws.once(in: 40) {
        damageFiles(of: &input, &draws)
        if input.files.isEmpty { return }
        continue
      }
      let index = draws.below(input.files.count)
      input.files[index].bytes = changed(input.files[index], &draws)
      if input.files[index].bytes.count > Self.largestFile {
        input.files[index].bytes.removeLast(
          input.files[index].bytes.count - Self.largestFile)
      }
    }
  }

  /// A file goes missing, is another one, or is another input's.
  private func damageFiles(of input: inout FuzzInput, _ draws: inout Draws) {
    let index = draws.below(input.files.count)
    switch draws.below(3) {
    case 0: input.files.remove(at: index)
    case 1: input.files[index].bytes = draws.one(of: input.files).bytes
    default:
      let name = input.files[index].name
      let candidates = others.compactMap { other in other.files.first { $0.name == name }?.bytes }
      if !candidates.isEmpty { input.files[index].bytes = draws.one(of: candidates) }
    }
  }

  private func changed(_ file: FuzzInput.File, _ draws: inout Draws) -> [UInt8] {
    let partner = self.partner(of: file, &draws)
    let kind = file.name.split(separator: ".").last.map(String.init) ?? ""
    let bytewise = ByteMutation(partner: partner)
    if draws.once(in: 5) { return bytewise.apply(to: file.bytes, &draws) }
    switch kind {
    case "json", "jsonl": return JSONMutation(partner: partner).apply(to: file.bytes, &draws)
    case "safetensors": return SafetensorsMutation(partner: partner).apply(to: file.bytes, &draws)
    case "gguf": return bytewise.applyToLengths(of: file.bytes, within: 1 << 16, &draws)
    case "bin": return bytewise.applyToLengths(of: file.bytes, within: file.bytes.count, &draws)
    case "yaml", "jinja", "txt", "http": return TextMutation(kind, partner: partner).apply(to: file.bytes, &draws)
    default: return bytewise.apply(to: file.bytes, &draws)
    }
  }

  /// A file of the same kind from any input.
  private func partner(of file: FuzzInput.File, _ draws: inout Draws) -> [UInt8] {
    let other = draws.one(of: others)
    let kind = file.name.split(separator: ".").last
    return other.files.first { $0.name == file.name || $0.name.split(separator: ".").last == kind }?.bytes ?? file.bytes
  }
}
