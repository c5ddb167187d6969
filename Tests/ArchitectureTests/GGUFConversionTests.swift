// Converting: which form each tensor takes, what is said of it, what travels with it, and what is refused whole.
import BlockFormats
import Checkpoints
import Foundation
import GGUF
import LowPrecision
import Recipes
import Synchronization
import Tensors
import Testing

@testable import GGUFModels

/// Reports as they come.
private final class Collected: Sendable {
  private let tensors = Mutex([ConvertedTensor]())
  func add(_ tensor: ConvertedTensor) { tensors.withLock { $0.append(tensor) } }
  var all: [ConvertedTensor] { tensors.withLock { $0 } }
}

@Suite struct GGUFConversionTests {
  @Test func everyTensorIsReportedWithTheFingerprintOfItsBytes() throws {
    let scratch = try ModelScratch()
    try TinyCheckpoint.llama.write(to: scratch.path + "/a")
    let (written, back) = (Collected(), Collected())
    _ = try ModelConversion.writeGGUF(scratch.path + "/a.gguf", from: scratch.path + "/a", as: .q8_0) {
      written.add($0)
    }
    let file = try GGUFFile(scratch.path + "/a.gguf")
    #expect(written.all.map(\.name) == file.tensors.map(\.name))
    for tensor in written.all {
      let fingerprint = try file.withBytes(of: tensor.name) { Fingerprint.sha256(of: $0) }
      let stored = try file.tensor(named: tensor.name).format
      #expect(tensor.fingerprint == fingerprint && tensor.format == stored)
    }
    _ = try ModelConversion.writeDirectory(scratch.path + "/b", from: scratch.path + "/a.gguf", as: .bf16) {
      back.add($0)
    }
    let files = try CheckpointFiles(scratch.path + "/b")
    let list = try String(contentsOfFile: scratch.path + "/b/tensors.sha256", encoding: .utf8)
    #expect(back.all.map(\.name).sorted() == files.names)
    for tensor in back.all {
      #expect(try tensor.fingerprint == files.withBytes(of: tensor.name) { Fingerprint.sha256(of: $0) })
      #expect(list.contains("\(tensor.fingerprint)  \(tensor.name)\n"))
      #expect(try files.entry(named: tensor.name).type == .bf16)
    }
  }

  @Test func matricesKeepTheirFormUnlessOneIsAskedFor() throws {
    let scratch = try ModelScratch()
    try TinyCheckpoint.qwen2.write(to: scratch.path + "/a", .bf16)
    _ = try ModelConversion.writeGGUF(scratch.path + "/a.gguf", from: scratch.path + "/a", as: nil) { _ in }
    for tensor in try GGUFFile(scratch.path + "/a.gguf").tensors {
      #expect(tensor.type == (tensor.shape.count == 1 ? .f32 : .bf16), "\(tensor.name)")
    }
    _ = try ModelConversion.writeDirectory(scratch.path + "/b", from: scratch.path + "/a.gguf", as: nil) { _ in }
    let files = try CheckpointFiles(scratch.path + "/b")
    #expect(try files.entry(named: "lm_head.weight").type == .bf16)
    let shape = [40, 32]
    let expected = TinyCheckpoint.bytes(TinyCheckpoint.numbers("lm_head.weight", shape), .bf16)
    #expect(try files.withBytes(of: "lm_head.weight") { Array($0) } == expected)
  }

