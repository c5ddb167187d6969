// GGUF files: what the `gguf` package wrote is read, what is written here is read back, every lie is a sentence.
import Checkpoints
import Foundation
import Testing

@testable import GGUF

/// The sentence with which opening these bytes fails; nil when it does not.
private func complaint(_ bytes: [UInt8]) throws -> String? {
  let scratch = try ScratchDirectory()
  do {
    _ = try GGUFFile(scratch.put("x.gguf", bytes))
    return nil
  } catch let error as CheckpointError {
    return error.description
  }
}

@Suite struct GGUFReadingTests {
  @Test func aFileOfTheReferencePackageIsRead() throws {
    let file = try GGUFFile(GGUFGoldens.directory.appending(path: "package.gguf").path)
    #expect(file.version == 3 && file.alignment == 32)
    let expected: [String: GGUFValue] = [
      "general.architecture": .string("llama"), "test.uint8": .uint8(200), "test.int8": .int8(-100),
      "test.uint16": .uint16(60000), "test.int16": .int16(-30000), "test.uint32": .uint32(4_000_000_000),
      "test.int32": .int32(-2_000_000_000), "test.float32": .float32(1e-6), "test.uint64": .uint64(1 << 63 + 5),
      "test.int64": .int64(-(1 << 62)), "test.float64": .float64(0.1), "test.bool": .bool(true),
      "test.string": .string("Grüße, 世界"), "test.texts": .array(GGUFArray(["a", "", "Ġthe", "世"])),
      "test.integers": .array(GGUFArray([1, -2, 3] as [Int32])), "test.numbers": .array(GGUFArray([0.5, -1.5])),
      "test.flags": .array(GGUFArray([true, false, true])),
    ]
    #expect(file.metadata == expected)
    #expect(file.keys.count == expected.count && file.keys.first == "general.architecture")
    #expect(try file.metadata["test.texts"]?.list?.texts() == ["a", "", "Ġthe", "世"])
    #expect(try file.metadata["test.integers"]?.list?.integers() == [1, -2, 3])
    #expect(try file.metadata["test.numbers"]?.list?.numbers() == [0.5, -1.5])
    #expect(try file.metadata["test.flags"]?.list?.elements() == [.bool(true), .bool(false), .bool(true)])
    #expect(file.metadata["test.float32"]?.number == 1e-6)
    let matrix = (0..<192).map { Float($0 - 96) / 64 }
    for format in ["F32", "F16", "BF16", "Q8_0", "Q4_0"] {
      let tensor = try file.tensor(named: "matrix.\(format)")
      #expect(tensor.shape == [3, 64] && tensor.type.name == format)
      let numbers = try file.rows(of: tensor.name).numbers()
      let tolerance: Float = format == "Q4_0" ? 0.11 : format == "Q8_0" ? 0.01 : 0
      #expect(zip(numbers, matrix).allSatisfy { abs($0 - $1) <= tolerance }, "\(format)")
      #expect(try file.rows(of: tensor.name).numbers(1..<2) == Array(numbers[64..<128]))
    }
    #expect(try file.rows(of: "vector").numbers() == [0, 1, 2, 3, 4])
  }

