// The work: a request becomes prompts, prompts become generations, generations become a response or a stream.
// Everything that can be refused is refused before the first byte is sent.
import Foundation
import HTTPTypes
import Hummingbird
import JSON
import LanguageModels
import Logging
import Text

/// Answers chat and text completions for the models it is given.
struct CompletionRoutes: Sendable {
  var models: [ServedModel]
  var settings: ServerSettings
  var drain: Drain

  func chat(_ request: Request, _ context: BasicRequestContext) async throws -> Response {
    try await answer(request, context) { body, model in
      let chat = try ChatRequest(body, defaults: model.options)
      let prompt: [TokenID]
      do {
        prompt = try model.template.render(chat.messages, with: model.tokenizer)
      } catch let error as ChatTemplateError {
        throw APIError.badRequest(error.description, param: "messages")
      }
      let format = ChatFormat(
        head: head("chatcmpl-", model), opensThinking: model.template.opensThinking, unwrapsAnswer: model.unwrapsAnswer)
      return ([prompt], chat.sampling, format)
    }
  }

  func text(_ request: Request, _ context: BasicRequestContext) async throws -> Response {
    try await answer(request, context) { body, model in
      let text = try TextRequest(body, for: model)
      return (text.prompts, text.sampling, TextFormat(head: head("cmpl-", model)))
    }
  }

  private typealias Plan = (prompts: [[TokenID]], sampling: SamplingRequest, format: any ReplyFormat)

  private func answer(
    _ request: Request, _ context: BasicRequestContext, plan: (JSONField, ServedModel) throws -> Plan
  ) async throws -> Response {
    guard !drain.hasBegun else { throw APIError.draining }
    var request = request
    let body = try JSONField(body: JSONValue(body: try await request.readBody(upTo: settings.maxBodyBytes)))
    let model = try model(for: body)
    let (prompts, sampling, format) = try plan(body, model)
    var usage = Usage()
    for prompt in prompts { usage.promptTokens += prompt.count }
    let generations = try await start(prompts, sampling, model, format)
    if sampling.streams {
      return EventStream(
        format: format, usage: usage, includesUsage: sampling.includesUsage,
        keepAlive: .seconds(settings.keepAliveSeconds), logger: context.logger
      ).response(generations, to: request)
    }
    return try await whole(generations, format, usage, request)
  }

  private func model(for body: JSONField) throws -> ServedModel {
    guard !models.isEmpty else { throw APIError.notFound("no model is served here", code: "model_not_found") }
    let known = models.map(\.id)
    guard let field = body["model"] else {
      if models.count == 1, let only = models.first { return only }
      throw APIError.badRequest(
        "model is missing; it must be one of \(known.joined(separator: ", "))", param: "model")
    }
    let id = try field.string("the name of a model")
    guard let model = models.first(where: { $0.id == id }) else { throw APIError.unknownModel(id, known: known) }
    return model
  }

  private func head(_ prefix: String, _ model: ServedModel) -> ReplyHead {
    ReplyHead(
      id: prefix + randomHexadecimal(), created: Int(Date().timeIntervalSince1970), model: model.id,
      systemFingerprint: model.systemFingerprint)
  }

  /// One generation for each prompt and sample, in order. All of them exist before the response begins.
  private func start(
    _ prompts: [[TokenID]], _ sampling: SamplingRequest, _ model: ServedModel, _ format: any ReplyFormat
  ) async throws -> [GenerationStream] {
    var generations: [GenerationStream] = []
    for prompt in prompts {
      var options = sampling.options
      options.maxTokens = try budget(for: prompt, sampling, model, format)
      for _ in 0..<sampling.count {
        // Answers share the seed; their number keeps them apart, and the first is the same whatever `n` is.
        let number = UInt64(generations.count)
        generations.append(try await model.generator.stream(Prompt(prompt, request: number), options))
      }
    }
    return generations
  }

  private func budget(
    for prompt: [TokenID], _ sampling: SamplingRequest, _ model: ServedModel, _ format: any ReplyFormat
  ) throws -> Int {
    let room = model.contextLength - prompt.count
    guard room >= 1 else {
      throw APIError.badRequest(
        "the prompt has \(prompt.count) tokens; prompt and answer must fit in \(model.contextLength) tokens together",
        param: format.promptField, code: "context_length_exceeded")
    }
    guard let asked = sampling.maxTokens else { return min(model.options.maxTokens, room) }
    guard asked <= room else {
      throw APIError.badRequest(
        "\(sampling.maxTokensField) is \(asked) and the prompt has \(prompt.count) tokens; together they must fit in "
          + "\(model.contextLength) tokens, so at most \(room) would have worked",
        param: sampling.maxTokensField, code: "context_length_exceeded")
    }
    return asked
  }

  private func whole(
    _ generations: [GenerationStream], _ format: any ReplyFormat, _ usage: Usage, _ request: Request
  ) async throws -> Response {
    let answers = try await request.body.consumeWithCancellationOnInboundClose { _ in
      var readers = generations.map { _ in format.makeReader() }
      try await follow(generations, tick: nil) { signal in
        if case .event(let index, let event) = signal { _ = readers[index].read(event) }
      }
      return readers
    }
    var usage = usage
    for answer in answers { usage.add(answer) }
    return .json(format.whole(answers, usage), headers: [.connection: "close"])
  }
}

extension Request {
  /// The whole body, which must not be longer than `limit` bytes.
  fileprivate mutating func readBody(upTo limit: Int) async throws -> [UInt8] {
    if let length = headers[.contentLength].flatMap({ Int($0) }), length > limit {
      throw APIError.tooLarge(limit: limit)
    }
    do {
      return Array((try await collectBody(upTo: limit)).readableBytesView)
    } catch let error as any HTTPResponseError where error.status == .contentTooLarge {
      throw APIError.tooLarge(limit: limit)
    }
  }
}

/// 24 hexadecimal digits that nobody has seen before.
func randomHexadecimal() -> String {
  let digits = Array("0123456789abcdef")
  return String((0..<24).map { _ in digits[Int.random(in: 0..<16)] })
}
