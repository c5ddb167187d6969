// Which experts the tokens of a sequence went to, kept small: what a rollout reports, so that training can send every
// token to the same experts again.

/// What one token's choices look like in a model: equal for all of its tokens.
public struct ExpertLayout: Sendable, Hashable {
  /// Routed layers, a prediction module's not among them.
  public let layers: Int
  /// K: experts that a token passes in each of these layers.
  public let chosen: Int
  /// E: experts of a layer that a token may be sent to.
  public let experts: Int

  /// Traps when one of the numbers is below 1.
  public init(layers: Int, chosen: Int, experts: Int) {
    precondition(
      layers > 0 && chosen > 0 && experts > 0, "ExpertLayout: \(layers) layers, \(chosen) of \(experts) experts")
    (self.layers, self.chosen, self.experts) = (layers, chosen, experts)
  }

  /// Bytes that an expert's number takes: 1 up to 256 experts, 2 up to 65536.
  var choiceBytes: Int { experts <= 1 << 8 ? 1 : experts <= 1 << 16 ? 2 : 4 }
  /// Bytes that the choices of one token take: 464 for DeepSeek-V3's 8 of 256 experts in 58 layers.
  public var tokenBytes: Int { layers * chosen * choiceBytes }
}

/// The experts of consecutive tokens in every routed layer, in the order in which the router chose them: sums over a
/// token's experts follow it. Every number in it is below `layout.experts`.
public struct ExpertChoices: Sendable, Hashable {
  public let layout: ExpertLayout
  /// How many tokens there are choices of.
  public private(set) var tokens: Int
  /// Token by token, in it layer by layer, in it the K choices, each little-endian.
  private var bytes: [UInt8]

  /// Expert 0 everywhere, to be overwritten layer by layer.
  public init(_ layout: ExpertLayout, tokens: Int) {
    precondition(tokens >= 0, "ExpertChoices: \(tokens) tokens")
    (self.layout, self.tokens) = (layout, tokens)
    bytes = [UInt8](repeating: 0, count: tokens * layout.tokenBytes)
  }

  /// Writes down a layer's experts, [tokens · K]. `layer` counts routed layers from 0. Traps when their number is
  /// another or an expert is not below `layout.experts`.
  public mutating func write(_ experts: [Int32], layer: Int) {
    let (chosen, width) = (layout.chosen, layout.choiceBytes)
    precondition(
      experts.count == tokens * chosen && (0..<layout.layers).contains(layer),
      "ExpertChoices: \(experts.count) experts of layer \(layer) do not fit \(tokens) tokens in \(layout)")
    for (i, expert) in experts.enumerated() {
      precondition(expert >= 0 && expert < layout.experts, "ExpertChoices: expert \(expert) of \(layout.experts)")
      let place = self.place(token: i / chosen, layer: layer) + i % chosen * width
      for b in 0..<width { bytes[place + b] = UInt8(truncatingIfNeeded: expert >> (8 * b)) }
    }
  }
  /// A layer's experts, [tokens · K]; `layer` counts routed layers from 0.
  public func experts(layer: Int) -> [Int32] {
    precondition((0..<layout.layers).contains(layer), "ExpertChoices: layer \(layer) of \(layout.layers)")
    let (chosen, width) = (layout.chosen, layout.choiceBytes)
    return (0..<tokens * chosen).map { i in
      let place = self.place(token: i / chosen, layer: layer) + i % chosen * width
      return (0..<width).reduce(0) { $0 | Int32(bytes[place + $1]) << (8 * $1) }
    }
  }
  private func place(token: Int, layer: Int) -> Int {
    token * layout.tokenBytes + layer * layout.chosen * layout.choiceBytes
  }

  /// The choices of some of the tokens.
  public subscript(range: Range<Int>) -> ExpertChoices {
    precondition(
      range.lowerBound >= 0 && range.upperBound <= tokens, "ExpertChoices: tokens \(range) of \(tokens)")
    var part = ExpertChoices(layout, tokens: 0)
    part.tokens = range.count
    part.bytes = Array(bytes[range.lowerBound * layout.tokenBytes..<range.upperBound * layout.tokenBytes])
    return part
  }
  /// Adds the tokens that follow. Traps when their layout is another.
  public mutating func append(_ next: ExpertChoices) {
    precondition(next.layout == layout, "ExpertChoices: \(next.layout) does not continue \(layout)")
    tokens += next.tokens
    bytes += next.bytes
  }
  /// Bytes of all choices.
  public var byteCount: Int { bytes.count }
}

/// How a router's own choice compares with the one that was replayed in its place.
public struct ReplayAgreement: Sendable, Equatable {
  /// Choices that were replaced: one for each token and routed layer.
  public var choices = 0
  /// Those for which the router itself would have taken another set of experts; their order does not count.
  public var disagreements = 0
  public init() {}

  /// The share of choices that disagree; 0 when nothing was replayed.
  public var share: Double { Double(disagreements) / Double(max(choices, 1)) }
  /// Adds what another pass found.
  public mutating func add(_ other: ReplayAgreement) {
    choices += other.choices
    disagreements += other.disagreements
  }
}