  @Test(
    arguments: [
      ([], "cut short"), (Array("GGUF".utf8), "the version takes 4 bytes, but 0 are left"),
      (Array("GGML".utf8) + number(UInt32(3)), "does not begin with 'GGUF'"),
      (RawGGUF(version: 1).bytes, "version 1; versions 2 and 3"), (RawGGUF(version: 4).bytes, "version 4"),
      (RawGGUF(version: UInt32(3).byteSwapped).bytes, "big endian"),
      (RawGGUF(tensorCount: 1 << 63).bytes, "number of tensors is 9223372036854775808"),
      (RawGGUF(tensorCount: 2).bytes, "number of tensors is 2, but the 16 bytes"),
      (RawGGUF(pairCount: .max).bytes, "number of keys is 18446744073709551615"),
      (RawGGUF.with(number(UInt64(1) << 40) + number(UInt64(0))), "the length of key 0 is 1099511627776"),
      (RawGGUF.with(number(UInt64(2)) + [0xC3, 0x28] + number(UInt32(4)) + [0, 0, 0, 0]), "key 0 is not UTF-8"),
      (RawGGUF.with(RawGGUF.pair("", 0, [1])), "key 0 has 0 bytes"),
      (RawGGUF.with(RawGGUF.pair("a", 0, [1]), RawGGUF.pair("a", 0, [1])), "'a' stands a second time"),
      (RawGGUF.with(RawGGUF.pair("a", 13, [1])), "type of the value of 'a' is 13; types are 0 to 12"),
      (RawGGUF.with(RawGGUF.pair("a", 7, [2])), "the value of 'a' is the byte 2"),
      (RawGGUF.with(RawGGUF.pair("a", 8, number(UInt64.max))), "the length of the value of 'a' is 1844"),
      (RawGGUF.with(RawGGUF.pair("a", 9, number(UInt32(4)) + number(UInt64(1) << 62))), "number of elements"),
      (RawGGUF.with(RawGGUF.pair("a", 9, number(UInt32(99)) + number(UInt64(0)))), "type of the elements"),
      (RawGGUF.with(RawGGUF.pair("a", 9, number(UInt32(7)) + number(UInt64(2)) + [1, 9])), "is the byte 9"),
      (
        RawGGUF.with(RawGGUF.pair("a", 9, number(UInt32(8)) + number(UInt64(1)) + number(UInt64(1) << 33))),
        "the length of an element of the value of 'a' is 8589934592"
      ),
      (
        RawGGUF.with(RawGGUF.pair("a", 9, (0..<6).flatMap { _ in number(UInt32(9)) + number(UInt64(1)) })),
        "more than 4 deep"
      ),
      (RawGGUF.with(RawGGUF.pair("general.alignment", 4, number(UInt32(0)))), "the number 0; a power of two"),
      (RawGGUF.with(RawGGUF.pair("general.alignment", 4, number(UInt32(24)))), "the number 24; a power of two"),
      (RawGGUF.with(RawGGUF.pair("general.alignment", 8, RawGGUF.text("32"))), "the text '32'; a power of two"),
      (RawGGUF.tensors(RawGGUF.entry("w", [4], 0), RawGGUF.entry("w", [4], 0, at: 32)), "has it twice"),
      (RawGGUF.tensors(RawGGUF.entry("w", [1, 1, 1, 1, 1], 0)), "has 5 extents; at most 4"),
      (RawGGUF.tensors(RawGGUF.text("w") + number(UInt32.max) + number(UInt64(0))), "has 4294967295 extents"),
      (RawGGUF.tensors(RawGGUF.entry("w", [4, 0], 0)), "has the extent 0"),
      (RawGGUF.tensors(RawGGUF.entry("w", [1 << 63], 0)), "has the extent 9223372036854775808"),
      (RawGGUF.tensors(RawGGUF.entry("w", [1 << 40, 1 << 40], 0)), "more bytes than 64 bits can count"),
      (RawGGUF.tensors(RawGGUF.entry("w", [256, 1 << 62], 12)), "more bytes than 64 bits can count"),
      (RawGGUF.tensors(RawGGUF.entry("w", [1 << 40], 0)), "reach beyond the 128 bytes of data"),
      (RawGGUF.tensors(RawGGUF.entry("w", [4], 4)), "has the type 4; known are 0"),
      (RawGGUF.tensors(RawGGUF.entry("w", [4], 999)), "has the type 999"),
      (RawGGUF.tensors(RawGGUF.entry("w", [48, 2], 8)), "rows of 48 numbers; Q8_0 stores them in blocks of 32"),
      (RawGGUF.tensors(RawGGUF.entry("w", [4], 0, at: 4)), "not a multiple of the alignment 32"),
      (RawGGUF.tensors(RawGGUF.entry("w", [4], 0, at: 128)), "at offset 128 reach beyond the 128 bytes"),
      (RawGGUF.tensors(RawGGUF.entry("w", [4], 0, at: .max - 31)), "reach beyond"),
      (RawGGUF.tensors(RawGGUF.entry("w", [33], 0)), "132 bytes (F32 [33]) at offset 0 reach beyond"),
      (RawGGUF.tensors(RawGGUF.entry("v", [9], 0), RawGGUF.entry("w", [4], 0, at: 32)), "inside those of 'v'"),
      (RawGGUF.tensors(RawGGUF.entry("v", [4], 0), RawGGUF.entry("w", [4], 0)), "inside those of"),
      (Array(RawGGUF.tensors(RawGGUF.entry("w", [32], 0)).dropLast()), "cut short"),
    ] as [([UInt8], String)])
  func everyLieIsASentence(bytes: [UInt8], says: String) throws {
    let sentence = try #require(try complaint(bytes), "accepted a file that should say: \(says)")
    #expect(sentence.contains(says), "\(sentence)")
    #expect(sentence.contains("x.gguf") && !sentence.contains("\n"))
  }

