// A tokenizer as published files describe it: added tokens, normalization, cuts, a model, markers, a decoder.
// An immutable value. Byte-level BPE with a known cut takes a short way that never leaves the bytes of the text.
import Jinja

/// A tokenizer of any published kind. Made from a tokenizer.json or from a vocabulary's arrays.
public struct TokenizerPipeline: Tokenizer {
  public let vocabularySize: Int
  public let beginningOfSequence: TokenID?
  public let endOfSequence: TokenID?
  /// Tokens that the file wants before and behind a text, which `encode` does not add by itself.
  public let markers: (before: [TokenID], after: [TokenID])
  /// How tokens become text.
  public var decoding: TokenDecoding? { decoder }

  let added: AddedVocabulary
  let normalizers: [NormalizerStep]
  let cuts: [CutStep]
  let model: SubwordModel
  let decoder: TokenDecoding
  private let idsByName: ByteStringMap
  /// The way to cut of the short way: no normalization, one known cut, byte-pair encoding.
  let shortWay: (way: PreTokenizer, model: BytePairModel)?

  init(_ parts: TokenizerParts) {
    (normalizers, cuts, model, decoder) = (parts.normalizers, Self.cuts(parts), parts.model, parts.decoding)
    (markers, beginningOfSequence, endOfSequence) = (parts.markers, parts.beginning, parts.end)
    vocabularySize = parts.decoding.spellings.count
    idsByName = parts.idsByName
    added = AddedVocabulary(parts.added)
    shortWay = Self.shortWay(parts)
  }

  /// The cuts of the file, and one more where a model that takes whole texts joins nothing across it: before a run of
  /// written-out spaces. The tokens are the same, but words are met again and remembered.
  private static func cuts(_ parts: TokenizerParts) -> [CutStep] {
    let space: [UInt8] = [0xE2, 0x96, 0x81]  // U+2581
    guard case .bytePair(let model) = parts.model, model.knowsEveryUnit, !model.ignoresMerges else { return parts.cuts }
    let joinsWords = model.merges.results.contains { token in
      let spelling = parts.decoding.spellings[Int(token)] ?? []
      var crosses = false
      spelling.withUnsafeBufferPointer { bytes in
        forEachOccurrence(of: space, in: bytes) { place in
          let isInside = place.lowerBound > 0 && !bytes[..<place.lowerBound].suffix(space.count).elementsEqual(space)
          crosses = crosses || isInside
        }
      }
      return crosses
    }
    return joinsWords ? parts.cuts : parts.cuts + [.beforeRuns(of: space)]
  }

  private static func shortWay(_ parts: TokenizerParts) -> (way: PreTokenizer, model: BytePairModel)? {
    guard parts.normalizers.isEmpty, case .bytePair(let model) = parts.model else { return nil }
    if parts.cuts.isEmpty { return (.wholeText, model) }
    guard parts.cuts.count == 1, case .known(let way) = parts.cuts[0] else { return nil }
    return (way, model)
  }

  public func bytes(of token: TokenID) -> [UInt8] { decoder.bytes(of: token) }

  public func isSpecial(_ token: TokenID) -> Bool { decoder.special.contains(token.rawValue) }

  public func token(named text: String) -> TokenID? { idsByName[Array(text.utf8)].map { TokenID(rawValue: $0) } }

  public func encode(_ text: String, recognizingSpecialTokens: Bool) -> [TokenID] {
    var session = EncodingSession(self)
    return session.encode(text, recognizingSpecialTokens: recognizingSpecialTokens)
  }

  public func encode(_ text: RenderedText) -> [TokenID] {
    var session = EncodingSession(self)
    return session.encode(text)
  }

  /// Tokens of every text, in order, by as many threads as the machine has or `threads` says. The same tokens as
  /// `encode` gives one by one; a thread remembers the words that it has met.
  public func encode(_ texts: [String], recognizingSpecialTokens: Bool, threads: Int? = nil) -> [[TokenID]] {
    encodeInParallel(texts, threads: threads) {
      EncodingSession(self)
    } encode: { session, text in
      session.encode(text, recognizingSpecialTokens: recognizingSpecialTokens)
    }
  }
}

extension TokenizerPipeline: CustomStringConvertible {
  /// How many tokens there are; the parts would fill pages.
  public var description: String { "TokenizerPipeline(\(vocabularySize) tokens)" }
}

/// What a pipeline is put together from.
struct TokenizerParts {
  var added: [(token: AddedToken, form: [UInt8])] = []
  var normalizers: [NormalizerStep] = []
  var cuts: [CutStep] = []
  var model: SubwordModel
  var decoding: TokenDecoding
  var markers: (before: [TokenID], after: [TokenID]) = ([], [])
  var beginning: TokenID?
  var end: TokenID?
  var idsByName = ByteStringMap()
}
