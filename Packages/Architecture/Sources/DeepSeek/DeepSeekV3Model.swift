// DeepSeek's routed models as a value: embedding, decoder layers, norm, head, and the module that predicts one token
// further.
import LanguageModels
import Layers
import Llama
import Tensors

/// DeepSeek-V3 (DeepSeek-AI 2024, section 2), R1 included, and by its settings DeepSeekMoE, V2 and V3.2. Copying it is a
/// snapshot of every weight.
public struct DeepSeekV3Model: LanguageModel {
  public let settings: DeepSeekV3Settings
  /// The bytes of config.json, as they are written beside the weights.
  public let configuration: [UInt8]
  public let device: Device
  public var precision = PrecisionMap(.float32)
  let table: RotaryTable
  var embedding: Embedding
  var layers: [DecoderLayer]
  var norm: RMSNorm
  var head: Linear?
  var prediction: PredictionModule?

  public var vocabularySize: Int { settings.vocabularySize }
  public var contextLength: Int { settings.contextLength }

  /// Throws `ModelError` for a configuration that cannot be, and what `weights` throws for tensors that are missing.
  public init(_ configuration: [UInt8], from weights: Weights, on device: Device) throws {
    let s = try DeepSeekV3Settings(configuration)
    (settings, self.device) = (s, device)
    self.configuration = PublishedQuantization.removed(from: configuration)
    let model = weights["model"]
    embedding = try Embedding(s.vocabularySize, s.hiddenSize, model["embed_tokens"])
    layers = try (0..<s.layers).map { try DecoderLayer(s, index: $0, model["layers"][$0]) }
    norm = try RMSNorm(s.hiddenSize, epsilon: Float(s.normEpsilon), model["norm"])
    head = s.isHeadTied ? nil : try Linear(s.hiddenSize, s.vocabularySize, weights["lm_head"])
    // A checkpoint that other tools have saved may announce the module without bringing it.
    let last = model["layers"][s.layers]
    prediction = s.predictionLayers > 0 && last.has("eh_proj.weight") ? try PredictionModule(s, last) : nil
    table = RotaryTable(s.rotary, width: s.rotaryWidth, positions: s.contextLength, on: device)
  }

  public mutating func visit(_ visitor: inout some ParameterVisitor) {
    visitor("model.embed_tokens", &embedding)
    visitor("model.layers", &layers)
    visitor("model.layers.\(settings.layers)", &prediction)
    visitor("model.norm", &norm)
    visitor("lm_head", &head)
  }

  /// The projections of attention, experts and the prediction module; no router, indexer, embedding, head or norm.
  public func isHiddenMatrix(_ name: String) -> Bool {
    (name.hasSuffix("_proj.weight") || name.hasSuffix("kv_a_proj_with_mqa.weight")) && !name.contains(".indexer.")
  }

  public func makeMemory(slots: Int, capacity: Int, form: AttentionForm) -> AttentionMemory {
    let s = settings
    let width = form == .absorbed ? s.latentRank : s.heads * (s.noPositionWidth + s.valueWidth)
    // A memory that holds no more keys than a query may see needs no keys to choose by.
    let index = s.indexer.flatMap { capacity > $0.mostKeys ? [$0.width] : nil } ?? []
    return AttentionMemory(
      slots: slots, capacity: capacity, form: form, layers: s.layers,
      widths: s.groupedQuery.map { [$0.memoryWidth] } ?? [width, s.rotaryWidth] + index, on: device)
  }

  public func hiddenStates(_ batch: TokenBatch, memory: inout AttentionMemory?) -> Tensor {
    var report = batch.experts.isEmpty ? nil : routingReport(batch)
    return hiddenStates(batch, memory: &memory, report: &report)
  }
  public var expertLayout: ExpertLayout? {
    let routed = settings.layers - settings.leadingDenseLayers
    guard routed > 0 else { return nil }
    return ExpertLayout(layers: routed, chosen: settings.expertsPerToken, experts: settings.routedExperts)
  }
  public func hiddenStatesAndExperts(
    _ batch: TokenBatch, memory: inout AttentionMemory?
  ) -> (hidden: Tensor, experts: ExpertChoices?) {
    var report: RoutingReport? = routingReport(batch)
    report?.record = expertLayout.map { ExpertChoices($0, tokens: batch.tokens.count) }
    let hidden = hiddenStates(batch, memory: &memory, report: &report)
    return (hidden, report?.record)
  }
  private func routingReport(_ batch: TokenBatch, balanceWeight: Double = 0) -> RoutingReport {
    precondition(
      batch.experts.allSatisfy { $0 == nil || $0?.layout == expertLayout },
      "DeepSeekV3Model: the batch brings experts of another model")
    return RoutingReport(rows: batch.rows, balanceWeight: balanceWeight, given: batch.experts)
  }
  public func logits(_ hidden: Tensor) -> Tensor {
    LinearProduct(precision.head, roundsResult: false)(hidden, head?.weight ?? embedding.weight)
  }