  @Test func theSameFilesWithoutTheirLiesAreRead() throws {
    #expect(try complaint(RawGGUF().bytes) == nil)
    #expect(try complaint(RawGGUF(version: 2).bytes) == nil)
    #expect(try complaint(RawGGUF.with(RawGGUF.pair("a", 7, [1]), RawGGUF.pair("b", 7, [0]))) == nil)
    #expect(try complaint(RawGGUF.tensors(RawGGUF.entry("v", [8], 0), RawGGUF.entry("w", [4], 0, at: 32))) == nil)
    #expect(try complaint(RawGGUF.tensors(RawGGUF.entry("v", [32], 8), RawGGUF.entry("w", [], 0, at: 64))) == nil)
  }

  @Test func whatIsAskedForAndIsNotThereIsASentence() throws {
    let scratch = try ScratchDirectory()
    let path = try scratch.put(
      "x.gguf",
      RawGGUF(
        pairs: [RawGGUF.pair("a", 8, RawGGUF.text("x"))], entries: [RawGGUF.entry("blk.0.w", [32], 20)],
        data: Array(repeating: 0, count: 18)
      ).bytes)
    let file = try GGUFFile(path)
    func sentence(_ body: () throws -> Void) -> String {
      do {
        try body()
        return "nothing"
      } catch { return "\(error)" }
    }
    #expect(sentence { _ = try file.count("b") }.contains("has no key 'b'; a whole number"))
    #expect(sentence { _ = try file.count("a") }.contains("'a' is the text 'x'; a whole number"))
    #expect(sentence { _ = try file.number("a") }.contains("a finite number was expected"))
    #expect(sentence { _ = try file.tensor(named: "blk.1.w") }.contains("it has: 'blk.0.w'"))
    #expect(sentence { _ = try file.rows(of: "blk.0.w") }.contains("has type IQ4_NL; numbers are read from F32"))
    #expect(try file.withBytes(of: "blk.0.w") { $0.count } == 18)
  }
}