  @Test func mixesGiveMoreBitsWhereThePublishedOnesDo() {
    func format(_ type: ConversionType, _ name: String, _ layer: Int?, width: Int = 512, tied: Bool = false)
      -> BlockFormat
    {
      let rows = FloatRows(shape: [4, width]) { _, _ in }
      let tensor = PlannedTensor(name: name, rows: rows, stored: .bf16, layer: layer)
      return type.format(of: tensor, layers: 32, isHeadTied: tied)
    }
    let many = (0..<32).filter { (layer: Int) in format(.q4_K_M, "blk.\(layer).ffn_down.weight", layer) == .q6_K }
    #expect(many == [0, 1, 2, 3, 6, 9, 12, 15, 18, 21, 24, 27, 28, 29, 30, 31])
    #expect(many == (0..<32).filter { (layer: Int) in format(.q5_K_M, "blk.\(layer).attn_v.weight", layer) == .q6_K })
    #expect(format(.q4_K_M, "blk.5.ffn_down.weight", 5) == .q4_K && format(.q5_K_M, "blk.5.attn_v.weight", 5) == .q5_K)
    #expect(format(.q4_K_M, "output.weight", nil) == .q6_K && format(.q4_K, "output.weight", nil) == .q4_K)
    #expect(format(.q4_K_M, "token_embd.weight", nil) == .q4_K)
    #expect(format(.q4_K_M, "token_embd.weight", nil, tied: true) == .q6_K)
    #expect(format(.q4_K, "blk.0.ffn_gate_inp.weight", 0) == .f32)
    #expect(format(.q4_K, "blk.0.attn_k_b.weight", 0, width: 128) == .q5_0)
    #expect(format(.q6_K, "blk.0.attn_k_b.weight", 0, width: 96) == .q8_0)
    #expect(format(.q8_0, "blk.0.attn_k_b.weight", 0, width: 24) == .f16)
    #expect(ConversionType.allCases.allSatisfy { $0.rawValue == $0.rawValue.lowercased() })
  }

  @Test func eightBitFloatsAreScaledByTheirTiles() throws {
    let scratch = try ModelScratch()
    let tiny = TinyCheckpoint.deepSeekV2
    let name = "model.layers.1.mlp.experts.0.up_proj.weight"
    let (height, width) = (24, 32)
    let codes = (0..<height * width).map { UInt8($0 % 120) }
    var tensors = tiny.tensors().filter { $0.name != name }
    tensors.append(TensorToStore(name, .f8e4m3, [height, width], codes))
    let scale = withUnsafeBytes(of: Float(0.375).bitPattern.littleEndian) { Array($0) }
    tensors.append(TensorToStore(name + "_scale_inv", .f32, [1, 1], scale))
    try FileManager.default.createDirectory(atPath: scratch.path + "/a", withIntermediateDirectories: true)
    try DurableFile.write(tiny.configuration, to: scratch.path + "/a/config.json")
    try SafetensorsWriter().write(tensors, in: scratch.path + "/a")
    _ = try ModelConversion.writeGGUF(scratch.path + "/a.gguf", from: scratch.path + "/a", as: .f32) { _ in }
    let numbers = try GGUFModel(scratch.path + "/a.gguf").rows(of: name).numbers()
    #expect(numbers == codes.map { Float8.e4m3.values[Int($0)] * 0.375 })
  }

  @Test func theTokenizerTravelsWithTheModel() throws {
    let scratch = try ModelScratch()
    try TinyCheckpoint.llama.write(to: scratch.path + "/a")
    let tokenizer = """
      {"added_tokens": [{"id": 3, "content": "<eos>", "special": true}, {"id": 4, "content": "<think>", "special": false}],
       "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "ByteLevel", "use_regex": true}]},
       "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": [["a", "b"]]}}
      """
    try DurableFile.write(tokenizer, to: scratch.path + "/a/tokenizer.json")
    try DurableFile.write(
      #"{"eos_token": {"content": "<eos>"}, "add_bos_token": false, "chat_template": "{{ x }}"}"#,
      to: scratch.path + "/a/tokenizer_config.json")
    let remarks = try ModelConversion.writeGGUF(scratch.path + "/a.gguf", from: scratch.path + "/a", as: nil) { _ in }
    #expect(remarks == [])
    let keys = try GGUFModel(scratch.path + "/a.gguf").tokenizerMetadata
    let tokens = try #require(try keys["tokenizer.ggml.tokens"]?.list?.texts())
    #expect(tokens.count == 48 && Array(tokens[..<6]) == ["a", "b", "ab", "<eos>", "<think>", "[PAD5]"])
    let types = try #require(try keys["tokenizer.ggml.token_type"]?.list?.integers())
    #expect(Array(types[..<6]) == [1, 1, 1, 3, 4, 5])
    #expect(try keys["tokenizer.ggml.merges"]?.list?.texts() == ["a b"])
    #expect(keys["tokenizer.ggml.eos_token_id"] == .uint32(3) && keys["tokenizer.ggml.model"] == .string("gpt2"))
    #expect(keys["tokenizer.ggml.pre"] == .string("gpt-2"))
    _ = try ModelConversion.writeDirectory(scratch.path + "/b", from: scratch.path + "/a.gguf", as: nil) { _ in }
    #expect(try String(contentsOfFile: scratch.path + "/b/tokenizer.json", encoding: .utf8) == tokenizer)
    #expect(
      try String(contentsOfFile: scratch.path + "/b/tokenizer_config.json", encoding: .utf8)
        == #"{"add_bos_token":false,"chat_template":"{{ x }}","eos_token":"<eos>"}"#)
  }

