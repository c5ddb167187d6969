// Conversions of hostile models to GGUF and back: whatever happens, nothing half-written stays.
import Foundation
import GGUFModels

struct ConversionParser: FuzzParser {
  let name = "conversion"
  let goldens: Goldens

  func seeds() throws -> [FuzzInput] {
    try ["llama", "qwen2", "qwen3", "v2", "v3", "v3-tied"].map { name in
      var input = try goldens.model(name)
      for index in input.files.indices { input.files[index].name = "model/\(input.files[index].name)" }
      return input
    } + [try GGUFSeeds.converted("v3", as: nil, goldens), try GGUFSeeds.converted("llama", as: .q4_0, goldens)]
  }

  func attempt(_ input: FuzzInput, in directory: String) async throws -> String {
    let types: [ConversionType?] = [nil, .f16, .q8_0, .q4_K_M, .q2_K]
    let type = types[input.files.reduce(0) { $0 + $1.bytes.count } % types.count]
    let isGGUF = input.files.contains { $0.name == "x.gguf" }
    let result = isGGUF ? "result" : "result.gguf"
    do {
      if isGGUF {
        _ = try ModelConversion.writeDirectory("\(directory)/\(result)", from: "\(directory)/x.gguf", as: nil) { _ in }
      } else {
        _ = try ModelConversion.writeGGUF("\(directory)/\(result)", from: "\(directory)/model", as: type) { _ in }
      }
    } catch {
      let known = Set(input.files.map { String($0.name.prefix { $0 != "/" }) })
      let left = try FileManager.default.contentsOfDirectory(atPath: directory).filter { !known.contains($0) }
      guard left.isEmpty else {
        throw Violation("a conversion that failed left \(left.sorted().joined(separator: ", "))")
      }
      throw error
    }
    return "converted"
  }
}