@Suite struct GGUFWritingTests {
  @Test func whatIsWrittenIsReadBack() throws {
    let scratch = try ScratchDirectory()
    let keys: [(key: String, value: GGUFValue)] = [
      ("general.architecture", .string("test")), ("a", .uint8(1)), ("b", .int64(-5)), ("c", .float64(.pi)),
      ("d", .array(GGUFArray((0..<1000).map { "token \($0)" }))), ("e", .bool(false)),
      ("f", .array(GGUFArray([UInt32]()))), ("g", .uint64(.max)), ("h", .int16(-3)),
    ]
    var random = SplitMix(state: 1)
    let numbers = (0..<6 * 256).map { _ in random.bell() }
    let rows = FloatRows(shape: [2, 3, 256]) { rows, target in
      _ = target.update(fromContentsOf: numbers[rows.lowerBound * 256..<rows.upperBound * 256])
    }
    let tensors = BlockFormat.allCases.map { GGUFTensorToStore("w.\($0.rawValue)", $0, rows) }
    try GGUFWriter(metadata: keys).write(tensors, to: scratch.path + "/x.gguf")
    let file = try GGUFFile(scratch.path + "/x.gguf")
    #expect(file.keys == keys.map(\.key))
    for (key, value) in keys { #expect(file.metadata[key] == value, "\(key)") }
    #expect(file.tensors.map(\.name) == tensors.map(\.name))
    for (tensor, format) in zip(file.tensors, BlockFormat.allCases) {
      #expect(tensor.shape == [2, 3, 256] && tensor.format == format && tensor.byteRange.lowerBound % 32 == 0)
      let expected = format.dequantise(try format.quantise(numbers))
      #expect(try file.rows(of: tensor.name).numbers() == expected, "\(format)")
    }
    #expect(scratch.contents == ["x.gguf"])
  }

  @Test func rowsAreStreamedInPieces() throws {
    let scratch = try ScratchDirectory()
    // 300 rows of 4096 are more than one piece.
    let rows = FloatRows(shape: [300, 4096]) { rows, target in
      #expect(target.count <= 262_144)
      for (place, row) in rows.enumerated() { for i in 0..<4096 { target[place * 4096 + i] = Float(row * 7 + i) } }
    }
    try GGUFWriter().write([GGUFTensorToStore("w", .f32, rows)], to: scratch.path + "/x.gguf")
    let back = try GGUFFile(scratch.path + "/x.gguf").rows(of: "w").numbers()
    #expect(back.count == 300 * 4096)
    #expect(back.indices.allSatisfy { back[$0] == Float($0 / 4096 * 7 + $0 % 4096) })
  }

  @Test func aFailureLeavesNothingBehind() throws {
    struct Failure: Error {}
    let scratch = try ScratchDirectory()
    let path = scratch.path + "/x.gguf"
    func fails(_ says: String, _ tensors: [GGUFTensorToStore], _ keys: [(key: String, value: GGUFValue)] = []) {
      let error = #expect(throws: (any Error).self) { try GGUFWriter(metadata: keys).write(tensors, to: path) }
      #expect("\(error.map { "\($0)" } ?? "")".contains(says), "\(String(describing: error))")
      #expect(scratch.contents == [])
    }
    let good = GGUFTensorToStore("w", .f32, [1]) { try $0(UnsafeRawBufferPointer(start: nil, count: 0)) }
    fails("0 bytes were given, but F32 of shape [1] takes 4", [good])
    fails("Failure", [GGUFTensorToStore("w", .f32, [1]) { _ in throw Failure() }])
    fails(
      "number 3 is nan",
      [
        GGUFTensorToStore(
          "w", .q8_0,
          FloatRows(shape: [32]) { _, x in
            for i in 0..<32 { x[i] = i == 3 ? .nan : 1 }
          })
      ])
    fails("given twice", [good, good])
    fails("rows of 33 numbers", [GGUFTensorToStore("w", .q8_0, [33]) { _ in }])
    fails("has an extent below 1", [GGUFTensorToStore("w", .f32, [0, 4]) { _ in }])
    fails("too large to count", [GGUFTensorToStore("w", .f32, [1 << 40, 1 << 40]) { _ in }])
    fails("has 64 bytes", [GGUFTensorToStore(String(repeating: "w", count: 64), .f32, [1]) { _ in }])
    fails("key 'a' was given twice", [], [("a", .bool(true)), ("a", .bool(true))])
    fails("cannot be written", [], [("", .bool(true))])
    fails("cannot be written", [], [("general.alignment", .uint32(64))])
  }
}