  @Test func whatCannotBeConvertedIsASentenceAndLeavesNothing() throws {
    let scratch = try ModelScratch()
    let tiny = TinyCheckpoint.llama
    func fails(
      _ says: String, _ configuration: String? = nil, dropping: String? = nil, adding: [TensorToStore] = [],
      as type: ConversionType? = .f32
    ) throws {
      let directory = scratch.path + "/a"
      try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
      defer { try? FileManager.default.removeItem(atPath: directory) }
      try DurableFile.write(configuration ?? tiny.configuration, to: "\(directory)/config.json")
      try SafetensorsWriter().write(tiny.tensors().filter { $0.name != dropping } + adding, in: directory)
      let error = #expect(throws: CheckpointError.self, "\(says)") {
        try ModelConversion.writeGGUF(scratch.path + "/x.gguf", from: directory, as: type) { _ in }
      }
      #expect("\(error.map { "\($0)" } ?? "")".contains(says), "\(String(describing: error))")
      #expect(scratch.contents == ["a"])
    }
    func changed(_ a: String, _ b: String) -> String { tiny.configuration.replacingOccurrences(of: a, with: b) }
    try fails("'model_type' is the text 'gpt2'; one of llama, qwen2", changed("\"llama\"", "\"gpt2\""))
    try fails("is not a JSON object", "[1]")
    try fails("'num_hidden_layers' is the number 0", changed("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 0"))
    try fails(
      "'num_hidden_layers' is the number 16777216",
      changed("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 16777216"))
    try fails("'hidden_size' is missing", changed("\"hidden_size\": 32,", ""))
    try fails(
      "'num_attention_heads' is the number 5", changed("\"num_attention_heads\": 4", "\"num_attention_heads\": 5"))
    try fails("the rotary scaling 'su'", changed("\"llama3\"", "\"su\""))
    try fails("'hidden_act' is the text 'gelu'", changed("\"silu\"", "\"gelu\""))
    try fails(
      "has no place in a GGUF file of llama with 2 layers", adding: [TensorToStore("model.layers.5.x", .u8, [1], [1])])
    let norm = "model.norm.weight"
    try fails("has type I32", dropping: norm, adding: [TensorToStore(norm, .i32, [1], [0, 0, 0, 0])])
    let q = "model.layers.0.self_attn.q_proj.weight"
    let bad = TinyCheckpoint.bytes([Float](repeating: .nan, count: 32 * 32), .f32)
    try fails("number 0 is nan; Q8_0 holds", dropping: q, adding: [TensorToStore(q, .f32, [32, 32], bad)], as: .q8_0)
    try fails(
      "has shape [30, 32]; 4 heads", dropping: q,
      adding: [TensorToStore(q, .f32, [30, 32], Array(bad.prefix(30 * 128)))])