  private func hiddenStates(
    _ batch: TokenBatch, memory: inout AttentionMemory?, report: inout RoutingReport?, _ recompute: Recompute = .none
  ) -> Tensor {
    let pass = AttentionPass(batch, table, memory: memory, in: precision, recompute, on: device)
    var x = embedding(Tensor(batch.tokens, shape: [batch.tokens.count], on: device))
    for index in layers.indices { x = layers[index](x, pass, memory: &memory, report: &report) }
    return norm(x)
  }

  public func trainingPass(_ batch: TokenBatch, targets: [Int32], _ options: TrainingOptions) -> TrainingPass {
    var none: AttentionMemory?
    var report: RoutingReport? = routingReport(batch, balanceWeight: options.balanceLossWeight)
    report?.trainsIndexer = options.indexerLossWeight > 0
    let hidden = hiddenStates(batch, memory: &none, report: &report, options.recompute)
    let logp = CrossEntropy()(logits(hidden), Tensor(targets, shape: [targets.count], on: device))
    var pass = TrainingPass(logProbabilities: logp)
    if let prediction, options.mtpLossWeight > 0 {
      let loss = predictionLoss(prediction, hidden, batch, targets, options.recompute, &report)
      pass.figures["mtp_loss"] = loss.detached()
      pass.auxiliaryLoss = loss * Float(options.mtpLossWeight)
    }
    if let balance = report?.balanceLoss {
      pass.figures["balance_loss"] = balance.detached()
      pass.auxiliaryLoss = pass.auxiliaryLoss.map { $0 + balance } ?? balance
    }
    if let missed = report?.indexerLoss {
      pass.figures["indexer_loss"] = missed.detached()
      let loss = missed * Float(options.indexerLossWeight)
      pass.auxiliaryLoss = pass.auxiliaryLoss.map { $0 + loss } ?? loss
    }
    pass.observations = report?.observations ?? []
    pass.replay = report?.replay ?? ReplayAgreement()
    return pass
  }

  /// −(1/T) Σ log p(t[i+2]) (DeepSeek-V3, equation 24): divided by all T tokens, not by those that have a target.
  private func predictionLoss(
    _ prediction: PredictionModule, _ hidden: Tensor, _ batch: TokenBatch, _ targets: [Int32], _ recompute: Recompute,
    _ report: inout RoutingReport?
  ) -> Tensor {
    // A row's last token is left out: nothing is known to follow it.
    var (places, next, after, rows) = ([Int32](), [Int32](), [Int32](), [TokenBatch.Row]())
    var start = 0
    for row in batch.rows {
      let end = start + row.count
      places += (start..<end - 1).map { Int32($0) }
      next += batch.tokens[(start + 1)..<end]
      after += targets[(start + 1)..<end]
      if row.count > 1 { rows.append(.init(count: row.count - 1, first: row.first, slot: row.slot)) }
      start = end
    }
    if rows.isEmpty { return Tensor(repeating: 0, shape: [], on: device) }
    let shorter = TokenBatch(tokens: places.map { batch.tokens[Int($0)] }, rows: rows)
    // A rollout does not run this module, so that there is nothing to replay in it.
    report?.rows = rows
    report?.given = []
    let states = hidden.gatherRows(Tensor(places, shape: [places.count], on: device))
    let embedded = embedding(Tensor(next, shape: [next.count], on: device))
    let pass = AttentionPass(shorter, table, in: precision, recompute, on: device)
    let state = prediction(hidden: states, nextEmbedding: embedded, pass, report: &report)
    let logp = CrossEntropy()(logits(state), Tensor(after, shape: [after.count], on: device))
    return logp.total() * (-1 / Float(batch.tokens.count))
  }

  public mutating func settle(_ observations: [RouterObservation], _ options: TrainingOptions) {
    guard options.biasUpdateRate > 0 else { return }
    for observation in observations {
      if observation.layer == settings.layers {
        prediction?.layer.routed?.router.updateBias(observation.counts, rate: options.biasUpdateRate)
      } else {
        layers[observation.layer].routed?.router.updateBias(observation.counts, rate: options.biasUpdateRate)
      }
    }
  }
}
