// A checkpoint, its GGUF file and the checkpoint again: names, numbers and settings are the same, and the file's
// arrangement is the published one.
import BlockFormats
import CPUBackend
import Checkpoints
import DeepSeek
import Foundation
import GGUF
import LanguageModels
import Plugins
import Recipes
import Tensors
import Testing
import Text

@testable import GGUFModels

/// Whether two settings are the same for every reader: 1 and 1.0 are.
private func isSame(_ a: ConfigTree?, _ b: ConfigTree?) -> Bool {
  switch (a, b) {
  case (.int(let x)?, .double(let y)?), (.double(let y)?, .int(let x)?): return Double(x) == y
  case (.null?, nil), (nil, .null?): return true
  case (.table(let x)?, .table(let y)?): return x.allSatisfy { isSame($0.value, y[$0.key]) }
  default: return a == b
  }
}

@Suite struct GGUFModelTests {
  @Test(arguments: TinyCheckpoint.all)
  func aCheckpointComesBackFromItsFileUnchanged(_ tiny: TinyCheckpoint) throws {
    let scratch = try ModelScratch()
    try tiny.write(to: scratch.path + "/a")
    let (file, back) = (scratch.path + "/a.gguf", scratch.path + "/b")
    _ = try ModelConversion.writeGGUF(file, from: scratch.path + "/a", as: .f32) { _ in }
    let model = try GGUFModel(file)
    #expect(model.names == tiny.shapes.keys.sorted())
    for (name, shape) in tiny.shapes {
      #expect(try model.shape(of: name) == shape, "\(name)")
      #expect(try model.rows(of: name).numbers() == TinyCheckpoint.numbers(name, shape), "\(name)")
    }
    guard case .table(let settings) = try tiny.settings else { throw ModelError("no table") }
    for (key, value) in settings where key != "torch_dtype" {
      #expect(
        isSame(value, model.configuration[key]), "\(key): \(value) came back as \(model.configuration[key] ?? .null)")
    }
    #expect(try ModelType.read(model.configurationJSON, from: file) == tiny.name)
    _ = try ModelConversion.writeDirectory(back, from: file, as: nil) { _ in }
    let files = try CheckpointFiles(back)
    #expect(files.names == tiny.shapes.keys.sorted())
    for tensor in tiny.tensors() {
      let expected = TinyCheckpoint.bytes(TinyCheckpoint.numbers(tensor.name, tensor.shape), .f32)
      #expect(try files.withBytes(of: tensor.name) { Array($0) } == expected, "\(tensor.name)")
      #expect(try files.entry(named: tensor.name).shape == tensor.shape)
    }
    #expect(scratch.contents == ["a", "a.gguf", "b"])
  }

  @Test func theFilesArrangementIsThePublishedOne() throws {
    let scratch = try ModelScratch()
    func file(_ name: String) throws -> GGUFFile {
      let tiny = try #require(TinyCheckpoint.named(name))
      try tiny.write(to: "\(scratch.path)/\(name)")
      _ = try ModelConversion.writeGGUF("\(scratch.path)/\(name).gguf", from: "\(scratch.path)/\(name)", as: .f32) {
        _ in
      }
      return try GGUFFile("\(scratch.path)/\(name).gguf")
    }
    let llama = try file("llama")
    // Row (head, 2i + j) of the file is row (head, j · d/2 + i) of the checkpoint: d = 8, 4 query heads.
    let query = TinyCheckpoint.numbers("model.layers.1.self_attn.q_proj.weight", [32, 32])
    let stored = try llama.rows(of: "blk.1.attn_q.weight").numbers()
    for (head, i, j) in (0..<32).map({ ($0 / 8, $0 % 8 / 2, $0 % 2) }) {
      let (to, from) = ((head * 8 + 2 * i + j) * 32, (head * 8 + j * 4 + i) * 32)
      #expect(stored[to..<to + 32].elementsEqual(query[from..<from + 32]))
    }
    let divisors = try llama.rows(of: "rope_freqs.weight").numbers()
    #expect(divisors.count == 4 && divisors.first == 1 && divisors.last == 8)

    let deepSeek = try file("deepseek_v3")
    let (heads, nope, value, latent) = (2, 8, 6, 12)
    let whole = TinyCheckpoint.numbers("model.layers.2.self_attn.kv_b_proj.weight", [28, 12])
    let keys = try deepSeek.rows(of: "blk.2.attn_k_b.weight")
    let values = try deepSeek.rows(of: "blk.2.attn_v_b.weight")
    #expect(keys.shape == [heads, latent, nope] && values.shape == [heads, value, latent])
    let (k, v) = (try keys.numbers(), try values.numbers())
    for head in 0..<heads {
      let first = head * (nope + value)
      for c in 0..<latent {
        for n in 0..<nope { #expect(k[(head * latent + c) * nope + n] == whole[(first + n) * latent + c]) }
        for n in 0..<value { #expect(v[(head * value + n) * latent + c] == whole[(first + nope + n) * latent + c]) }
      }
    }
    let up = try deepSeek.rows(of: "blk.1.ffn_up_exps.weight")
    #expect(up.shape == [4, 24, 32])
    #expect(
      try up.numbers(3 * 24..<4 * 24)
        == TinyCheckpoint.numbers("model.layers.1.mlp.experts.3.up_proj.weight", [24, 32]))
    #expect(!deepSeek.contains("blk.0.ffn_up_exps.weight") && !deepSeek.contains("blk.2.attn_kv_b.weight"))
    let number = { (key: String) in deepSeek.metadata["deepseek2.\(key)"]?.number }
    #expect(number("attention.key_length") == 16 && number("attention.key_length_mla") == 12)
    #expect(number("attention.value_length") == 12 && number("attention.value_length_mla") == 6)
    #expect(number("attention.head_count_kv") == 1 && number("expert_gating_func") == 2)
    #expect(number("rope.scaling.yarn_log_multiplier") == 0.0707)
  }

  /// Rows may be read from anywhere, as the pieces of large tensors are.
  @Test(arguments: TinyCheckpoint.all)
  func rowsAreTheSameHoweverTheyAreCut(_ tiny: TinyCheckpoint) throws {
    let scratch = try ModelScratch()
    try tiny.write(to: scratch.path + "/a")
    _ = try ModelConversion.writeGGUF(scratch.path + "/a.gguf", from: scratch.path + "/a", as: .f32) { _ in }
    let model = try GGUFModel(scratch.path + "/a.gguf")
    let planned = try CheckpointModel(scratch.path + "/a").plan().map(\.rows)
    for rows in try model.names.map({ try model.rows(of: $0) }) + planned {
      let whole = try rows.numbers()
      for size in [1, 3, 7] {
        let cut = try stride(from: 0, to: rows.count, by: size).flatMap { start in
          try rows.numbers(start..<min(rows.count, start + size))
        }
        #expect(cut == whole, "\(rows.shape) by \(size)")
      }
    }
  }

  @Test(arguments: ["v3", "v3-noqlora", "v3-yarn", "v3-1group", "v3-tied"])
  func aModelOpenedFromItsFileComputesTheSame(_ name: String) throws {
    let scratch = try ModelScratch()
    let directory = goldenDirectory("parity/\(name)")
    _ = try ModelConversion.writeGGUF(scratch.path + "/x.gguf", from: directory, as: nil) { _ in }
    let (registry, device) = (try Registry([DeepSeekFamilies()]), Device(CPUBackend(threads: 2)))
    let tokens = TokenBatch([(0..<40).map { TokenID($0 * 7 % 64) }])
    let original = try ModelDirectory(directory).model(registry, on: device)
    let opened = try ModelDirectory(scratch.path + "/x.gguf").model(registry, on: device)
    let (expected, logits) = (original(tokens).floats(), opened(tokens).floats())
    #expect(logits.count == 40 * 64)
    #expect(zip(logits, expected).allSatisfy { $0.bitPattern == $1.bitPattern })
  }

  @Test func olderFilesOfLatentAttentionAreReadAsTheyAre() throws {
    let scratch = try ModelScratch()
    let tiny = TinyCheckpoint.deepSeekV2
    try tiny.write(to: scratch.path + "/a")
    _ = try ModelConversion.writeGGUF(scratch.path + "/a.gguf", from: scratch.path + "/a", as: .f32) { _ in }
    let file = try GGUFFile(scratch.path + "/a.gguf")
    // As before 2025: the matrix whole, widths of a head under the plain keys, no key for groups and gating.
    let dropped = ["_mla", "head_count_kv", "group", "gating"]
    var metadata = file.keys.filter { key in !dropped.contains { key.contains($0) } }.map {
      (key: $0, value: file.metadata[$0]!)
    }
    metadata.removeAll { $0.key.hasSuffix("key_length") || $0.key.hasSuffix("value_length") }
    metadata += [
      ("deepseek2.attention.key_length", .uint32(12)), ("deepseek2.attention.value_length", .uint32(6)),
      ("deepseek2.attention.head_count_kv", .uint32(2)),
    ]
    var tensors = try file.tensors.filter { !$0.name.contains("_b.weight") }.map {
      GGUFTensorToStore($0.name, .f32, try file.rows(of: $0.name))
    }
    for layer in 0..<2 {
      let name = "model.layers.\(layer).self_attn.kv_b_proj.weight"
      let numbers = TinyCheckpoint.numbers(name, [28, 12])
      let rows = FloatRows(shape: [28, 12]) { rows, target in
        _ = target.update(fromContentsOf: numbers[rows.lowerBound * 12..<rows.upperBound * 12])
      }
      tensors.append(GGUFTensorToStore("blk.\(layer).attn_kv_b.weight", .f32, rows))
    }
    try GGUFWriter(metadata: metadata).write(tensors, to: scratch.path + "/old.gguf")
    let model = try GGUFModel(scratch.path + "/old.gguf")
    #expect(model.names == tiny.shapes.keys.sorted())
    for (name, shape) in tiny.shapes {
      #expect(try model.rows(of: name).numbers() == TinyCheckpoint.numbers(name, shape), "\(name)")
    }
    for (key, value) in ["qk_nope_head_dim": 8, "v_head_dim": 6, "n_group": 1, "num_key_value_heads": 2] {
      #expect(model.configuration[key] == .int(value), "\(key)")
    }
    #expect(model.configuration["topk_method"] == .string("greedy"))
  }
}
