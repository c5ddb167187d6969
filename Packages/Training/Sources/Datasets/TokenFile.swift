// A corpus on disk: documents as tokens, one after another, and where each begins.
// Read through a memory map, so that a corpus may be larger than memory.
import Checkpoints
import Foundation
import Recipes
import Sentences
import Text

/// A directory with `tokens.bin` (int32, little endian), `documents.bin` (int64 starts, and the end) and the
/// tokenizer's files.
public struct TokenFile: Sendable {
  static let tokensName = "tokens.bin"
  static let documentsName = "documents.bin"
  public let directory: String
  private let tokens: MappedFile
  private let starts: MappedFile
  /// Tokens of the longest document.
  public private(set) var longestDocument = 0

  /// Throws `DatasetError` when the files are missing or do not fit together.
  public init(_ directory: String) throws {
    self.directory = directory
    tokens = try MappedFile("\(directory)/\(Self.tokensName)")
    starts = try MappedFile("\(directory)/\(Self.documentsName)")
    guard starts.count >= 8, starts.count % 8 == 0, tokens.count % 4 == 0 else {
      throw DatasetError(
        "\(directory): \(Self.documentsName) has \(starts.count) bytes; it needs 8 for each document and 8 more")
    }
    var previous = 0
    for i in 0...documentCount {
      let start = self.start(i)
      guard start >= previous, start <= tokens.count / 4 else {
        throw DatasetError(
          "\(directory): document \(i) begins at token \(start), which is not between \(previous) and \(tokens.count / 4)"
        )
      }
      longestDocument = max(longestDocument, start - previous)
      previous = start
    }
    // Tokens of no document would be counted and never read.
    guard start(0) == 0, previous == tokenCount else {
      throw DatasetError(
        "\(directory): the documents go from token \(start(0)) to \(previous); they must cover all \(tokenCount) tokens"
      )
    }
  }
  public var documentCount: Int { starts.count / 8 - 1 }
  public var tokenCount: Int { tokens.count / 4 }

  private func start(_ document: Int) -> Int {
    starts.withBytes { Int(Int64(littleEndian: $0.loadUnaligned(fromByteOffset: document * 8, as: Int64.self))) }
  }
  /// The tokens of one document.
  public func document(_ index: Int) -> [Int32] {
    let (first, last) = (start(index), start(index + 1))
    return tokens.withBytes { bytes in
      (first..<last).map { Int32(littleEndian: bytes.loadUnaligned(fromByteOffset: $0 * 4, as: Int32.self)) }
    }
  }

  /// Writes documents into a directory that somebody else publishes.
  public static func write(_ documents: [[TokenID]], into directory: String) throws {
    var (tokens, starts) = ([UInt8](), [UInt8]())
    func put(_ value: some FixedWidthInteger, _ bytes: inout [UInt8]) {
      withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }
    var position: Int64 = 0
    for document in documents {
      put(position, &starts)
      for token in document { put(token.rawValue, &tokens) }
      position += Int64(document.count)
    }
    put(position, &starts)
    try DurableFile.write(tokens, to: "\(directory)/\(tokensName)")
    try DurableFile.write(starts, to: "\(directory)/\(documentsName)")
  }
}

/// Data that cannot be used, in one sentence.
public struct DatasetError: Error, CustomStringConvertible {
  public let description: String
  public init(_ description: String) { self.description = sentenceLine(description) }
}
