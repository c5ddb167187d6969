// Where training texts come from: numbered documents, and what a tokenizer and a server must know about them.
import Plugins

/// Documents by number. Called while a corpus is prepared, by several threads, in any order.
public protocol DocumentSource: Sendable {
  var name: String { get }
  /// Text of document `index`, without `endOfDocument`; the same index gives the same text.
  func document(_ index: Int) throws -> String
  /// How many documents there are; nil when the source never ends.
  var count: Int? { get }
  /// Texts that a tokenizer for these documents keeps whole, `endOfDocument` among them.
  var specialTokens: [String] { get }
  /// The special token that whoever packs the documents writes after each.
  var endOfDocument: String { get }
  /// How a question is put to a model that learnt from these documents, with `{question}` where it goes; nil when the
  /// documents ask nothing.
  var promptTemplate: String? { get }
}

/// Document sources, as a kind of part.
public enum DocumentParts: PartKind {
  public typealias Product = any DocumentSource
  public static var noun: String { "document source" }
}

extension Registry {
  /// The document sources that recipes can name.
  public var documents: Catalog<any DocumentSource> {
    get { self[DocumentParts.self] }
    set { self[DocumentParts.self] = newValue }
  }
}