    try tiny.write(to: scratch.path + "/a")
    try DurableFile.write("here before", to: scratch.path + "/x.gguf")
    #expect(throws: CheckpointError.self) {
      try ModelConversion.writeGGUF(scratch.path + "/x.gguf", from: scratch.path + "/a", as: nil) { _ in }
    }
    #expect(try String(contentsOfFile: scratch.path + "/x.gguf", encoding: .utf8) == "here before")
    struct Stop: Error {}
    _ = try ModelConversion.writeGGUF(scratch.path + "/y.gguf", from: scratch.path + "/a", as: nil) { _ in }
    #expect(throws: Stop.self) {
      try ModelConversion.writeDirectory(scratch.path + "/b", from: scratch.path + "/y.gguf", as: nil) { _ in
        throw Stop()
      }
    }
    #expect(throws: CheckpointError.self) {
      try ModelConversion.writeDirectory(scratch.path + "/b", from: scratch.path + "/y.gguf", as: .q4_K) { _ in }
    }
    #expect(scratch.contents == ["a", "x.gguf", "y.gguf"])
  }

  @Test func expertsOfAModelThatNamesNoneAreRefused() throws {
    let (scratch, tiny) = (try ModelScratch(), TinyCheckpoint.deepSeekV3)
    try tiny.write(to: scratch.path + "/a")
    let configuration = tiny.configuration.replacing(/"n_routed_experts": [0-9]+,/, with: "")
    #expect(configuration != tiny.configuration)
    try DurableFile.write(configuration, to: scratch.path + "/a/config.json")
    let error = #expect(throws: CheckpointError.self) {
      try ModelConversion.writeGGUF(scratch.path + "/x.gguf", from: scratch.path + "/a", as: nil) { _ in }
    }
    #expect(error?.description.contains("'n_routed_experts' is missing") == true, "\(String(describing: error))")
    #expect(scratch.contents == ["a"])
  }

  @Test func predictionModulesAreLeftOutAndSaidSo() throws {
    let scratch = try ModelScratch()
    let extra = TensorToStore("model.layers.3.eh_proj.weight", .f32, [1, 1], [0, 0, 0, 0])
    try TinyCheckpoint.deepSeekV3.write(to: scratch.path + "/a", adding: [extra])
    let remarks = try ModelConversion.writeGGUF(scratch.path + "/a.gguf", from: scratch.path + "/a", as: nil) { _ in }
    #expect(remarks.contains { $0.contains("the 1 tensors of the multi-token prediction module") })
    #expect(try GGUFModel(scratch.path + "/a.gguf").names == TinyCheckpoint.deepSeekV3.shapes.keys.sorted())
  }

  /// Files that are sound but say what no model can be: each opens and is read, or is refused with a sentence.
  @Test func damagedSettingsAreReadOrRefused() throws {
    let scratch = try ModelScratch()
    var random = RandomStream(seed: 4)
    var (read, refused) = (0, 0)
    for tiny in TinyCheckpoint.all {
      try tiny.write(to: "\(scratch.path)/\(tiny.name)")
      let path = "\(scratch.path)/\(tiny.name).gguf"
      _ = try ModelConversion.writeGGUF(path, from: "\(scratch.path)/\(tiny.name)", as: .f32) { _ in }
      let whole = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
      let header = try #require(GGUFFile(path).tensors.map(\.byteRange.lowerBound).min())
      for _ in 0..<120 {
        var bytes = whole
        let extreme = [0, 1, 3, 255, 0xFFFF, 0x7FFF_FFFF, 0xFFFF_FFFF][Int(random.next() % 7)]
        let at = 24 + Int(random.next() % UInt64(header - 32))
        for i in 0..<Int(random.next() % 4) + 1 { bytes[at + i] = UInt8(truncatingIfNeeded: extreme >> (8 * i)) }
        try Data(bytes).write(to: URL(fileURLWithPath: "\(scratch.path)/x.gguf"))
        do {
          let model = try GGUFModel("\(scratch.path)/x.gguf")
          for name in model.names { #expect(try model.rows(of: name).numbers(0..<1).count > 0) }
          read += 1
        } catch let error as CheckpointError {
          #expect(!error.description.contains("\n"))
          refused += 1
        }
      }
    }
    #expect(read > 20 && refused > 200, "\(read) were read, \(refused) refused")
  }
}
