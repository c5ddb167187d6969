// The two shapes in which answers leave: chat completions and text completions, whole or in chunks.
// Key order and presence are fixed here and nowhere else.
import JSON
import LanguageModels
import Text

/// What all chunks of one response share.
struct ReplyHead: Sendable {
  var id: String
  /// Seconds since 1970.
  var created: Int
  var model: String
  var systemFingerprint: String

  func body(object: JSONValue, choices: [JSONValue], usage: Usage?) -> JSONValue {
    [
      "id": .string(id), "object": object, "created": .integer(created), "model": .string(model),
      "system_fingerprint": .string(systemFingerprint), "choices": .array(choices), "usage": usage?.json ?? .null,
    ]
  }
}

/// How pieces of answers are written down.
protocol ReplyFormat: Sendable {
  var head: ReplyHead { get }
  /// The `object` of chunks.
  var chunkObject: JSONValue { get }
  /// The field of the request that holds what is answered, for errors about its length.
  var promptField: String { get }
  /// Reads the events of one answer.
  func makeReader() -> AnswerReader
  /// The choice that opens an answer's stream, where the format has one.
  func opening(_ index: Int) -> JSONValue?
  func choice(_ index: Int, _ piece: AnswerPiece) -> JSONValue
  func ending(_ index: Int, _ reason: FinishReason) -> JSONValue
  /// The response in one piece.
  func whole(_ answers: [AnswerReader], _ usage: Usage) -> JSONValue
}

extension ReplyFormat {
  func chunk(_ choice: JSONValue) -> JSONValue { head.body(object: chunkObject, choices: [choice], usage: nil) }
  func usageChunk(_ usage: Usage) -> JSONValue { head.body(object: chunkObject, choices: [], usage: usage) }
}

extension FinishReason {
  /// A generation that was cancelled although its client is still there was stopped by the server.
  fileprivate var name: JSONValue {
    switch self {
    case .stop: "stop"
    case .length: "length"
    case .cancelled: "insufficient_system_resource"
    }
  }
}

/// `chat.completion`: thinking goes to `reasoning_content`, the answer to `content`, never both in one chunk.
struct ChatFormat: ReplyFormat {
  var head: ReplyHead
  var opensThinking: Bool
  var unwrapsAnswer: Bool
  var chunkObject: JSONValue { "chat.completion.chunk" }
  var promptField: String { "messages" }

  func makeReader() -> AnswerReader { AnswerReader(opensThinking: opensThinking, unwrapsAnswer: unwrapsAnswer) }

  func opening(_ index: Int) -> JSONValue? {
    delta(
      index,
      opensThinking
        ? ["role": "assistant", "content": nil, "reasoning_content": ""]
        : ["role": "assistant", "content": "", "reasoning_content": nil])
  }

  func choice(_ index: Int, _ piece: AnswerPiece) -> JSONValue {
    switch piece {
    case .reasoning(let text): delta(index, ["content": nil, "reasoning_content": .string(text)])
    case .content(let text): delta(index, ["content": .string(text), "reasoning_content": nil])
    }
  }

  func ending(_ index: Int, _ reason: FinishReason) -> JSONValue { delta(index, [:], finish: reason.name) }

  private func delta(_ index: Int, _ delta: JSONValue, finish: JSONValue = .null) -> JSONValue {
    ["index": .integer(index), "delta": delta, "logprobs": nil, "finish_reason": finish]
  }

  func whole(_ answers: [AnswerReader], _ usage: Usage) -> JSONValue {
    let choices = answers.enumerated().map { index, answer -> JSONValue in
      [
        "index": .integer(index),
        "message": [
          "role": "assistant", "content": .string(answer.content),
          "reasoning_content": answer.reasoning.isEmpty ? .null : .string(answer.reasoning), "refusal": nil,
        ],
        "logprobs": nil, "finish_reason": answer.finishReason?.name ?? .null,
      ]
    }
    return head.body(object: "chat.completion", choices: choices, usage: usage)
  }
}

/// `text_completion`: the continuation as it is, nothing split off.
struct TextFormat: ReplyFormat {
  var head: ReplyHead
  var chunkObject: JSONValue { "text_completion" }
  var promptField: String { "prompt" }

  func makeReader() -> AnswerReader { AnswerReader() }
  func opening(_ index: Int) -> JSONValue? { nil }

  func choice(_ index: Int, _ piece: AnswerPiece) -> JSONValue {
    switch piece {
    case .reasoning(let text), .content(let text): choice(index, text, finish: nil)
    }
  }

  func ending(_ index: Int, _ reason: FinishReason) -> JSONValue { choice(index, "", finish: reason.name) }

  private func choice(_ index: Int, _ text: String, finish: JSONValue) -> JSONValue {
    ["index": .integer(index), "text": .string(text), "logprobs": nil, "finish_reason": finish]
  }

  func whole(_ answers: [AnswerReader], _ usage: Usage) -> JSONValue {
    let choices = answers.enumerated().map {
      choice($0.offset, $0.element.content, finish: $0.element.finishReason?.name ?? .null)
    }
    return head.body(object: "text_completion", choices: choices, usage: usage)
  }
}
