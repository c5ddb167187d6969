// Texts that people bring: plain files and JSON lines, learnt from and encoded.
import Datasets
import Text

struct DocumentsParser: FuzzParser {
  let name = "documents"

  func seeds() throws -> [FuzzInput] {
    [
      FuzzInput([
        .init("a.txt", "Hello, world.\nÉté 你好 123\n"), .init("b.jsonl", "{\"text\": \"one\"}\n{\"text\": \"two\"}\n"),
      ]),
      FuzzInput(
        "c.jsonl", "{\"text\": \"\\u0000<|endoftext|>\"}\r\n\r\n{\"text\": \"x\", \"other\": [1, {\"a\": null}]}"),
      FuzzInput("d.jsonl", String(repeating: "[", count: 100_000)), FuzzInput("e.txt", ""),
      FuzzInput("f.jsonl", "{\"text\": 5}"), FuzzInput("g.txt", [0xFF, 0xFE, 0x41, 0x00]),
      FuzzInput("h.jsonl", "{\"text\": \"a\"}{\"text\": \"b\"}"),
      FuzzInput("i.txt", String(repeating: "ab ", count: 3000)),
    ]
  }

  func attempt(_ input: FuzzInput, in directory: String) async throws -> String {
    var settings = TextFileSettings()
    settings.paths = [directory]
    let source = try TextFileDocuments(settings)
    let documents = try (0..<(source.count ?? 0)).map { try source.document($0) }
    _ = try? source.document(documents.count)
    var trainer = BPETrainer(vocabularySize: 290)
    trainer.specialTokens = source.specialTokens
    trainer.endOfSequence = source.endOfDocument
    let tokenizer = try trainer.train(on: documents.prefix(20))
    for document in documents.prefix(20) {
      let back = tokenizer.decode(tokenizer.encode(document, recognizingSpecialTokens: false))
      guard back.utf8.elementsEqual(document.utf8) else { throw Violation("a text reads back as another one") }
    }
    return "learnt"
  }
}
